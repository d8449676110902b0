// SPDX-License-Identifier: GPL-2.0
/*
 * Walks, locks and single entries. A table is looked up anew for every critical
 * section: an mmu_update to a frame that is no page table any more would be a
 * silent store into somebody's memory.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/uaccess.h>
#include <xen/xen.h>
#include <asm/xen/page.h>

#include "compat.h"
#include "glue.h"
#include "inject.h"

int xenmm_k_extent(struct xenmm_host *host, xenmm_u64 address, xenmm_u64 *from, xenmm_u64 *to)
{
	struct vm_area_struct *vma = xenmm_find_vma(host, address);

	/* mremap may have left an empty VMA elsewhere. */
	if (!vma || vma->vm_start < host->area.start || vma->vm_end > host->area.end)
		return -EINVAL;
	*from = vma->vm_start;
	*to = vma->vm_end;
	return 0;
}

/* NULL where any level is absent or not a table. */
pmd_t *xenmm_walk_to_pmd(struct mm_struct *mm, unsigned long address)
{
	pgd_t *pgd = pgd_offset(mm, address);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(*pgd) || pgd_bad(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, address);
	if (p4d_none(*p4d) || p4d_bad(*p4d))
		return NULL;
	pud = pud_offset(p4d, address);
	if (pud_none(*pud) || pud_bad(*pud))
		return NULL;
	return pmd_offset(pud, address);
}

bool xenmm_is_table(pmd_t pmd)
{
	return !pmd_none(pmd) && !pmd_bad(pmd);
}

int xenmm_k_table_make(struct xenmm_host *host, xenmm_u64 address)
{
	pmd_t *pmd = xenmm_walk_to_pmd(host->mm, address);

	if (pmd && xenmm_is_table(READ_ONCE(*pmd)))
		return 0;
	if (!xenmm_find_vma(host, address))
		return -EINVAL;
	/* Without a callback this only allocates the tables of one page. */
	return apply_to_page_range(host->mm, address, PAGE_SIZE, NULL, NULL);
}

static spinlock_t *xenmm_lock_table(spinlock_t *lock, unsigned int depth,
				    const struct xenmm_table *previous)
{
	/* One lock for all tables where they are not split (NR_CPUS < 4). */
	if (previous && !XENMM_COMPAT_SPLIT_LOCKS)
		return NULL;
	xenmm_section_begin();
	spin_lock_nested(lock, depth);
	xenmm_hand_out(lock);
	return lock;
}

static void xenmm_fill_table(struct xenmm_table *table, void *entries)
{
	table->entries = entries;
	table->maddr = xen_pv_domain() ? virt_to_machine(table->entries).maddr : 0;
}

int xenmm_k_table_lock(struct xenmm_host *host, xenmm_u64 address, xenmm_u32 depth,
		       const struct xenmm_table *previous, struct xenmm_table *table)
{
	struct vm_area_struct *vma = host->is_leaving ? NULL : xenmm_find_vma(host, address);
	pmd_t *pmd;
	pmd_t seen;

	if (!vma && !host->is_leaving)
		return -EINVAL;
	pmd = xenmm_walk_to_pmd(host->mm, address);
	if (!pmd)
		return -ENOENT;
	seen = READ_ONCE(*pmd);
	if (!xenmm_is_table(seen))
		return -ENOENT;
	table->lock = xenmm_lock_table(pte_lockptr(host->mm, pmd), depth, previous);
	table->vma = vma;
	if (!pmd_same(seen, READ_ONCE(*pmd))) {
		xenmm_k_table_unlock(table);
		return -ENOENT;
	}
	if (xen_pv_domain() && !PagePinned(pmd_page(seen))) {
		xenmm_k_table_unlock(table);
		return -EIO;
	}
	xenmm_fill_table(table, (void *)pmd_page_vaddr(seen));
	return 0;
}

int xenmm_k_twin_lock(struct xenmm_host *host, xenmm_u64 address, xenmm_u64 pfn, xenmm_u32 depth,
		      const struct xenmm_table *previous, struct xenmm_table *table)
{
	struct vm_area_struct *vma = host->is_leaving ? NULL : xenmm_find_vma(host, address);
	spinlock_t *lock = xenmm_compat_table_lock(host->mm, pfn_to_page(pfn));

	if (!vma && !host->is_leaving)
		return -EINVAL;
	table->lock = xenmm_lock_table(lock, depth, previous);
	table->vma = vma;
	xenmm_fill_table(table, pfn_to_kaddr(pfn));
	return 0;
}

void xenmm_k_table_unlock(struct xenmm_table *table)
{
	if (!table->lock)
		return;
	xenmm_hand_back(table->lock);
	spin_unlock((spinlock_t *)table->lock);
	xenmm_section_end();
}

xenmm_u64 xenmm_k_pte_flags(struct xenmm_host *host, int writable)
{
	/* Any frame that surely has an mfn will do: without one pfn_pte() gives 0. */
	unsigned long pfn = page_to_pfn(ZERO_PAGE(0));
	pte_t pte = pte_mkyoung(pte_mkspecial(pfn_pte(pfn, vm_get_page_prot(host->vm_flags))));

	/* The area is writable; never clear RW by hand (shadow stacks, 6.6). */
	return pte_flags(writable ? pte : pte_wrprotect(pte));
}

const unsigned long *xenmm_k_p2m(xenmm_u64 *length)
{
	*length = xen_pv_domain() ? xen_p2m_size : 0;
	return xen_p2m_addr;
}

/* The exception table makes a refused store an error instead of an oops. */
int xenmm_k_store(xenmm_u64 *entry, xenmm_u64 value)
{
	if (xen_pv_domain()) /* elsewhere nobody would refuse it */
		value = xenmm_inject_value(value);
	__put_kernel_nofault(entry, &value, u64, refused);
	return 0;
refused:
	return -EFAULT;
}

void xenmm_k_zap(struct xenmm_host *host, xenmm_u64 start, xenmm_u64 length)
{
	struct vm_area_struct *vma = xenmm_find_vma(host, start);

	if (vma)
		zap_vma_ptes(vma, start, length);
}
