// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that are refused change nothing: every entry, every L2 entry and every counter
 * is the same to the bit before and after.
 */
#include <linux/uaccess.h>

#include "suites.h"
#include "world.h"

#define XENMM_ARENA 1024u

enum xenmm_place { XENMM_IN_ARENA, XENMM_IN_TWIN, XENMM_ABSOLUTE };

/* Ranges in bytes from the place; a method of 0 and batch 0 (auto) unless said. */
struct xenmm_refusal_row {
	const char *name;
	int error;
	enum xenmm_place place;
	struct xenmm_range ranges[2];
	u32 nr_ranges;
	struct xenmm_op op;
};

#define XENMM_RANGE(first, pages)                            \
	{                                                    \
		(first) << PAGE_SHIFT, (pages) << PAGE_SHIFT \
	}
#define XENMM_ONE {XENMM_RANGE(0, 1)}, 1

static const struct xenmm_refusal_row xenmm_refusals[] = {
	{"no_range", -EINVAL, XENMM_IN_ARENA, {}, 0},
	{"empty_range", -EINVAL, XENMM_IN_ARENA, {XENMM_RANGE(0, 0)}, 1},
	{"odd_start", -EINVAL, XENMM_IN_ARENA, {{1, PAGE_SIZE}}, 1},
	{"odd_length", -EINVAL, XENMM_IN_ARENA, {{0, PAGE_SIZE + 8}}, 1},
	{"before_the_arena", -EINVAL, XENMM_IN_ARENA, {XENMM_RANGE(-1UL, 2)}, 1},
	{"behind_the_arena", -EINVAL, XENMM_IN_ARENA, {XENMM_RANGE(XENMM_ARENA, 1)}, 1},
	{"over_the_end", -EINVAL, XENMM_IN_ARENA, {XENMM_RANGE(XENMM_ARENA - 1, 2)}, 1},
	{"second_over_the_end",
	 -EINVAL,
	 XENMM_IN_ARENA,
	 {XENMM_RANGE(0, 512), XENMM_RANGE(1000, 25)},
	 2},
	{"descending", -EINVAL, XENMM_IN_ARENA, {XENMM_RANGE(5, 1), XENMM_RANGE(3, 1)}, 2},
	{"overlapping", -EINVAL, XENMM_IN_ARENA, {XENMM_RANGE(5, 2), XENMM_RANGE(6, 1)}, 2},
	{"wrapping", -EINVAL, XENMM_ABSOLUTE, {{-PAGE_SIZE, 2 * PAGE_SIZE}}, 1},
	{"not_canonical", -EINVAL, XENMM_ABSOLUTE, {{1ULL << 47, PAGE_SIZE}}, 1},
	{"of_the_kernel", -EINVAL, XENMM_ABSOLUTE, {{__PAGE_OFFSET_BASE_L4, PAGE_SIZE}}, 1},
	{"of_xen", -EINVAL, XENMM_ABSOLUTE, {{0xffff800000000000ULL, PAGE_SIZE}}, 1},
	{"at_zero", -EINVAL, XENMM_ABSOLUTE, {{0, PAGE_SIZE}}, 1},
	{"in_the_twin", -EINVAL, XENMM_IN_TWIN, {XENMM_RANGE(0, 1)}, 1},
	{"whole_table_of_the_twin", -EINVAL, XENMM_IN_TWIN, {XENMM_RANGE(512, 512)}, 1},
	{"native_here", -EOPNOTSUPP, XENMM_IN_ARENA, XENMM_ONE, {.method = XENMM_METHOD_NATIVE}},
	{"no_such_method", -EINVAL, XENMM_IN_ARENA, XENMM_ONE, {.method = 10}},
	{"batch_0", -EINVAL, XENMM_IN_ARENA, XENMM_ONE, {.method = XENMM_METHOD_BATCH}},
	{"batch_2049",
	 -EINVAL,
	 XENMM_IN_ARENA,
	 XENMM_ONE,
	 {.method = XENMM_METHOD_BATCH, .batch = 2049}},
	{"batch_of_trap",
	 -EINVAL,
	 XENMM_IN_ARENA,
	 XENMM_ONE,
	 {.method = XENMM_METHOD_TRAP, .batch = 1}},
	{"reserved", -EINVAL, XENMM_IN_ARENA, XENMM_ONE, {.reserved = {0, 1}}},
	{"prot", -EINVAL, XENMM_IN_ARENA, XENMM_ONE, {.prot = 2}},
};

static const struct xenmm_deed *const xenmm_deeds[] = {
	&xenmm_populate, &xenmm_discard,    &xenmm_map,
	&xenmm_unmap,	 &xenmm_protect_ro, &xenmm_protect_rw,
};

/* What the L2 entry of the first table named before its flip: its twin. */
static u64 xenmm_twin_hook;

/* Mixed pages, and a twin of the first table. */
static void xenmm_prepare(struct kunit *test)
{
	static const struct xenmm_way flip = {"flip", XENMM_METHOD_FLIP, 0};
	static const struct xenmm_pages table[] = {{0, 512}, {}};
	struct xenmm_world *world = xenmm_world_open(test, XENMM_ARENA);

	xenmm_do_each(test, &xenmm_populate, 4, 0);
	xenmm_twin_hook = xenmm_hook(world, 0);
	xenmm_do(test, &xenmm_protect_ro, &flip, table);
	xenmm_do_each(test, &xenmm_protect_rw, 8, 0);
	KUNIT_ASSERT_NE(test, xenmm_hook(world, 0), xenmm_twin_hook);
}

