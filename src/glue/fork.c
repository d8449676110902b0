// SPDX-License-Identifier: GPL-2.0
/*
 * The fork hint: which of the caller's memory may be made read-only ahead of a fork, without
 * anybody being able to tell.
 */
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/userfaultfd_k.h>
#include <xen/xen.h>

#include "compat.h"
#include "glue.h"

/* A write to a read-only entry of such memory is the kernel's ordinary copy on write. */
static bool xenmm_may_shield(struct vm_area_struct *vma)
{
	const unsigned long other = VM_SHARED | VM_IO | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB |
				    VM_DONTCOPY | VM_WIPEONFORK;

	return vma_is_anonymous(vma) && vma->anon_vma && (vma->vm_flags & VM_WRITE) &&
	       !(vma->vm_flags & other) && !userfaultfd_armed(vma);
}

/* What is to be shielded; counted first, with no room. */
struct xenmm_shield_list {
	struct xenmm_piece *pieces;
	u32 count, room;
};

/* In steps of an L2 table, which most of a sparse area has not got. */
static void xenmm_list_area(struct xenmm_shield_list *list, const struct vm_area_struct *vma)
{
	unsigned long at, next;

	for (at = vma->vm_start; at < vma->vm_end; at = next) {
		next = min(vma->vm_end, (at & PUD_MASK) + PUD_SIZE);
		if (!xenmm_walk_to_pmd(vma->vm_mm, at))
			continue;
		if (list->count < list->room) {
			list->pieces[list->count].start = at;
			list->pieces[list->count].length = next - at;
		}
		list->count++;
	}
}

static void xenmm_list_areas(struct xenmm_shield_list *list, struct mm_struct *mm)
{
	struct vm_area_struct *vma;

	VMA_ITERATOR(vmi, mm, 0);

	list->count = 0;
	for_each_vma(vmi, vma) {
		if (!xenmm_may_shield(vma))
			continue;
		xenmm_compat_vma_start_write(vma);
		xenmm_list_area(list, vma);
	}
}

/*
 * Who sees an entry read-only and would make it so believes that no flush is needed: not
 * before ours is done.
 */
static int xenmm_shield_areas(struct xenmm_host *host, const struct xenmm_piece *pieces, u32 count,
			      struct xenmm_shielded *shielded)
{
	int error;

	host->takes = xenmm_may_shield;
	inc_tlb_flush_pending(host->mm);
	error = xenmm_arena_shield(host->arena, pieces, count, shielded);
	dec_tlb_flush_pending(host->mm);
	host->takes = NULL;
	return error;
}

/* mmap lock held for writing: areas neither come nor go. */
static int xenmm_shield_mm(struct xenmm_host *host, struct xenmm_shielded *shielded)
{
	struct xenmm_shield_list list = {};
	int error;

	xenmm_list_areas(&list, host->mm);
	if (!list.count)
		return 0;
	list.room = list.count;
	list.pieces = kvmalloc_array(list.room, sizeof(*list.pieces), XENMM_GFP);
	if (!list.pieces)
		return -ENOMEM;
	xenmm_list_areas(&list, host->mm);
	error = xenmm_shield_areas(host, list.pieces, list.count, shielded);
	kvfree(list.pieces);
	return error;
}

/* A file belongs to the process that used it first, as with mmap. */
static int xenmm_claim(struct xenmm_host *host)
{
	if (!host->mm) {
		mmgrab(current->mm);
		host->mm = current->mm;
	}
	return host->mm == current->mm ? 0 : -EPERM;
}

static int xenmm_shield(struct xenmm_host *host, struct xenmm_shielded *shielded)
{
	int error;

	if (mmap_write_lock_killable(current->mm))
		return -EINTR;
	mutex_lock(&host->lock);
	error = xenmm_claim(host);
	if (!error) {
		host->hold = XENMM_HOLD_WRITE;
		error = xenmm_shield_mm(host, shielded);
		host->hold = XENMM_NO_HOLD;
	}
	mutex_unlock(&host->lock);
	mmap_write_unlock(current->mm);
	return error;
}

long xenmm_ioctl_fork(struct xenmm_host *host, struct xenmm_fork __user *argument)
{
	struct xenmm_shielded shielded = {};
	struct xenmm_fork fork;
	int error;

	if (copy_from_user(&fork, argument, sizeof(fork)))
		return -EFAULT;
	if (fork.flags || fork.reserved[0] || fork.reserved[1])
		return -EINVAL;
	if (!xen_pv_domain())
		return -EOPNOTSUPP;
	error = xenmm_shield(host, &shielded);
	/* Rather no process than one whose memory is not what it was. */
	if (shielded.lost)
		send_sig(SIGKILL, current, 1);
	fork.pages = shielded.pages;
	fork.tables = shielded.tables;
	return copy_to_user(argument, &fork, sizeof(fork)) ? -EFAULT : error;
}
