// SPDX-License-Identifier: GPL-2.0
/*
 * Tables and their twins: after a flip both are looked at, the one that the L2 entry names
 * now and the one that it named before, which no entry names; whatever else is done to the
 * arena, the twin maps its pages or nothing.
 */
#include <linux/mmap_lock.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <asm/xen/page.h>

#include "suites.h"
#include "world.h"

static const struct xenmm_way xenmm_flip = {"flip", XENMM_METHOD_FLIP, 0};

struct xenmm_flip_row {
	const char *name;
	u32 tables;
	u32 every; /* page is populated */
	struct xenmm_pages flipped[3];
};

static const struct xenmm_flip_row xenmm_flips[] = {
	{"only_table", 1, 1, {{0, 512}}},	    {"one_of_three", 3, 3, {{512, 512}}},
	{"two_tables", 2, 7, {{0, 1024}}},	    {"two_ranges", 3, 7, {{0, 512}, {1024, 512}}},
	{"one_entry_a_table", 4, 512, {{0, 2048}}}, {"sixteen", 16, 64, {{0, 8192}}},
	{"seventeen", 17, 64, {{0, 8704}}},
};

#define XENMM_MOST_TABLES 17

/* What the L2 entry of each table named before its last flip: its twin. */
static u64 xenmm_twin_hook[XENMM_MOST_TABLES];

static bool xenmm_is_inside(const struct xenmm_pages *pages, u32 table)
{
	for (; pages->pages; pages++)
		if (pages->first <= table * XENMM_TABLE_PAGES &&
		    (table + 1) * XENMM_TABLE_PAGES <= pages->first + pages->pages)
			return true;
	return false;
}

/* A twin that matches has the visible table's entries with the other protection. */
static void xenmm_check_twin_entry(struct kunit *test, const struct xenmm_page *page, u32 i,
				   u64 entry, bool is_read_only)
{
	const u64 pfn = entry ? mfn_to_pfn((entry & PTE_PFN_MASK) >> PAGE_SHIFT) : 0;

	if (pfn != (page->is_mapped ? page->pfn : 0))
		XENMM_FAIL(test, "page %u: its twin %#llx maps pfn %#llx, must be %#llx", i, entry,
			   pfn, page->pfn);
	if (entry && !(entry & _PAGE_RW) != is_read_only)
		XENMM_FAIL(test, "page %u: its twin %#llx has the other protection", i, entry);
}

static void xenmm_check_twin(struct kunit *test, u32 table, bool is_read_only)
{
	const struct xenmm_world *world = test->priv;
	const u32 first = table * XENMM_TABLE_PAGES;
	struct xenmm_table_seen seen;
	u32 i;

	mmap_read_lock(world->mm);
	xenmm_look_behind(xenmm_twin_hook[table], &seen);
	if (!seen.hook || !xenmm_is_protected(&seen))
		XENMM_FAIL(test, "the twin of table %u is not pinned, or can be written", table);
	for (i = 0; seen.hook && i < XENMM_TABLE_PAGES && first + i < world->pages; i++)
		xenmm_check_twin_entry(test, &world->page[first + i], first + i, seen.entries[i],
				       is_read_only);
	mmap_read_unlock(world->mm);
}

static void xenmm_check_twins(struct kunit *test, const struct xenmm_pages *flipped,
			      bool is_read_only)
{
	const struct xenmm_world *world = test->priv;
	u32 table;

	for (table = 0; table * XENMM_TABLE_PAGES < world->pages; table++)
		if (xenmm_is_inside(flipped, table))
			xenmm_check_twin(test, table, is_read_only);
}

static u32 xenmm_count_tables(const struct xenmm_world *world, const struct xenmm_pages *flipped)
{
	u32 table, count = 0;

	for (table = 0; table * XENMM_TABLE_PAGES < world->pages; table++)
		count += xenmm_is_inside(flipped, table);
	return count;
}

static u64 xenmm_counter(u32 counter)
{
	struct xenmm_counts now;

	xenmm_stats_read(&now);
	return now.counter[counter];
}

