// SPDX-License-Identifier: GPL-2.0
/* Memory and its accounting. */
#include <linux/capability.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "glue.h"

void *xenmm_k_zalloc(xenmm_u64 bytes)
{
	return kvzalloc(bytes, XENMM_GFP);
}

void xenmm_k_free(void *memory)
{
	kvfree(memory);
}

int xenmm_k_page_alloc(int optional, xenmm_u64 *pfn)
{
	gfp_t flags = XENMM_GFP | __GFP_ZERO;
	struct page *page;

	if (optional)
		flags = (flags & ~__GFP_RETRY_MAYFAIL) | __GFP_NORETRY;
	page = alloc_page(flags);
	if (!page)
		return -ENOMEM;
	*pfn = page_to_pfn(page);
	return 0;
}

void xenmm_k_page_free(xenmm_u64 pfn)
{
	__free_page(pfn_to_page(pfn));
}

/*
 * pinned_vm is atomic, so a fault may charge it under the read side of the mmap
 * lock; locked_vm may not be touched there. Same limit, same exemption.
 */
int xenmm_k_charge(struct xenmm_host *host, xenmm_u64 pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	if (!pages)
		return 0;
	if (atomic64_add_return(pages, &host->mm->pinned_vm) > limit && !capable(CAP_IPC_LOCK)) {
		xenmm_k_uncharge(host, pages);
		return -ENOMEM;
	}
	return 0;
}

void xenmm_k_uncharge(struct xenmm_host *host, xenmm_u64 pages)
{
	atomic64_sub(pages, &host->mm->pinned_vm);
}
