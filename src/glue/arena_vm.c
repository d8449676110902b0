// SPDX-License-Identifier: GPL-2.0
/*
 * The arena as a memory area: what mmap, munmap, mremap, mprotect and faults do to
 * it. Special entries in a VM_PFNMAP area: the kernel's memory management leaves
 * such pages alone, so their life is ours alone.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/sched/mm.h>

#include "compat.h"
#include "glue.h"
#include "trace.h"

unsigned int xenmm_fault_window = 16;

static int xenmm_set_fault_window(const char *text, const struct kernel_param *param)
{
	unsigned int pages;
	int error = kstrtouint(text, 0, &pages);

	if (error)
		return error;
	if (!is_power_of_2(pages) || pages > PTRS_PER_PTE)
		return -EINVAL;
	WRITE_ONCE(xenmm_fault_window, pages);
	return 0;
}

static const struct kernel_param_ops xenmm_fault_window_ops = {
	.set = xenmm_set_fault_window,
	.get = param_get_uint,
};
module_param_cb(fault_window, &xenmm_fault_window_ops, &xenmm_fault_window, 0644);
MODULE_PARM_DESC(fault_window, "pages that a demand fault maps, a power of two up to 512 (16)");

static const struct vm_operations_struct xenmm_vm_ops;

static bool xenmm_is_arena_vma(const struct xenmm_host *host, const struct vm_area_struct *vma)
{
	return vma->vm_ops == &xenmm_vm_ops && vma->vm_file == host->file &&
	       vma->vm_private_data == host && (vma->vm_flags & VM_PFNMAP);
}

/* A VMA of the mapping, or of the other memory that is at work. mmap lock held. */
struct vm_area_struct *xenmm_find_vma(struct xenmm_host *host, unsigned long address)
{
	struct vm_area_struct *vma = find_vma(host->mm, address);

	if (!vma || address < vma->vm_start)
		return NULL;
	if (host->takes)
		return host->takes(vma) ? vma : NULL;
	return xenmm_is_arena_vma(host, vma) ? vma : NULL;
}

static bool xenmm_is_inside(const struct xenmm_area *area, unsigned long address)
{
	return address - area->start < area->end - area->start;
}

static void xenmm_lock_own_vmas(struct xenmm_host *host)
{
	struct vm_area_struct *vma;

	VMA_ITERATOR(vmi, host->mm, host->area.start);

	for_each_vma_range(vmi, vma, host->area.end)
		if (xenmm_is_arena_vma(host, vma))
			xenmm_compat_vma_start_write(vma);
}

void xenmm_lock_vmas(struct xenmm_host *host)
{
	/* Else the call will be refused: not mapped, or by another process. */
	if (XENMM_COMPAT_VMA_LOCKS && host->mm == current->mm && host->area.nr_vmas)
		xenmm_lock_own_vmas(host);
}

static void xenmm_vma_open(struct vm_area_struct *vma)
{
	struct xenmm_host *host = vma->vm_private_data;

	mutex_lock(&host->lock);
	host->area.nr_vmas++;
	mutex_unlock(&host->lock);
}

/*
 * Did the area lose its last VMA? The one that a refused mremap leaves elsewhere held
 * nothing of the arena: no operation under way has to end because of it.
 */
static bool xenmm_close_locked(struct xenmm_host *host, const struct vm_area_struct *vma)
{
	struct xenmm_area *area = &host->area;

	if (xenmm_is_inside(area, vma->vm_start))
		host->nr_closed++;
	if (--area->nr_vmas)
		return false;
	area->start = 0;
	area->end = 0;
	xenmm_arena_detach(host->arena);
	return true;
}

/*
 * Pages go by count of VMAs, not by VMA: the entries of a closed one are gone
 * and flushed, but close also runs for VMAs that never had any (a failed split,
 * a failed move).
 */
static void xenmm_vma_close(struct vm_area_struct *vma)
{
	struct xenmm_host *host = vma->vm_private_data;
	bool was_last;

	mutex_lock(&host->lock);
	was_last = xenmm_close_locked(host, vma);
	mutex_unlock(&host->lock);
	if (was_last)
		xenmm_unwatch(host);
}

/* A span is one L1 table; no area may end inside one that goes on elsewhere. */
static int xenmm_vma_may_split(struct vm_area_struct *vma, unsigned long address)
{
	return IS_ALIGNED(address, XENMM_SPAN_BYTES) ? 0 : -EINVAL;
}

static int xenmm_vma_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

/* Protection is per page and set by XENMM_IOC_PROTECT. */
static int xenmm_vma_mprotect(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			      unsigned long flags)
{
	return -EACCES;
}

static vm_fault_t xenmm_fault_result(int error)
{
	switch (error) {
	case 0:
		return VM_FAULT_NOPAGE;
	case -EACCES:
		return VM_FAULT_SIGSEGV;
	default:
		/*
		 * As hugetlbfs does. VM_FAULT_OOM would try again for ever where
		 * RLIMIT_MEMLOCK is what is exhausted. Nor may a process that is being killed
		 * (-EINTR) try again: in a fault of the kernel's, on behalf of read() or futex(),
		 * nobody looks at signals before an error.
		 */
		return VM_FAULT_SIGBUS;
	}
}

/*
 * Nobody has business in a VMA elsewhere: mremap leaves an empty one
 * where it wanted to go, when it is short of memory while it puts everything back.
 */
