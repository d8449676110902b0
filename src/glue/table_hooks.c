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

static void xenmm_fill_hooks(struct xenmm_hooks *hooks, pmd_t *pmd, xenmm_u64 *entries)
{
	const unsigned long mfn = virt_to_mfn(entries);
	const pmdval_t old = native_pmd_val(READ_ONCE(*pmd));
	const pmdval_t flags = old ? old & PTE_FLAGS_MASK : _PAGE_TABLE;
	unsigned int level;
	pte_t alias = READ_ONCE(*lookup_address((unsigned long)entries, &level));

	hooks->l2_maddr = arbitrary_virt_to_machine(pmd).maddr;
	hooks->l2_value = ((pmdval_t)mfn << PAGE_SHIFT) | flags;
	hooks->mfn = mfn;
	hooks->alias = (unsigned long)entries;
	hooks->alias_ro = native_pte_val(pte_wrprotect(alias));
	hooks->alias_rw = native_pte_val(alias) | _PAGE_RW;
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
	pmd_t *pmd = xenmm_walk_to_pmd(host->mm, address);

	if (!pmd)
		return -ENOENT;
	/* Any spinlock will do: it keeps a suspend out. */
	table->entries = entries;
	table->lock = &host->mm->page_table_lock;
	xenmm_section_begin();
	spin_lock(&host->mm->page_table_lock);
	xenmm_hand_out(table->lock);
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

xenmm_u64 *xenmm_k_table_entries(xenmm_u64 l2_value)
{
	return mfn_to_virt((l2_value & PTE_PFN_MASK) >> PAGE_SHIFT);
}

/* mm/mremap.c, move_normal_pmd(), takes them in the same way. */
static void xenmm_lock_both(struct mm_struct *mm, pmd_t *pmd[2], void *locks[2])
{
	spinlock_t *first = pmd_lockptr(mm, pmd[0]), *second = pmd_lockptr(mm, pmd[1]);

	if (first > second)
		swap(first, second);
	xenmm_section_begin();
	spin_lock(first);
	xenmm_hand_out(first);
	locks[0] = first;
	locks[1] = second == first ? NULL : second;
	if (!locks[1])
		return;
	spin_lock_nested(second, SINGLE_DEPTH_NESTING);
	xenmm_hand_out(second);
}

/* In a pinned address space every table that is hooked is pinned. */
static int xenmm_read_hooks(pmd_t *pmd, u32 count, xenmm_u64 *values)
{
	u32 i;

	for (i = 0; i < count; i++) {
		pmd_t seen = READ_ONCE(pmd[i]);

		if (!xenmm_is_table(seen))
			return -ENOENT;
		values[i] = native_pmd_val(seen);
	}
	return 0;
}

int xenmm_k_pairs_lock(struct xenmm_host *host, xenmm_u64 address, xenmm_u64 twin, xenmm_u32 count,
		       struct xenmm_pairs *pairs)
{
	const unsigned long start[2] = {address, twin};
	pmd_t *pmd[2];
	int i, error = 0;

	for (i = 0; i < 2; i++) {
		if (!xenmm_owns_spans(host, start[i], count))
			return -EINVAL;
		pmd[i] = xenmm_walk_to_pmd(host->mm, start[i]);
		if (!pmd[i])
			return -ENOENT;
		if (!xenmm_is_mm_pinned(host->mm, pmd[i]))
			return -EIO;
	}
	xenmm_lock_both(host->mm, pmd, pairs->locks);
	for (i = 0; i < 2 && !error; i++) {
		pairs->l2_maddr[i] = arbitrary_virt_to_machine(pmd[i]).maddr;
		error = xenmm_read_hooks(pmd[i], count, pairs->l2_value[i]);
	}
	if (error)
		xenmm_k_pairs_unlock(pairs);
	return error;
}

void xenmm_k_pairs_unlock(struct xenmm_pairs *pairs)
{
	if (pairs->locks[1]) {
		xenmm_hand_back(pairs->locks[1]);
		spin_unlock((spinlock_t *)pairs->locks[1]);
	}
	xenmm_hand_back(pairs->locks[0]);
	spin_unlock((spinlock_t *)pairs->locks[0]);
	xenmm_section_end();
}
