// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that become twins: L1 tables of ours beside the kernel's own. While one is hooked
 * the kernel walks it as any other, so it has what every walk needs: a page-table lock and
 * the mark of a pinned table. It has none of what the kernel needs to free it, and must not
 * be hooked when the kernel frees tables (teardown.c).
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <asm/xen/page.h>

#include "compat.h"
#include "glue.h"

int xenmm_k_twin_alloc(struct xenmm_host *host, xenmm_u64 address, xenmm_u64 *pfn)
{
	pmd_t *pmd = xenmm_walk_to_pmd(host->mm, address);
	struct page *page;

	if (!IS_ENABLED(CONFIG_MMU_NOTIFIER))
		return -EOPNOTSUPP;
	if (!pmd || !xenmm_is_table(READ_ONCE(*pmd)))
		return -ENOENT;
	page = alloc_page(XENMM_GFP | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	if (xenmm_compat_make_lock(page, pte_lockptr(host->mm, pmd))) {
		__free_page(page);
		return -ENOMEM;
	}
	SetPagePinned(page);
	*pfn = page_to_pfn(page);
	return 0;
}

static void xenmm_twin_free_rcu(struct rcu_head *head)
{
	struct page *page = container_of(head, struct page, rcu_head);

	xenmm_compat_free_lock(page);
	__free_page(page);
}

/* Who walks tables with no lock (get_user_pages_fast) does so with interrupts off. */
void xenmm_k_twin_free(xenmm_u64 pfn)
{
	struct page *page = pfn_to_page(pfn);

	ClearPagePinned(page);
	call_rcu(&page->rcu_head, xenmm_twin_free_rcu);
}

/* The module is about to go. May sleep. */
void xenmm_twin_exit(void)
{
	rcu_barrier();
}
