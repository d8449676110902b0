/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only place that knows kernel versions. Each helper is written for the
 * newest kernel and falls back for older ones.
 */
#ifndef XENMM_COMPAT_H
#define XENMM_COMPAT_H

#include <linux/eventfd.h>
#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/version.h>

/* vm_flags became read-only, with setters, in 6.3. */
static inline void xenmm_compat_vma_flags(struct vm_area_struct *vma, unsigned long set,
					  unsigned long clear)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

/*
 * Per-VMA locks came with 6.4: a fault may then run without the mmap lock, under
 * which our tables are looked up. Ask for the fault to come again with it.
 * Nonzero: return this value.
 */
static inline vm_fault_t xenmm_compat_need_mmap_lock(struct vm_fault *vmf)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	if (vmf->flags & FAULT_FLAG_VMA_LOCK) {
		vma_end_read(vmf->vma);
		return VM_FAULT_RETRY;
	}
#endif
	return 0;
}

/* One more, the only number that anybody ever asked for, is no argument since 6.8. */
static inline void xenmm_compat_eventfd_signal(struct eventfd_ctx *context)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(context);
#else
	eventfd_signal(context, 1);
#endif
}

/* Has each L1 table a lock of its own? Xen PV then pins each on its own, too. */
#ifdef USE_SPLIT_PTE_PTLOCKS /* until 6.11 */
#define XENMM_COMPAT_SPLIT_LOCKS USE_SPLIT_PTE_PTLOCKS
#else
#define XENMM_COMPAT_SPLIT_LOCKS IS_ENABLED(CONFIG_SPLIT_PTE_PTLOCKS)
#endif

/* What describes a page table: a type of its own since 6.6. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define XENMM_COMPAT_TABLE(page) page_ptdesc(page)
#else
#define XENMM_COMPAT_TABLE(page) (page)
#endif

/* The lock of the L1 table in this page. */
static inline spinlock_t *xenmm_compat_table_lock(struct mm_struct *mm, struct page *page)
{
#if XENMM_COMPAT_SPLIT_LOCKS
	return ptlock_ptr(XENMM_COMPAT_TABLE(page));
#else
	return &mm->page_table_lock;
#endif
}

static inline void xenmm_compat_init_lock(spinlock_t *lock, spinlock_t *model)
{
	spin_lock_init(lock);
#ifdef CONFIG_DEBUG_LOCK_ALLOC
	lockdep_copy_map(&lock->dep_map, &model->dep_map);
#endif
}

/*
 * A page gets the lock that the kernel's tables have, of their class: its place is in the
 * page's description, or, where locks are large (lockdep), in memory of its own. -ENOMEM.
 */
static inline int xenmm_compat_make_lock(struct page *page, spinlock_t *model)
{
#if XENMM_COMPAT_SPLIT_LOCKS
#if ALLOC_SPLIT_PTLOCKS
	XENMM_COMPAT_TABLE(page)->ptl = kmalloc(sizeof(spinlock_t), GFP_KERNEL_ACCOUNT);
	if (!XENMM_COMPAT_TABLE(page)->ptl)
		return -ENOMEM;
#endif
	xenmm_compat_init_lock(ptlock_ptr(XENMM_COMPAT_TABLE(page)), model);
#endif
	return 0;
}

static inline void xenmm_compat_free_lock(struct page *page)
{
#if XENMM_COMPAT_SPLIT_LOCKS && ALLOC_SPLIT_PTLOCKS
	kfree(XENMM_COMPAT_TABLE(page)->ptl);
#endif
	set_page_private(page, 0); /* the lock's place */
}

/*
 * Who holds the mmap lock for writing keeps faults out of a VMA by this. Sleeps. The
 * mark is gone with the mmap lock.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0) && defined(CONFIG_PER_VMA_LOCK)
#define XENMM_COMPAT_VMA_LOCKS true
static inline void xenmm_compat_vma_start_write(struct vm_area_struct *vma)
{
	vma_start_write(vma);
}
#else
#define XENMM_COMPAT_VMA_LOCKS false
static inline void xenmm_compat_vma_start_write(struct vm_area_struct *vma) {}
#endif

/* The mm's own choice of an address became a function in 6.10. */
static inline unsigned long xenmm_compat_unmapped_area(struct file *file, unsigned long address,
						       unsigned long length, unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	return mm_get_unmapped_area(current->mm, file, address, length, 0, flags);
#else
	return current->mm->get_unmapped_area(file, address, length, 0, flags);
#endif
}

#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
/* An argument of the function that is traced; with a name of its own since 6.2. */
static inline unsigned long xenmm_compat_argument(struct ftrace_regs *regs, unsigned int n)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	return ftrace_regs_get_argument(regs, n);
#else
	return regs_get_kernel_argument(&regs->regs, n);
#endif
}

/* What is called when a page no longer is mapped in an area: for several at once since 6.8. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define XENMM_COMPAT_REMOVED "folio_remove_rmap_ptes"
#define XENMM_COMPAT_REMOVED_PAGE 1
#define XENMM_COMPAT_REMOVED_VMA 3
static inline int xenmm_compat_nr_removed(struct ftrace_regs *regs)
{
	return xenmm_compat_argument(regs, 2);
}
#else
#define XENMM_COMPAT_REMOVED "page_remove_rmap"
#define XENMM_COMPAT_REMOVED_PAGE 0
#define XENMM_COMPAT_REMOVED_VMA 1
static inline int xenmm_compat_nr_removed(struct ftrace_regs *regs)
{
	return 1;
}
#endif
#endif /* CONFIG_DYNAMIC_FTRACE_WITH_ARGS */

#endif /* XENMM_COMPAT_H */