static unsigned long xenmm_place_of(const struct xenmm_world *world, enum xenmm_place place)
{
	switch (place) {
	case XENMM_IN_ARENA:
		return world->base;
	case XENMM_IN_TWIN:
		return world->base | BIT(62); /* as the core names it */
	case XENMM_ABSOLUTE:
		break;
	}
	return 0;
}

static void xenmm_ask(struct kunit *test, const struct xenmm_deed *deed)
{
	const struct xenmm_refusal_row *row = xenmm_row(test);
	const unsigned long place = xenmm_place_of(test->priv, row->place);
	struct xenmm_range ranges[2];
	struct xenmm_op op = row->op;
	u32 i;

	op.prot = op.prot ?: deed->prot;
	op.nr_ranges = row->nr_ranges;
	for (i = 0; i < row->nr_ranges; i++)
		ranges[i] =
			(struct xenmm_range){place + row->ranges[i].start, row->ranges[i].length};
	XENMM_EXPECT(test, deed->name, xenmm_world_ioctl(test->priv, deed->command, &op, ranges),
		     row->error);
	XENMM_EXPECT(test, "pages_done", op.pages_done, 0);
}

/* The arena, its twin and the counters, or only to compare them with what they were. */
struct xenmm_state {
	u64 *visible;
	u64 *twin; /* of the first table */
	size_t words;
	struct xenmm_counts counts;
};

static void xenmm_take_state(struct kunit *test, struct xenmm_state *state)
{
	const struct xenmm_world *world = test->priv;

	struct xenmm_table_seen seen;

	state->visible = xenmm_snapshot(test, world->base, &state->words);
	state->twin = kunit_kcalloc(test, XENMM_TABLE_PAGES, sizeof(*state->twin), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, state->twin);
	xenmm_look_behind(xenmm_twin_hook, &seen);
	memcpy(state->twin, seen.entries, PAGE_SIZE);
	xenmm_stats_read(&state->counts);
}

static void xenmm_expect_same(struct kunit *test, const u64 *is, const u64 *was, size_t words)
{
	size_t i;

	for (i = 0; i < words; i++)
		if (is[i] != was[i])
			XENMM_FAIL(test, "table %zu, slot %d: entry %#llx was %#llx", i / 513,
				   (int)(i % 513) - 1, is[i], was[i]);
}

static void xenmm_expect_state(struct kunit *test, const struct xenmm_state *was)
{
	struct xenmm_state is;

	xenmm_take_state(test, &is);
	xenmm_expect_same(test, is.visible, was->visible, was->words);
	xenmm_expect_same(test, is.twin, was->twin, XENMM_TABLE_PAGES);
	XENMM_EXPECT(test, "counters", memcmp(&is.counts, &was->counts, sizeof(is.counts)), 0);
}

static void xenmm_nothing_changes(struct kunit *test)
{
	struct xenmm_state before;
	size_t i;

	xenmm_prepare(test);
	xenmm_take_state(test, &before);
	for (i = 0; i < ARRAY_SIZE(xenmm_deeds); i++)
		xenmm_ask(test, xenmm_deeds[i]);
	xenmm_expect_state(test, &before);
}

/* ------------------------------------------------------ arguments of no use */

struct xenmm_pointer_row {
	const char *name;
	unsigned long op;     /* 0: good memory */
	unsigned long ranges; /* likewise */
};

static const struct xenmm_pointer_row xenmm_pointers[] = {
	{"op_at_zero_page", 0x1000, 0},
	{"op_of_the_kernel", __PAGE_OFFSET_BASE_L4, 0},
	{"op_not_canonical", 1UL << 47, 0},
	{"ranges_at_zero_page", 0, 0x1000},
	{"ranges_of_the_kernel", 0, __PAGE_OFFSET_BASE_L4},
	{"ranges_not_canonical", 0, 1UL << 47},
};

static long xenmm_ask_by_pointer(struct xenmm_world *world, const struct xenmm_deed *deed,
				 const struct xenmm_pointer_row *row)
{
	const struct xenmm_op op = {.ranges = row->ranges, .nr_ranges = 1, .prot = deed->prot};
	const bool entered = xenmm_world_enter(world);
	long error = copy_to_user((void __user *)world->memory, &op, sizeof(op));

	if (!error)
		error = world->file->f_op->unlocked_ioctl(world->file, deed->command,
							  row->op ?: world->memory);
	xenmm_world_leave(world, entered);
	return error;
}

static void xenmm_pointer_is_refused(struct kunit *test)
{
	struct xenmm_state before;
	size_t i;

	xenmm_prepare(test);
	xenmm_take_state(test, &before);
	for (i = 0; i < ARRAY_SIZE(xenmm_deeds); i++)
		XENMM_EXPECT(test, xenmm_deeds[i]->name,
			     xenmm_ask_by_pointer(test->priv, xenmm_deeds[i], xenmm_row(test)),
			     -EFAULT);
	xenmm_expect_state(test, &before);
}

static const struct xenmm_rows xenmm_refusal_rows[] = {
	{"request", xenmm_nothing_changes, XENMM_AXIS(xenmm_refusals)},
	{"pointer", xenmm_pointer_is_refused, XENMM_AXIS(xenmm_pointers)},
	{},
};

struct xenmm_row_suite xenmm_refusal_suite = {
	.suite.name = "xenmm_refusal",
	.suite.suite_init = xenmm_world_suite_init,
	.suite.exit = xenmm_world_close,
	.rows = xenmm_refusal_rows,
};
