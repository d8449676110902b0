// SPDX-License-Identifier: GPL-2.0
/*
 * The second mapping of an arena, in which its twin tables hang. Made by the first
 * operation that wants to flip, unmapped right after the visible one.
 */
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include "glue.h"

/*
 * As the program itself would map it: counted in RLIMIT_AS, seen in /proc/PID/maps.
 * When it cannot be had there is none, and other methods serve. No lock held.
 */
void xenmm_twin_map(struct xenmm_host *host)
{
	unsigned long length = 0, address;

	mutex_lock(&host->lock);
	if (!host->twin_maker && !host->twin.nr_vmas && host->visible.nr_vmas) {
		host->twin_maker = current;
		length = host->visible.end - host->visible.start;
	}
	mutex_unlock(&host->lock);
	if (!length)
		return;
	address = vm_mmap(host->file, 0, length, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	if (IS_ERR_VALUE(address))
		pr_debug("xenmm: no twin mapping: error %ld\n", (long)address);
	mutex_lock(&host->lock);
	host->twin_maker = NULL;
	mutex_unlock(&host->lock);
}

/* Called by mmap on behalf of xenmm_twin_map. Arena lock held. */
int xenmm_twin_attach_locked(struct xenmm_host *host, struct vm_area_struct *vma)
{
	const struct xenmm_area *visible = &host->visible;

	/* The arena may have been unmapped meanwhile, or mapped anew. */
	if (vma->vm_end - vma->vm_start != visible->end - visible->start)
		return -EAGAIN;
	xenmm_area_attach(&host->twin, vma);
	xenmm_arena_set_twin(host->arena, vma->vm_start);
	return 0;
}

/* Bounds of the first VMA that is left of the twin. Not where somebody else moved in. */
static bool xenmm_twin_find(struct xenmm_host *host, unsigned long *start, unsigned long *length)
{
	struct vm_area_struct *vma = NULL;
	unsigned long at;

	mmap_read_lock(host->mm);
	for (at = host->twin.start; !vma && at < host->twin.end; at += XENMM_SPAN_BYTES)
		vma = xenmm_find_vma(host, at);
	if (vma) {
		*start = vma->vm_start;
		*length = vma->vm_end - vma->vm_start;
	}
	mmap_read_unlock(host->mm);
	return vma;
}

#define XENMM_UNMAP_ATTEMPTS 10

/*
 * Unmapping takes a little memory, and who would try again? What is left of the twin
 * keeps the arena's pages, and the file from being mapped anew, until the process ends.
 */
static int xenmm_twin_unmap_vma(unsigned long start, unsigned long length)
{
	int error = -ENOMEM, attempt;

	for (attempt = 0; error == -ENOMEM && attempt < XENMM_UNMAP_ATTEMPTS; attempt++)
		error = vm_munmap(start, length);
	return error;
}

static void xenmm_twin_unmap(struct callback_head *work)
{
	struct xenmm_host *host = container_of(work, struct xenmm_host, twin_work);
	struct file *file = host->file;
	unsigned long start, length;

	/* An exec or exit in between has taken the whole address space away. */
	while (current->mm == host->mm && xenmm_twin_find(host, &start, &length))
		if (xenmm_twin_unmap_vma(start, length))
			break;
	fput(file);
}

/*
 * munmap is under way and cannot unmap more than it was asked for: the task does it on
 * its way back to user space. Exit and exec unmap everything anyway. Arena lock held.
 */
void xenmm_twin_unmap_later(struct xenmm_host *host)
{
	if (current->mm != host->mm)
		return;
	get_file(host->file);
	init_task_work(&host->twin_work, xenmm_twin_unmap);
	if (task_work_add(current, &host->twin_work, TWA_RESUME))
		fput(host->file);
}
