// SPDX-License-Identifier: GPL-2.0
/*
 * Where L1 tables hang in L2 tables, as machine addresses for the core, which takes
 * tables out, puts them back and exchanges them.
 *
 * Raw values throughout (native_*): what the hardware and Xen see, not what Linux'
 * accessors make of it.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/printk.h>
#include <asm/xen/page.h>

#include "compat.h"
#include "glue.h"

/* Does a VMA of the arena hold all of these tables' bytes, so that nothing else is there? */
static bool xenmm_owns_spans(struct xenmm_host *host, unsigned long address, u32 count)
{
	const unsigned long start = address & PMD_MASK;
	struct vm_area_struct *vma = xenmm_find_vma(host, start);

	return vma && start + count * PMD_SIZE <= vma->vm_end;
}

static bool xenmm_is_mm_pinned(struct mm_struct *mm, pmd_t *pmd)
{
	return PagePinned(virt_to_page(mm->pgd)) && PagePinned(virt_to_page(pmd));
}

static pmdval_t xenmm_hook_flags(pmdval_t hook)
{
	return hook ? hook & PTE_FLAGS_MASK : _PAGE_TABLE;
}

/* Of a table that is hooked nowhere. */
static void xenmm_fill_alias(struct xenmm_hooks *hooks, xenmm_u64 *entries)
{
	unsigned int level;
	pte_t alias = READ_ONCE(*lookup_address((unsigned long)entries, &level));

	hooks->l2_maddr = 0;
	hooks->l2_value = 0;
	hooks->mfn = virt_to_mfn(entries);
	hooks->alias = (unsigned long)entries;
	hooks->alias_ro = native_pte_val(pte_wrprotect(alias));
	hooks->alias_rw = native_pte_val(alias) | _PAGE_RW;
	hooks->is_pinned = true;
}

static void xenmm_fill_hooks(struct xenmm_hooks *hooks, pmd_t *pmd, xenmm_u64 *entries)
{
	xenmm_fill_alias(hooks, entries);
	hooks->l2_maddr = arbitrary_virt_to_machine(pmd).maddr;
	hooks->l2_value = ((pmdval_t)hooks->mfn << PAGE_SHIFT) |
			  xenmm_hook_flags(native_pmd_val(READ_ONCE(*pmd)));
	hooks->is_pinned = XENMM_COMPAT_SPLIT_LOCKS;
}

int xenmm_k_table_hooks(struct xenmm_host *host, xenmm_u64 address, const struct xenmm_table *table,
			struct xenmm_hooks *hooks)
{
	pmd_t *pmd;

	if (!host->is_leaving &&
	    (host->hold != XENMM_HOLD_WRITE || !xenmm_owns_spans(host, address, 1)))
		return -EOPNOTSUPP;
	pmd = xenmm_walk_to_pmd(host->mm, address);
	if (!pmd || !xenmm_is_mm_pinned(host->mm, pmd))
		return -EOPNOTSUPP;
	xenmm_fill_hooks(hooks, pmd, table->entries);
	return 0;
}

int xenmm_k_orphan_lock(struct xenmm_host *host, xenmm_u64 address, xenmm_u64 *entries,
			struct xenmm_table *table, struct xenmm_hooks *hooks)
{
	const bool is_twin = address >= TASK_SIZE_MAX;
	pmd_t *pmd = is_twin ? NULL : xenmm_walk_to_pmd(host->mm, address);

	if (!pmd && !is_twin)
		return -ENOENT;
	/* Any spinlock will do: it keeps a suspend out. */
	table->entries = entries;
	table->lock = &host->mm->page_table_lock;
	xenmm_section_begin();
	spin_lock(&host->mm->page_table_lock);
	xenmm_hand_out(table->lock);
	if (is_twin)
		xenmm_fill_alias(hooks, entries);
	else
		xenmm_fill_hooks(hooks, pmd, entries);
	return 0;
}

void xenmm_k_arena_died(void)
{
	pr_err_once("xenmm: Xen refused to take a page table back: an arena is dead, unmap it\n");
}

void xenmm_k_table_lost(struct xenmm_host *host)
{
	pr_err_once("xenmm: Xen takes a page table back no more: 2 MiB of memory are lost\n");
	mm_dec_nr_ptes(host->mm);
}

xenmm_u64 xenmm_k_table_pfn(xenmm_u64 l2_value)
{
	return mfn_to_pfn((l2_value & PTE_PFN_MASK) >> PAGE_SHIFT);
}

xenmm_u64 *xenmm_k_twin_hooks(xenmm_u64 pfn, struct xenmm_hooks *hooks)
{
	xenmm_u64 *entries = pfn_to_kaddr(pfn);

	xenmm_fill_alias(hooks, entries);
	return entries;
}

/* In a pinned address space every table that is hooked is pinned. */
static int xenmm_read_hooks(pmd_t *pmd, u32 count, int leaving, struct xenmm_flips *flips)
{
	u32 i;

	for (i = 0; i < count; i++) {
		pmd_t seen = READ_ONCE(pmd[i]);

		if (!xenmm_is_table(seen) && !(leaving && pmd_none(seen)))
			return -ENOENT;
		flips->l2_value[i] = native_pmd_val(seen);
		flips->l2_flags[i] = xenmm_hook_flags(flips->l2_value[i]);
	}
	return 0;
}

int xenmm_k_flips_lock(struct xenmm_host *host, xenmm_u64 address, xenmm_u32 count, int leaving,
		       struct xenmm_flips *flips)
{
	pmd_t *pmd;
	int error;

	if (!leaving && !xenmm_owns_spans(host, address, count))
		return -EINVAL;
	pmd = xenmm_walk_to_pmd(host->mm, address);
	if (!pmd)
		return -ENOENT;
	if (!xenmm_is_mm_pinned(host->mm, pmd))
		return -EIO;
	flips->lock = pmd_lockptr(host->mm, pmd);
	flips->is_pinned = XENMM_COMPAT_SPLIT_LOCKS;
	xenmm_section_begin();
	spin_lock((spinlock_t *)flips->lock);
	xenmm_hand_out(flips->lock);
	flips->l2_maddr = arbitrary_virt_to_machine(pmd).maddr;
	error = xenmm_read_hooks(pmd, count, leaving, flips);
	if (error)
		xenmm_k_flips_unlock(flips);
	return error;
}

void xenmm_k_flips_unlock(struct xenmm_flips *flips)
{
	xenmm_hand_back(flips->lock);
	spin_unlock((spinlock_t *)flips->lock);
	xenmm_section_end();
}
