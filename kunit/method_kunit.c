// SPDX-License-Identifier: GPL-2.0
/*
 * Every operation by every way on every shape of ranges, on live page tables: each entry
 * of the arena, asked for or not, is read back, and the counters are compared.
 *
 * Before it the arena has pages of all kinds side by side: without a page, mapped or
 * not, read-only or not, dirty or not.
 */
#include "suites.h"
#include "world.h"

struct xenmm_shape {
	const char *name;
	u32 arena; /* its pages */
	struct xenmm_pages pages[XENMM_MOST_PAGES];
	bool is_large; /* for ways that see more than a table at a time, or whole ones */
};

static const struct xenmm_shape xenmm_shapes[] = {
	{"one_page", 1024, {{701, 1}}},
	{"edge_slots", 1024, {{512, 1}, {1023, 1}}},
	{"over_the_edge", 1024, {{509, 6}}},
	{"whole_table", 1024, {{512, 512}}},
	{"scattered", 1024, {{3, 1}, {511, 2}, {600, 7}, {610, 40}, {1020, 4}}},
	{"cut_arena", 700, {{500, 200}}},
	{"three_tables", 1536, {{509, 520}}},
	{"five_tables", 2560, {{509, 1542}}, true},
};

static bool xenmm_is_way_for(const struct xenmm_shape *shape, const struct xenmm_way *way)
{
	return !shape->is_large || way->batch == 2048 || way->method >= XENMM_METHOD_REBUILD ||
	       way->method == XENMM_METHOD_AUTO;
}

static bool xenmm_is_valid(const void *shape, const void *way)
{
	return xenmm_is_way_for(shape, way);
}

/* Flip is for protections; elsewhere it is refused. */
static bool xenmm_is_not_flip(const void *shape, const void *way)
{
	return xenmm_is_way_for(shape, way) &&
	       ((const struct xenmm_way *)way)->method != XENMM_METHOD_FLIP;
}

static void xenmm_try(struct kunit *test, const struct xenmm_deed *deed)
{
	const struct xenmm_shape *shape = xenmm_row(test);
	const struct xenmm_way *way = xenmm_column(test);
	const bool flips = deed->prot && xenmm_way_flips(way);
	const u64 mask = flips || way->method == XENMM_METHOD_AUTO ? xenmm_effect_counters
								   : xenmm_all_counters;
	struct xenmm_counts before, growth;

	xenmm_note_accessed_dirty(test->priv);
	xenmm_expect_growth(test->priv, deed, way, shape->pages, &growth);
	xenmm_stats_read(&before);
	xenmm_do(test, deed, way, shape->pages);
	xenmm_check_growth(test, &before, &growth, mask);
	xenmm_check(test, flips ? shape->pages : NULL);
}

/* Two of three pages are there; some are not mapped, some read-only, some dirty. */
static void xenmm_prepare_mixture(struct kunit *test)
{
	const struct xenmm_shape *shape = xenmm_row(test);

	xenmm_world_open(test, shape->arena);
	xenmm_do_each(test, &xenmm_populate, 3, 0);
	xenmm_do_each(test, &xenmm_populate, 3, 1);
	xenmm_tag_pages(test);
	xenmm_do_each(test, &xenmm_protect_ro, 5, 0);
	xenmm_do_each(test, &xenmm_unmap, 4, 1);
}

static void xenmm_populates(struct kunit *test)
{
	xenmm_prepare_mixture(test);
	xenmm_try(test, &xenmm_populate);
}

static void xenmm_discards(struct kunit *test)
{
	xenmm_prepare_mixture(test);
	xenmm_try(test, &xenmm_discard);
}

static void xenmm_maps(struct kunit *test)
{
	xenmm_prepare_mixture(test);
	xenmm_try(test, &xenmm_map);
}

static void xenmm_unmaps(struct kunit *test)
{
	xenmm_prepare_mixture(test);
	xenmm_try(test, &xenmm_unmap);
}

static void xenmm_protects_ro(struct kunit *test)
{
	xenmm_prepare_mixture(test);
	xenmm_try(test, &xenmm_protect_ro);
}

/* The dirty ones were made read-only after they were written. */
static void xenmm_protects_rw(struct kunit *test)
{
	xenmm_prepare_mixture(test);
	xenmm_do_each(test, &xenmm_protect_ro, 2, 0);
	xenmm_try(test, &xenmm_protect_rw);
}

static const struct xenmm_rows xenmm_method_rows[] = {
	{"populate", xenmm_populates, XENMM_AXIS(xenmm_shapes), XENMM_WAYS, xenmm_is_not_flip},
	{"discard", xenmm_discards, XENMM_AXIS(xenmm_shapes), XENMM_WAYS, xenmm_is_not_flip},
	{"map", xenmm_maps, XENMM_AXIS(xenmm_shapes), XENMM_WAYS, xenmm_is_not_flip},
	{"unmap", xenmm_unmaps, XENMM_AXIS(xenmm_shapes), XENMM_WAYS, xenmm_is_not_flip},
	{"protect_ro", xenmm_protects_ro, XENMM_AXIS(xenmm_shapes), XENMM_WAYS, xenmm_is_valid},
	{"protect_rw", xenmm_protects_rw, XENMM_AXIS(xenmm_shapes), XENMM_WAYS, xenmm_is_valid},
	{},
};

struct xenmm_row_suite xenmm_method_suite = {
	.suite.name = "xenmm_method",
	.suite.suite_init = xenmm_world_suite_init,
	.suite.exit = xenmm_world_close,
	.rows = xenmm_method_rows,
};
