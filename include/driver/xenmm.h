/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For other kernel modules: pages mapped into an area of user memory, many with each
 * hypercall. Where no hypervisor owns the page tables the same calls store entries.
 *
 *	mapper = xenmm_mapper_create();			once
 *	xenmm_map_pages(mapper, vma, address, ...);	in mmap, in an ioctl, in a fault
 *	xenmm_unmap_pages(mapper, vma, address, ...);
 *	xenmm_mapper_destroy(mapper);
 *
 * The area is the caller's own, with VM_IO and VM_PFNMAP: the kernel counts no user of the
 * pages, so that they have to live until they are unmapped, or the area is gone.
 * VM_DONTCOPY keeps it from children. selftests/sample is an example.
 */
#ifndef XENMM_DRIVER_H
#define XENMM_DRIVER_H

#include <linux/mm_types.h>
#include <linux/types.h>

/* Room for the updates of one call at a time, and a lock: concurrent calls wait. */
struct xenmm_mapper;

/* May sleep. An error pointer: -ENOMEM. */
struct xenmm_mapper *xenmm_mapper_create(void);
/* May sleep; nothing is unmapped. NULL is nothing to do. */
void xenmm_mapper_destroy(struct xenmm_mapper *mapper);

/**
 * xenmm_map_pages() - map pages one behind the other
 * @vma: the area
 * @address: of the first page, in the area
 * @pages: the caller's, none of them freed before it is unmapped
 * @count: how many, 1 or more; the area reaches that far
 * @prot: as in vma->vm_page_prot, or less
 * @results: out, of each page: 0; -EBUSY there is something mapped already, which stays; what
 *	Xen answered, if it refuses this page (-EINVAL, -EPERM: a page table may not be
 *	mapped writable, for example). The pages behind such a one are mapped all the
 *	same. -ENOMEM no page table, -EINTR the caller is being killed: nothing from
 *	there on was mapped
 *
 * Nothing has to be flushed. Context: process, mmap lock of the area held, for reading or
 * writing; sleeps.
 *
 * Return: how many pages were mapped, or -EINVAL: the area or the addresses are wrong, nothing
 * was mapped, and @results is not written.
 */
int xenmm_map_pages(struct xenmm_mapper *mapper, struct vm_area_struct *vma, unsigned long address,
		    struct page *const *pages, unsigned int count, pgprot_t prot, int *results);

/**
 * xenmm_unmap_pages() - clear entries, whatever they map, and flush the TLBs
 * @vma: the area
 * @address: of the first page, in the area
 * @count: how many, 1 or more; the area reaches that far
 *
 * munmap alone does it, too, at a trap for each page. Context: as above.
 *
 * Return: 0; -EINVAL as above; -EINTR the caller is being killed; -EIO Xen refused: then some
 * are mapped still.
 */
int xenmm_unmap_pages(struct xenmm_mapper *mapper, struct vm_area_struct *vma,
		      unsigned long address, unsigned int count);

#endif /* XENMM_DRIVER_H */
