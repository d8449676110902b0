// SPDX-License-Identifier: GPL-2.0
/*
 * munmap of the arena or of a part, with twins and without: the tables of the hole go,
 * everything else stays to the bit, and pages go with the rest and not before.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>

#include "suites.h"
#include "world.h"

#define XENMM_ARENA 2048u

struct xenmm_hole_row {
	const char *name;
	struct xenmm_pages hole;
};

static const struct xenmm_hole_row xenmm_holes[] = {
	{"first_table", {0, 512}},	{"middle_table", {512, 512}}, {"last_table", {1536, 512}},
	{"middle_tables", {512, 1024}}, {"all", {0, XENMM_ARENA}},
};

struct xenmm_twin_column {
	const char *name;
	bool has_twin;
	u32 every; /* page is populated: rebuilt or batched away */
};

static const struct xenmm_twin_column xenmm_twins[] = {
	{"dense", false, 2},
	{"sparse", false, 100},
	{"dense_twin", true, 2},
	{"sparse_twin", true, 100},
};

static bool xenmm_is_all(const struct xenmm_hole_row *row)
{
	return row->hole.pages == XENMM_ARENA;
}

static u32 xenmm_count_mapped(const struct xenmm_world *world, const struct xenmm_pages *hole)
{
	u32 i, count = 0;

	for (i = hole->first; i < hole->first + hole->pages; i++)
		count += world->page[i].is_mapped;
	return count;
}

static void xenmm_prepare(struct kunit *test)
{
	static const struct xenmm_way flip = {"flip", XENMM_METHOD_FLIP, 0};
	static const struct xenmm_pages all[] = {{0, XENMM_ARENA}, {}};
	const struct xenmm_twin_column *column = xenmm_column(test);

	xenmm_world_open(test, XENMM_ARENA);
	xenmm_do_each(test, &xenmm_populate, column->every, 0);
	xenmm_tag_pages(test);
	xenmm_do_each(test, &xenmm_unmap, column->every * 3, 0);
	if (column->has_twin)
		xenmm_do(test, &xenmm_protect_ro, &flip, all);
	xenmm_note_accessed_dirty(test->priv);
}

static void xenmm_munmap(struct xenmm_world *world, unsigned long address, u32 pages)
{
	const bool entered = xenmm_world_enter(world);

	vm_munmap(address, pages * PAGE_SIZE);
	xenmm_world_leave(world, entered);
}

static void xenmm_expect_no_table(struct kunit *test, const struct xenmm_pages *hole)
{
	const struct xenmm_world *world = test->priv;
	struct xenmm_table_seen seen;
	u32 page;

	mmap_read_lock(world->mm);
	for (page = hole->first; page < hole->first + hole->pages; page += XENMM_TABLE_PAGES) {
		xenmm_walk(world->mm, xenmm_world_address(world, page), &seen);
		XENMM_EXPECT(test, "L2 entry of the hole", seen.hook, 0);
	}
	mmap_read_unlock(world->mm);
}

/* What was mapped there is no more, and nobody may ask for it. */
static void xenmm_expect_hole(struct kunit *test, const struct xenmm_pages *hole)
{
	struct xenmm_world *world = test->priv;
	struct xenmm_range range = {xenmm_world_address(world, hole->first), PAGE_SIZE};
	struct xenmm_op op = {.nr_ranges = 1};
	u64 value;

	xenmm_expect_no_table(test, hole);
	XENMM_EXPECT(test, "map", xenmm_world_ioctl(world, XENMM_IOC_MAP, &op, &range), -EINVAL);
	XENMM_EXPECT(test, "read", xenmm_world_read(world, hole->first, &value), -EFAULT);
	xenmm_expect_no_table(test, hole);
}

static void xenmm_part_goes(struct kunit *test)
{
	const struct xenmm_hole_row *row = xenmm_row(test);
	const struct xenmm_twin_column *column = xenmm_column(test);
	const struct xenmm_pages hole[] = {row->hole, {}};
	struct xenmm_counts before, growth = {};
	struct xenmm_world *world;

	xenmm_prepare(test);
	world = test->priv;
	xenmm_stats_read(&before);
	growth.counter[XENMM_COUNTER_teardown_pages] =
		xenmm_count_mapped(world, hole) * (1 + column->has_twin);
	growth.counter[XENMM_COUNTER_twins_dropped] =
		column->has_twin * row->hole.pages / XENMM_TABLE_PAGES;
	xenmm_munmap(world, xenmm_world_address(world, row->hole.first), row->hole.pages);
	xenmm_check_growth(test, &before, &growth, xenmm_effect_counters);
	xenmm_model(world, &xenmm_unmap, hole);
	xenmm_check(test, NULL);
	xenmm_expect_hole(test, hole);
}

static bool xenmm_is_part(const void *row, const void *column)
{
	return !xenmm_is_all(row);
}

static void xenmm_expect_freed(struct kunit *test, const struct xenmm_counts *before, u64 pages)
{
	struct xenmm_counts now;

	xenmm_stats_read(&now);
	XENMM_EXPECT(test, "pages_freed",
		     now.counter[XENMM_COUNTER_pages_freed] -
			     before->counter[XENMM_COUNTER_pages_freed],
		     pages);
}

/* The rest, after a part or at once. */
static void xenmm_rest_goes(struct kunit *test)
{
	const struct xenmm_hole_row *row = xenmm_row(test);
	const struct xenmm_twin_column *column = xenmm_column(test);
	const u64 pages = DIV_ROUND_UP(XENMM_ARENA, column->every);
	struct xenmm_counts before;
	struct xenmm_world *world;

	xenmm_prepare(test);
	world = test->priv;
	xenmm_stats_read(&before);
	xenmm_munmap(world, xenmm_world_address(world, row->hole.first), row->hole.pages);
	xenmm_expect_freed(test, &before, xenmm_is_all(row) ? pages : 0);
	xenmm_munmap(world, world->base, XENMM_ARENA);
	xenmm_expect_freed(test, &before, pages);
	xenmm_expect_no_table(test, &(struct xenmm_pages){0, XENMM_ARENA});
}

static const struct xenmm_rows xenmm_teardown_rows[] = {
	{"part", xenmm_part_goes, XENMM_AXIS(xenmm_holes), XENMM_AXIS(xenmm_twins), xenmm_is_part},
	{"rest", xenmm_rest_goes, XENMM_AXIS(xenmm_holes), XENMM_AXIS(xenmm_twins)},
	{},
};

struct xenmm_row_suite xenmm_teardown_suite = {
	.suite.name = "xenmm_teardown",
	.suite.suite_init = xenmm_world_suite_init,
	.suite.exit = xenmm_world_close,
	.rows = xenmm_teardown_rows,
};