static void xenmm_note_hooks(const struct xenmm_world *world, const struct xenmm_pages *flipped)
{
	u32 table;

	for (table = 0; table * XENMM_TABLE_PAGES < world->pages; table++)
		if (xenmm_is_inside(flipped, table))
			xenmm_twin_hook[table] = xenmm_hook(world, table);
}

/* Flip, and look at everything. The twin shows the protection that was visible. */
static void xenmm_do_flip(struct kunit *test, const struct xenmm_deed *deed,
			  const struct xenmm_pages *flipped)
{
	const u64 before = xenmm_counter(XENMM_COUNTER_tables_flipped);

	xenmm_note_hooks(test->priv, flipped);
	xenmm_do(test, deed, &xenmm_flip, flipped);
	XENMM_EXPECT(test, "tables_flipped", xenmm_counter(XENMM_COUNTER_tables_flipped) - before,
		     xenmm_count_tables(test->priv, flipped));
	xenmm_check(test, flipped);
	xenmm_check_twins(test, flipped, deed != &xenmm_protect_ro);
}

static const struct xenmm_flip_row *xenmm_open_for_flip(struct kunit *test)
{
	const struct xenmm_flip_row *row = xenmm_row(test);

	xenmm_world_open(test, row->tables * XENMM_TABLE_PAGES);
	xenmm_do_each(test, &xenmm_populate, row->every, 0);
	xenmm_check(test, NULL);
	return row;
}

/* There, back and there again: from the second on nothing but the hooks changes. */
static void xenmm_tables_change_places(struct kunit *test)
{
	const struct xenmm_flip_row *row = xenmm_open_for_flip(test);
	u64 visible[XENMM_MOST_TABLES] = {}, twin[XENMM_MOST_TABLES];
	unsigned long bytes;
	u32 round, table;

	xenmm_do_flip(test, &xenmm_protect_ro, row->flipped);
	bytes = xenmm_table_bytes(test->priv);
	for (round = 0; round < 3; round++) {
		for (table = 0; table < row->tables; table++)
			visible[table] = xenmm_hook(test->priv, table);
		memcpy(twin, xenmm_twin_hook, sizeof(twin));
		xenmm_do_flip(test, round % 2 ? &xenmm_protect_ro : &xenmm_protect_rw,
			      row->flipped);
		for (table = 0; table < row->tables; table++)
			XENMM_EXPECT(test, "hook", xenmm_hook(test->priv, table),
				     xenmm_is_inside(row->flipped, table) ? twin[table]
									  : visible[table]);
	}
	XENMM_EXPECT(test, "bytes of tables", xenmm_table_bytes(test->priv), bytes);
}

/* A flip that matched costs its exchange alone: 16 tables at most in a hypercall. */
static void xenmm_flip_is_cheap(struct kunit *test)
{
	const struct xenmm_flip_row *row = xenmm_open_for_flip(test);
	const u32 count = xenmm_count_tables(test->priv, row->flipped);
	struct xenmm_counts before, growth = {};

	xenmm_do_flip(test, &xenmm_protect_ro, row->flipped);
	xenmm_stats_read(&before);
	xenmm_do_flip(test, &xenmm_protect_rw, row->flipped);
	growth.counter[XENMM_COUNTER_tables_flipped] = count;
	growth.counter[XENMM_COUNTER_mmu_updates] = count;
	growth.counter[XENMM_COUNTER_tlb_flushes] = 1;
	xenmm_check_growth(test, &before, &growth,
			   xenmm_all_counters & ~BIT_ULL(XENMM_COUNTER_hypercalls));
}

/* --------------------------------------------- twins that have to follow */

struct xenmm_event {
	const char *name;
	const struct xenmm_deed *deed;
	struct xenmm_pages pages[3];
	bool leaves_twin; /* has what the visible table has, in the other protection */
};

