/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only place that knows kernel versions. Each helper is written for the
 * newest kernel and falls back for older ones.
 */
#ifndef XENMM_COMPAT_H
#define XENMM_COMPAT_H

#include <linux/mm.h>
#include <linux/sched/mm.h>
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

/* Has each L1 table a lock of its own? Xen PV then pins each on its own, too. */
#ifdef USE_SPLIT_PTE_PTLOCKS /* until 6.11 */
#define XENMM_COMPAT_SPLIT_LOCKS USE_SPLIT_PTE_PTLOCKS
#else
#define XENMM_COMPAT_SPLIT_LOCKS IS_ENABLED(CONFIG_SPLIT_PTE_PTLOCKS)
#endif

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

#endif /* XENMM_COMPAT_H */
