// SPDX-License-Identifier: GPL-2.0
/* What other modules call, include/driver/xenmm.h: their areas, their pages. */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "driver/xenmm.h"
#include "glue.h"

/* `host` is no open file: it says whose tables are at work. */
struct xenmm_mapper {
	struct mutex lock; /* for all that follows */
	struct xenmm_host host;
	struct xenmm_mapper_core *core;
};

struct xenmm_page_list {
	struct page *const *pages;
};

xenmm_u64 xenmm_k_list_pfn(const struct xenmm_page_list *list, xenmm_u32 index)
{
	return page_to_pfn(list->pages[index]);
}

/* The kernel neither counts what is mapped there nor looks at it. */
static bool xenmm_is_lent(struct vm_area_struct *vma)
{
	return (vma->vm_flags & (VM_IO | VM_PFNMAP)) == (VM_IO | VM_PFNMAP);
}

struct xenmm_mapper *xenmm_mapper_create(void)
{
	struct xenmm_mapper *mapper = kzalloc(sizeof(*mapper), GFP_KERNEL);
	int error;

	if (!mapper)
		return ERR_PTR(-ENOMEM);
	mutex_init(&mapper->lock);
	mapper->host.takes = xenmm_is_lent;
	error = xenmm_mapper_core_create(&mapper->host, xenmm_guest_kind(), &mapper->core);
	if (!error)
		return mapper;
	kfree(mapper);
	return ERR_PTR(error);
}
EXPORT_SYMBOL_GPL(xenmm_mapper_create);

void xenmm_mapper_destroy(struct xenmm_mapper *mapper)
{
	if (!mapper)
		return;
	xenmm_mapper_core_destroy(mapper->core);
	kfree(mapper);
}
EXPORT_SYMBOL_GPL(xenmm_mapper_destroy);

static bool xenmm_is_in_area(struct vm_area_struct *vma, unsigned long address, unsigned int count)
{
	lockdep_assert_held(&vma->vm_mm->mmap_lock);
	return xenmm_is_lent(vma) && PAGE_ALIGNED(address) && count && address >= vma->vm_start &&
	       address < vma->vm_end && count <= (vma->vm_end - address) >> PAGE_SHIFT;
}

static void xenmm_mapper_begin(struct xenmm_mapper *mapper, struct mm_struct *mm)
{
	mutex_lock(&mapper->lock);
	mapper->host.mm = mm;
}

static void xenmm_mapper_end(struct xenmm_mapper *mapper)
{
	mapper->host.mm = NULL;
	mutex_unlock(&mapper->lock);
}

/* Accessed from the start: who maps so many pages is about to use them. */
static xenmm_u64 xenmm_flags_of(pgprot_t prot)
{
	return pte_flags(pte_mkyoung(pte_mkspecial(pfn_pte(page_to_pfn(ZERO_PAGE(0)), prot))));
}

int xenmm_map_pages(struct xenmm_mapper *mapper, struct vm_area_struct *vma, unsigned long address,
		    struct page *const *pages, unsigned int count, pgprot_t prot, int *results)
{
	const struct xenmm_page_list list = {pages};
	int mapped;

	if (!xenmm_is_in_area(vma, address, count))
		return -EINVAL;
	xenmm_mapper_begin(mapper, vma->vm_mm);
	mapped = xenmm_mapper_map(mapper->core, address, count, xenmm_flags_of(prot), &list,
				  results);
	xenmm_mapper_end(mapper);
	return mapped;
}
EXPORT_SYMBOL_GPL(xenmm_map_pages);

int xenmm_unmap_pages(struct xenmm_mapper *mapper, struct vm_area_struct *vma,
		      unsigned long address, unsigned int count)
{
	int error;

	if (!xenmm_is_in_area(vma, address, count))
		return -EINVAL;
	xenmm_mapper_begin(mapper, vma->vm_mm);
	error = xenmm_mapper_clear(mapper->core, address, count);
	xenmm_mapper_end(mapper);
	return error;
}
EXPORT_SYMBOL_GPL(xenmm_unmap_pages);
