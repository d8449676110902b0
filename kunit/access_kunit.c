// SPDX-License-Identifier: GPL-2.0
/*
 * What a program sees afterwards. A page is touched right before each operation, so that
 * a TLB entry which the operation forgets to flush is there to be used.
 */
#include "suites.h"
#include "world.h"

#define XENMM_ARENA 1024u
static const struct xenmm_pages xenmm_all[] = {{0, XENMM_ARENA}, {}};

/* One page of many, at the edges of tables; and one that is asked for alone. */
struct xenmm_target {
	const char *name;
	u32 page;
	struct xenmm_pages pages[2];
};

static const struct xenmm_target xenmm_targets[] = {
	{"first_of_all", 0, {{0, XENMM_ARENA}}},
	{"last_of_a_table", 511, {{0, XENMM_ARENA}}},
	{"last_of_all", 1023, {{0, XENMM_ARENA}}},
	{"alone", 700, {{700, 1}}},
};

static u64 xenmm_faults(void)
{
	struct xenmm_counts now;

	xenmm_stats_read(&now);
	return now.counter[XENMM_COUNTER_faults];
}

static bool xenmm_is_not_flip(const void *target, const void *way)
{
	return ((const struct xenmm_way *)way)->method != XENMM_METHOD_FLIP;
}

static struct xenmm_world *xenmm_open(struct kunit *test)
{
	struct xenmm_world *world = xenmm_world_open(test, XENMM_ARENA);
	const struct xenmm_target *target = xenmm_row(test);

	xenmm_do_each(test, &xenmm_populate, 16, target->page % 16);
	xenmm_tag_pages(test);
	xenmm_note_accessed_dirty(world);
	return world;
}

/* Reads this page's tag (or 0), and so many faults are served for it. */
static void xenmm_expect_read(struct kunit *test, u32 page, u64 faults)
{
	struct xenmm_world *world = test->priv;
	const u64 before = xenmm_faults();
	u64 value = ~0ULL;

	XENMM_EXPECT(test, "read", xenmm_world_read(world, page, &value), 0);
	XENMM_EXPECT(test, "value", value, world->page[page].tag);
	XENMM_EXPECT(test, "faults", xenmm_faults() - before, faults);
}

static void xenmm_write_is_refused(struct kunit *test)
{
	const struct xenmm_target *target = xenmm_row(test);
	struct xenmm_world *world = xenmm_open(test);
	const u32 page = target->page;

	XENMM_EXPECT(test, "write", xenmm_world_write(world, page, world->page[page].tag), 0);
	xenmm_do(test, &xenmm_protect_ro, xenmm_column(test), target->pages);
	XENMM_EXPECT(test, "write", xenmm_world_write(world, page, 0), -EFAULT);
	XENMM_EXPECT(test, "write again", xenmm_world_write(world, page, 0), -EFAULT);
	xenmm_expect_read(test, page, 0);
	xenmm_check(test, target->pages);
}

static void xenmm_write_is_granted(struct kunit *test)
{
	const struct xenmm_target *target = xenmm_row(test);
	struct xenmm_world *world = xenmm_open(test);
	const u32 page = target->page;

	xenmm_do(test, &xenmm_protect_ro, &xenmm_plain_way, xenmm_all);
	XENMM_EXPECT(test, "write", xenmm_world_write(world, page, 0), -EFAULT);
	xenmm_do(test, &xenmm_protect_rw, xenmm_column(test), target->pages);
	XENMM_EXPECT(test, "write", xenmm_world_write(world, page, world->page[page].tag), 0);
	xenmm_expect_read(test, page, 0);
}

/* The content comes back by a fault, of 16 pages at most. */
static void xenmm_unmapped_faults(struct kunit *test)
{
	const struct xenmm_target *target = xenmm_row(test);

	xenmm_open(test);
	xenmm_expect_read(test, target->page, 0);
	xenmm_do(test, &xenmm_unmap, xenmm_column(test), target->pages);
	xenmm_expect_read(test, target->page, 1);
	xenmm_expect_read(test, target->page, 0);
}

static void xenmm_discarded_is_zero(struct kunit *test)
{
	const struct xenmm_target *target = xenmm_row(test);

	xenmm_open(test);
	xenmm_expect_read(test, target->page, 0);
	xenmm_do(test, &xenmm_discard, xenmm_column(test), target->pages);
	xenmm_expect_read(test, target->page, 1);
}

static void xenmm_mapped_does_not_fault(struct kunit *test)
{
	const struct xenmm_target *target = xenmm_row(test);

	xenmm_open(test);
	xenmm_do(test, &xenmm_unmap, &xenmm_plain_way, xenmm_all);
	xenmm_do(test, &xenmm_map, xenmm_column(test), target->pages);
	xenmm_expect_read(test, target->page, 0);
}

static const struct xenmm_rows xenmm_access_rows[] = {
	{"read_only", xenmm_write_is_refused, XENMM_AXIS(xenmm_targets), XENMM_WAYS},
	{"writable", xenmm_write_is_granted, XENMM_AXIS(xenmm_targets), XENMM_WAYS},
	{"unmapped", xenmm_unmapped_faults, XENMM_AXIS(xenmm_targets), XENMM_WAYS,
	 xenmm_is_not_flip},
	{"discarded", xenmm_discarded_is_zero, XENMM_AXIS(xenmm_targets), XENMM_WAYS,
	 xenmm_is_not_flip},
	{"mapped", xenmm_mapped_does_not_fault, XENMM_AXIS(xenmm_targets), XENMM_WAYS,
	 xenmm_is_not_flip},
	{},
};

struct xenmm_row_suite xenmm_access_suite = {
	.suite.name = "xenmm_access",
	.suite.suite_init = xenmm_world_suite_init,
	.suite.exit = xenmm_world_close,
	.rows = xenmm_access_rows,
};