/* On two tables that were flipped to read-only; the flip back must find it all. */
static const struct xenmm_event xenmm_events[] = {
	{"nothing", &xenmm_map, {{0, 1024}}, true},
	{"partial_protect", &xenmm_protect_rw, {{100, 50}}, true},
	{"protect_over_the_edge", &xenmm_protect_rw, {{500, 24}}, true},
	{"protect_first_and_last", &xenmm_protect_rw, {{0, 1}, {1023, 1}}, true},
	{"unmap_part", &xenmm_unmap, {{100, 50}}, true},
	{"unmap_over_the_edge", &xenmm_unmap, {{500, 24}}, true},
	{"unmap_table", &xenmm_unmap, {{0, 512}}, true},
	{"discard_part", &xenmm_discard, {{100, 50}}, true},
	{"discard_all", &xenmm_discard, {{0, 1024}}, true},
	{"populate_part", &xenmm_populate, {{100, 50}}, false},
	{"populate_all", &xenmm_populate, {{0, 1024}}, false},
};

static const struct xenmm_pages xenmm_both[] = {{0, 1024}, {}};

static void xenmm_prepare_event(struct kunit *test, const struct xenmm_event *event,
				const struct xenmm_way *way)
{
	xenmm_world_open(test, 1024);
	xenmm_do_each(test, &xenmm_populate, 7, 0);
	xenmm_check(test, NULL);
	xenmm_do_flip(test, &xenmm_protect_ro, xenmm_both);
	xenmm_note_accessed_dirty(test->priv);
	xenmm_do(test, event->deed, way, event->pages);
	xenmm_check(test, NULL);
	if (event->leaves_twin)
		xenmm_check_twins(test, xenmm_both, false);
}

static void xenmm_twin_follows(struct kunit *test)
{
	xenmm_prepare_event(test, xenmm_row(test), xenmm_column(test));
	xenmm_do(test, &xenmm_protect_rw, &xenmm_flip, xenmm_both);
	xenmm_check(test, xenmm_both);
	xenmm_do(test, &xenmm_protect_ro, &xenmm_flip, xenmm_both);
	xenmm_check(test, xenmm_both);
}

static bool xenmm_is_valid_event(const void *event, const void *way)
{
	return ((const struct xenmm_way *)way)->method != XENMM_METHOD_FLIP;
}

/* ----------------------------------------------------------- twins that leave */

/* What the notifier of a move does: there is no mremap for a kernel thread. */
static void xenmm_oust(struct xenmm_world *world)
{
	const bool entered = xenmm_world_enter(world);

	mmap_write_lock(world->mm);
	xenmm_arena_oust(xenmm_world_host(world)->arena, world->base,
			 world->base + world->pages * PAGE_SIZE);
	mmap_write_unlock(world->mm);
	xenmm_world_leave(world, entered);
}

/* A move is refused after all, but the twins have left for it: the next flip makes others. */
static void xenmm_twin_is_made_anew(struct kunit *test)
{
	const struct xenmm_flip_row *row = xenmm_open_for_flip(test);
	struct xenmm_world *world = test->priv;
	const u32 count = xenmm_count_tables(world, row->flipped);
	u64 dropped;

	xenmm_do_flip(test, &xenmm_protect_ro, row->flipped);
	dropped = xenmm_counter(XENMM_COUNTER_twins_dropped);
	xenmm_oust(world);
	XENMM_EXPECT(test, "twins_dropped", xenmm_counter(XENMM_COUNTER_twins_dropped) - dropped,
		     count);
	xenmm_model(world, &xenmm_unmap, row->flipped); /* the kernel's tables come back empty */
	xenmm_do(test, &xenmm_map, &xenmm_plain_way, (struct xenmm_pages[]){{0, world->pages}, {}});
	xenmm_check(test, row->flipped);
	xenmm_do_flip(test, &xenmm_protect_rw, row->flipped);
}

static const struct xenmm_rows xenmm_twin_rows[] = {
	{"places", xenmm_tables_change_places, XENMM_AXIS(xenmm_flips)},
	{"cheap", xenmm_flip_is_cheap, XENMM_AXIS(xenmm_flips)},
	{"anew", xenmm_twin_is_made_anew, XENMM_AXIS(xenmm_flips)},
	{"follows", xenmm_twin_follows, XENMM_AXIS(xenmm_events), XENMM_WAYS, xenmm_is_valid_event},
	{},
};

struct xenmm_row_suite xenmm_twin_suite = {
	.suite.name = "xenmm_twin",
	.suite.suite_init = xenmm_world_suite_init,
	.suite.exit = xenmm_world_close,
	.rows = xenmm_twin_rows,
};
