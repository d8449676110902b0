// SPDX-License-Identifier: GPL-2.0
/*
 * Live page tables, read back by a walk of its own. Raw values (native_*), machine frames
 * turned into pages by Xen's table (M2P), where the core goes the other way (P2M).
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pgtable.h>
#include <linux/slab.h>
#include <asm/xen/page.h>

#include "world.h"

/* What an entry of an arena is made of besides its frame (pgtable_types.h). */
#define XENMM_ENTRY_FLAGS (_PAGE_PRESENT | _PAGE_USER | _PAGE_SPECIAL | _PAGE_NX)
#define XENMM_ACCESSED_DIRTY (_PAGE_ACCESSED | _PAGE_DIRTY)
/* Xen sets it in entries of user space. */
#define XENMM_XENS_OWN _PAGE_GLOBAL

static pmd_t *xenmm_walk_to_l2(struct mm_struct *mm, unsigned long address)
{
	pgd_t *pgd = pgd_offset(mm, address);
	p4d_t *p4d;
	pud_t *pud;

	if (!pgd_present(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, address);
	if (!p4d_present(*p4d))
		return NULL;
	pud = pud_offset(p4d, address);
	return pud_present(*pud) ? pmd_offset(pud, address) : NULL;
}

void xenmm_walk(struct mm_struct *mm, unsigned long address, struct xenmm_table_seen *seen)
{
	pmd_t *l2 = xenmm_walk_to_l2(mm, address);

	xenmm_look_behind(l2 ? native_pmd_val(*l2) : 0, seen);
}

void xenmm_look_behind(u64 hook, struct xenmm_table_seen *seen)
{
	*seen = (struct xenmm_table_seen){};
	if (!(hook & _PAGE_PRESENT))
		return;
	seen->hook = hook;
	seen->entries = mfn_to_virt((hook & PTE_PFN_MASK) >> PAGE_SHIFT);
}

u64 xenmm_hook(const struct xenmm_world *world, u32 table)
{
	struct xenmm_table_seen seen;

	mmap_read_lock(world->mm);
	xenmm_walk(world->mm, xenmm_world_address(world, table * XENMM_TABLE_PAGES), &seen);
	mmap_read_unlock(world->mm);
	return seen.hook & ~(u64)_PAGE_ACCESSED;
}

bool xenmm_is_protected(const struct xenmm_table_seen *seen)
{
	unsigned int level;
	pte_t *alias = lookup_address((unsigned long)seen->entries, &level);

	return alias && !(native_pte_val(*alias) & _PAGE_RW) &&
	       (!USE_SPLIT_PTE_PTLOCKS || PagePinned(virt_to_page(seen->entries)));
}

unsigned long xenmm_table_bytes(const struct xenmm_world *world)
{
	return mm_pgtables_bytes(world->mm);
}

/* 0 where there is no page: an empty entry. */
static u64 xenmm_pfn_of(u64 entry)
{
	return entry ? mfn_to_pfn((entry & PTE_PFN_MASK) >> PAGE_SHIFT) : 0;
}

static u64 xenmm_wanted_flags(const struct xenmm_page *page, u64 entry, bool is_ad_known)
{
	const u64 seen = entry & XENMM_ACCESSED_DIRTY;

	return XENMM_ENTRY_FLAGS | (page->is_read_only ? 0 : _PAGE_RW) |
	       (is_ad_known ? page->accessed_dirty : seen) | (entry & XENMM_XENS_OWN);
}

/* The page's words; anything where the frame is none of ours. */
static bool xenmm_is_content_right(const struct xenmm_page *page)
{
	const u64 *content;

	if (!pfn_valid(page->pfn))
		return false;
	content = page_address(pfn_to_page(page->pfn));
	return content[0] == page->tag && content[PAGE_SIZE / sizeof(u64) - 1] == page->tag;
}

static void xenmm_check_content(struct kunit *test, const struct xenmm_page *page, u32 i)
{
	if (page->pfn && !xenmm_is_content_right(page))
		XENMM_FAIL(test, "page %u, slot %u: its content is another one", i,
			   i % XENMM_TABLE_PAGES);
}

static void xenmm_check_entry(struct kunit *test, struct xenmm_page *page, u32 i, u64 entry,
			      bool is_ad_known)
{
	const u64 flags = xenmm_wanted_flags(page, entry, is_ad_known);
	u64 pfn = xenmm_pfn_of(entry);

	if (!page->is_mapped && entry)
		XENMM_FAIL(test, "page %u, slot %u: entry %#llx must be empty", i,
			   i % XENMM_TABLE_PAGES, entry);
	if (!page->is_mapped)
		return;
	if (!page->pfn)
		page->pfn = pfn;
	if (!entry || pfn != page->pfn)
		XENMM_FAIL(test, "page %u, slot %u: entry %#llx maps pfn %#llx, must be %#llx", i,
			   i % XENMM_TABLE_PAGES, entry, pfn, page->pfn);
	if ((entry & PTE_FLAGS_MASK) != flags)
		XENMM_FAIL(test, "page %u, slot %u: flags of %#llx must be %#llx", i,
			   i % XENMM_TABLE_PAGES, entry, flags);
}

static bool xenmm_is_ad_known(const struct xenmm_pages *whole_tables, u32 table)
{
	const struct xenmm_pages *at;

	for (at = whole_tables; at && at->pages; at++)
		if (at->first <= table * XENMM_TABLE_PAGES &&
		    (table + 1) * XENMM_TABLE_PAGES <= at->first + at->pages)
			return false;
	return true;
}

static void xenmm_check_table(struct kunit *test, u32 table, const struct xenmm_table_seen *seen,
			      bool is_ad_known)
{
	struct xenmm_world *world = test->priv;
	u32 i = table * XENMM_TABLE_PAGES;
	const u32 end = min(i + XENMM_TABLE_PAGES, world->pages);

	if (seen->hook && !xenmm_is_protected(seen))
		XENMM_FAIL(test, "table %u is not pinned, or can be written", table);
	for (; i < end; i++) {
		const u64 entry = seen->hook ? seen->entries[i % XENMM_TABLE_PAGES] : 0;

		xenmm_check_entry(test, &world->page[i], i, entry, is_ad_known);
	}
}

/* New pages take their tags one by one: whose frame is another's finds it there. */
static void xenmm_check_contents(struct kunit *test, struct xenmm_world *world)
{
	u32 i;

	for (i = 0; i < world->pages; i++) {
		struct xenmm_page *page = &world->page[i];

		xenmm_check_content(test, page, i);
		if (page->pfn && !page->tag && pfn_valid(page->pfn)) {
			page->tag = 0x6e65770000000000ULL | (i + 1);
			*(u64 *)page_address(pfn_to_page(page->pfn)) = page->tag;
		}
	}
}

/* And give it the rest of its tag when all are known to be apart. */
static void xenmm_finish_tags(struct xenmm_world *world)
{
	u32 i;

	for (i = 0; i < world->pages; i++) {
		const struct xenmm_page *page = &world->page[i];

		if (page->pfn && pfn_valid(page->pfn))
			((u64 *)page_address(pfn_to_page(page->pfn)))[PAGE_SIZE / sizeof(u64) - 1] =
				page->tag;
	}
}

void xenmm_check(struct kunit *test, const struct xenmm_pages *whole_tables)
{
	struct xenmm_world *world = test->priv;
	struct xenmm_table_seen seen;
	u32 table;

	mmap_read_lock(world->mm);
	for (table = 0; table * XENMM_TABLE_PAGES < world->pages; table++) {
		xenmm_walk(world->mm, xenmm_world_address(world, table * XENMM_TABLE_PAGES), &seen);
		xenmm_check_table(test, table, &seen, xenmm_is_ad_known(whole_tables, table));
	}
	mmap_read_unlock(world->mm);
	xenmm_check_contents(test, world);
	xenmm_finish_tags(world);
}

void xenmm_note_accessed_dirty(struct xenmm_world *world)
{
	struct xenmm_table_seen seen;
	u32 i;

	mmap_read_lock(world->mm);
	for (i = 0; i < world->pages; i++) {
		if (i % XENMM_TABLE_PAGES == 0)
			xenmm_walk(world->mm, xenmm_world_address(world, i), &seen);
		if (seen.hook)
			world->page[i].accessed_dirty =
				seen.entries[i % XENMM_TABLE_PAGES] & XENMM_ACCESSED_DIRTY;
	}
	mmap_read_unlock(world->mm);
}

u64 *xenmm_snapshot(struct kunit *test, unsigned long base, size_t *words)
{
	struct xenmm_world *world = test->priv;
	const u32 tables = DIV_ROUND_UP(world->pages, XENMM_TABLE_PAGES);
	struct xenmm_table_seen seen;
	u64 *copy;
	u32 table;

	*words = tables * (XENMM_TABLE_PAGES + 1);
	copy = kunit_kcalloc(test, *words, sizeof(*copy), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	mmap_read_lock(world->mm);
	for (table = 0; table < tables; table++) {
		u64 *at = &copy[table * (XENMM_TABLE_PAGES + 1)];

		xenmm_walk(world->mm, base + table * PMD_SIZE, &seen);
		at[0] = seen.hook & ~(u64)_PAGE_ACCESSED;
		if (seen.hook)
			memcpy(&at[1], seen.entries, PAGE_SIZE);
	}
	mmap_read_unlock(world->mm);
	return copy;
}
