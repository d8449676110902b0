// SPDX-License-Identifier: GPL-2.0
/*
 * Demand faults: one touch maps the aligned window around it, as far as the arena goes,
 * and nothing else.
 */
#include "suites.h"
#include "world.h"

struct xenmm_window_row {
	const char *name;
	u32 window; /* module parameter fault_window */
	u32 arena;  /* pages */
	u32 touched;
	struct xenmm_pages mapped;
};

static const struct xenmm_window_row xenmm_windows[] = {
	{"of_1", 1, 1024, 700, {700, 1}},
	{"of_1_first", 1, 1024, 0, {0, 1}},
	{"of_1_last", 1, 1024, 1023, {1023, 1}},
	{"of_2", 2, 1024, 701, {700, 2}},
	{"of_16", 16, 1024, 700, {688, 16}},
	{"of_16_first_slot", 16, 1024, 512, {512, 16}},
	{"of_16_last_slot", 16, 1024, 511, {496, 16}},
	{"of_512", 512, 1024, 700, {512, 512}},
	{"of_512_last", 512, 1024, 1023, {512, 512}},
	{"of_16_cut", 16, 1037, 1036, {1024, 13}},
	{"of_8_cut", 8, 1037, 1036, {1032, 5}},
	{"of_512_cut", 512, 1037, 1024, {1024, 13}},
	{"of_512_one_page", 512, 1, 0, {0, 1}},
};

/* The parameter is the module's: put back even when the test ends early. */
static int xenmm_fault_init(struct kunit *test)
{
	WRITE_ONCE(xenmm_fault_window, ((const struct xenmm_window_row *)xenmm_row(test))->window);
	return 0;
}

static void xenmm_fault_exit(struct kunit *test)
{
	WRITE_ONCE(xenmm_fault_window, 16);
	xenmm_world_close(test);
}

/* As a populate of those pages that are not mapped, by one batch. */
static void xenmm_expect_fault(struct kunit *test, struct xenmm_counts *growth)
{
	const struct xenmm_window_row *row = xenmm_row(test);
	const struct xenmm_pages mapped[] = {row->mapped, {}};

	xenmm_expect_growth(test->priv, &xenmm_populate, &xenmm_plain_way, mapped, growth);
	growth->counter[XENMM_COUNTER_faults] = 1;
	growth->counter[XENMM_COUNTER_fault_around_pages] =
		growth->counter[XENMM_COUNTER_pages_mapped] - 1;
	xenmm_model(test->priv, &xenmm_populate, mapped);
}

static void xenmm_touch(struct kunit *test, bool writes)
{
	const struct xenmm_window_row *row = xenmm_row(test);
	struct xenmm_world *world = test->priv;
	const u64 tag = world->page[row->touched].tag;
	struct xenmm_counts before, growth;
	u64 value = tag;

	xenmm_note_accessed_dirty(world);
	xenmm_expect_fault(test, &growth);
	xenmm_stats_read(&before);
	if (writes)
		XENMM_EXPECT(test, "write", xenmm_world_write(world, row->touched, tag), 0);
	else
		XENMM_EXPECT(test, "read", xenmm_world_read(world, row->touched, &value), 0);
	XENMM_EXPECT(test, "value", value, tag);
	xenmm_check_growth(test, &before, &growth, xenmm_all_counters);
	if (writes)
		world->page[row->touched].accessed_dirty |= _PAGE_DIRTY;
	xenmm_check(test, NULL);
}

static void xenmm_empty_is_read(struct kunit *test)
{
	const struct xenmm_window_row *row = xenmm_row(test);

	xenmm_world_open(test, row->arena);
	xenmm_touch(test, false);
}

static void xenmm_empty_is_written(struct kunit *test)
{
	const struct xenmm_window_row *row = xenmm_row(test);

	xenmm_world_open(test, row->arena);
	xenmm_touch(test, true);
}

/* Some of the window is there, some of it read-only: each keeps what it has. */
static void xenmm_prepare_mixture(struct kunit *test)
{
	const struct xenmm_window_row *row = xenmm_row(test);
	struct xenmm_world *world = xenmm_world_open(test, row->arena);
	const struct xenmm_pages touched[] = {{row->touched, 1}, {}};

	xenmm_do_each(test, &xenmm_populate, 2, 0);
	xenmm_tag_pages(test);
	xenmm_do_each(test, &xenmm_protect_ro, 3, 0);
	xenmm_do_each(test, &xenmm_unmap, 4, 0);
	if (world->page[row->touched].is_mapped)
		xenmm_do(test, &xenmm_unmap, &xenmm_plain_way, touched);
}

static void xenmm_mixture_is_read(struct kunit *test)
{
	xenmm_prepare_mixture(test);
	xenmm_touch(test, false);
}

/* A write to a page that is read-only maps nothing, there or around. */
static void xenmm_read_only_is_written(struct kunit *test)
{
	const struct xenmm_window_row *row = xenmm_row(test);
	const struct xenmm_pages touched[] = {{row->touched, 1}, {}};
	struct xenmm_counts before, growth = {};

	xenmm_prepare_mixture(test);
	xenmm_do(test, &xenmm_protect_ro, &xenmm_plain_way, touched);
	xenmm_note_accessed_dirty(test->priv);
	xenmm_stats_read(&before);
	XENMM_EXPECT(test, "write", xenmm_world_write(test->priv, row->touched, 1), -EFAULT);
	xenmm_check_growth(test, &before, &growth, xenmm_all_counters);
	xenmm_check(test, NULL);
}

static const struct xenmm_rows xenmm_fault_rows[] = {
	{"read_empty", xenmm_empty_is_read, XENMM_AXIS(xenmm_windows)},
	{"write_empty", xenmm_empty_is_written, XENMM_AXIS(xenmm_windows)},
	{"read_mixture", xenmm_mixture_is_read, XENMM_AXIS(xenmm_windows)},
	{"write_read_only", xenmm_read_only_is_written, XENMM_AXIS(xenmm_windows)},
	{},
};

struct xenmm_row_suite xenmm_fault_suite = {
	.suite.name = "xenmm_fault",
	.suite.suite_init = xenmm_world_suite_init,
	.suite.init = xenmm_fault_init,
	.suite.exit = xenmm_fault_exit,
	.rows = xenmm_fault_rows,
};