static bool xenmm_is_arena_fault(const struct vm_fault *vmf)
{
	const struct xenmm_host *host = vmf->vma->vm_private_data;

	return xenmm_is_inside(&host->area, vmf->vma->vm_start);
}

static vm_fault_t xenmm_vma_fault(struct vm_fault *vmf)
{
	struct xenmm_host *host = vmf->vma->vm_private_data;
	vm_fault_t retry = xenmm_compat_need_mmap_lock(vmf);
	int error = -EACCES;

	if (retry)
		return retry;
	mutex_lock(&host->lock);
	if (xenmm_is_arena_fault(vmf))
		error = xenmm_arena_fault(
			host->arena, vmf->address & PAGE_MASK, !!(vmf->flags & FAULT_FLAG_WRITE),
			READ_ONCE(xenmm_fault_window), vmf->vma->vm_start, vmf->vma->vm_end);
	mutex_unlock(&host->lock);
	trace_xenmm_fault(vmf->address & PAGE_MASK, vmf->flags & FAULT_FLAG_WRITE, error);
	return xenmm_fault_result(error);
}

/*
 * A write to a read-only entry. Without this hook the kernel would make the entry
 * writable (wp_pfn_shared). When the page has become writable meanwhile, or is tracked and
 * becomes so now, the entry does too, and the access is simply tried again.
 */
static vm_fault_t xenmm_vma_pfn_mkwrite(struct vm_fault *vmf)
{
	struct xenmm_host *host = vmf->vma->vm_private_data;
	vm_fault_t retry = xenmm_compat_need_mmap_lock(vmf);
	int error = -EACCES;

	if (retry)
		return retry;
	mutex_lock(&host->lock);
	if (xenmm_is_arena_fault(vmf))
		error = xenmm_arena_write(host->arena, vmf->address & PAGE_MASK);
	mutex_unlock(&host->lock);
	return xenmm_fault_result(error);
}

static const struct vm_operations_struct xenmm_vm_ops = {
	.open = xenmm_vma_open,
	.close = xenmm_vma_close,
	.may_split = xenmm_vma_may_split,
	.mremap = xenmm_vma_mremap,
	.mprotect = xenmm_vma_mprotect,
	.fault = xenmm_vma_fault,
	.pfn_mkwrite = xenmm_vma_pfn_mkwrite,
};

unsigned long xenmm_arena_unmapped_area(struct file *file, unsigned long address,
					unsigned long length, unsigned long pgoff,
					unsigned long flags)
{
	if (flags & MAP_FIXED)
		return IS_ALIGNED(address, XENMM_SPAN_BYTES) ? address : -EINVAL;
	if (length > TASK_SIZE - XENMM_SPAN_BYTES)
		return -ENOMEM;
	address = xenmm_compat_unmapped_area(file, address, length + XENMM_SPAN_BYTES - PAGE_SIZE,
					     flags);
	return IS_ERR_VALUE(address) ? address : ALIGN(address, XENMM_SPAN_BYTES);
}

static int xenmm_check_vma(const struct vm_area_struct *vma)
{
	const unsigned long needed = VM_SHARED | VM_READ | VM_WRITE;

	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if ((vma->vm_flags & needed) != needed || vma->vm_pgoff)
		return -EINVAL;
	return 0;
}

/* The VMA becomes the area's only one. Arena lock held. */
static void xenmm_area_attach(struct xenmm_host *host, struct vm_area_struct *vma)
{
	struct xenmm_area *area = &host->area;

	xenmm_compat_vma_flags(vma, VM_IO | VM_PFNMAP | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP,
			       VM_MAYEXEC);
	area->start = vma->vm_start;
	area->end = vma->vm_end;
	area->nr_vmas = 1;
	vma->vm_ops = &xenmm_vm_ops;
	vma->vm_private_data = host;
}

/* Tie the arena to this mm and this VMA. Arena lock held. */
static int xenmm_attach_locked(struct xenmm_host *host, struct vm_area_struct *vma)
{
	int error;

	if (host->mm && host->mm != vma->vm_mm)
		return -EPERM;
	if (host->area.nr_vmas)
		return -EBUSY;
	xenmm_area_attach(host, vma);
	host->vm_flags = vma->vm_flags;
	error = xenmm_arena_attach(host->arena, vma->vm_start, vma->vm_end - vma->vm_start);
	if (error) {
		host->area.nr_vmas = 0;
		return error;
	}
	if (!host->mm) {
		mmgrab(vma->vm_mm);
		host->mm = vma->vm_mm;
	}
	return 0;
}

/* Undo of xenmm_attach_locked: mmap is going to fail, and close is not called then. */
static void xenmm_undo_attach(struct xenmm_host *host, struct vm_area_struct *vma)
{
	mutex_lock(&host->lock);
	xenmm_close_locked(host, vma);
	mutex_unlock(&host->lock);
}

int xenmm_arena_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct xenmm_host *host = file->private_data;
	int error = xenmm_check_vma(vma);

	if (error)
		return error;
	mutex_lock(&host->lock);
	error = xenmm_attach_locked(host, vma);
	mutex_unlock(&host->lock);
	if (error)
		return error;
	error = xenmm_watch(host);
	if (error)
		xenmm_undo_attach(host, vma);
	return error;
}
