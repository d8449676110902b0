// SPDX-License-Identifier: GPL-2.0
/*
 * The same through xenmm's own ways to write: entry k of some is one that Xen refuses. The
 * errno is Xen's, the index is k, the entries before it are written, those behind it are not,
 * except by multicall, which goes on.
 *
 * Not lazy: the kernel's queue warns of a refused entry in the log, and xenmm only knows by
 * reading back that there was one (host: failure_test).
 */
#include <linux/slab.h>

#include "attempt.h"
#include "glue.h"
#include "submit_probe.h"
#include "suites.h"

static struct xenmm_raw xenmm_workshop;
static void *xenmm_workshop_space;

#define XENMM_NR_UPDATES 7
#define XENMM_SPLIT 4 /* updates of the first table */

struct xenmm_method_row {
	const char *name;
	u32 method;
	u32 batch;
	int flush;
};

static const struct xenmm_method_row xenmm_methods_tried[] = {
	{"trap", XENMM_METHOD_TRAP},
	{"hypercall", XENMM_METHOD_HYPERCALL},
	{"va_mapping", XENMM_METHOD_VA_MAPPING},
	{"multicall", XENMM_METHOD_MULTICALL},
	{"batch_1", XENMM_METHOD_BATCH, 1},
	{"batch_3", XENMM_METHOD_BATCH, 3},
	{"batch_512", XENMM_METHOD_BATCH, 512},
	{"batch_3_flush", XENMM_METHOD_BATCH, 3, 1},
	{"batch_512_flush", XENMM_METHOD_BATCH, 512, 1},
};

/* As in isolation_kunit.c, which says whose errnos these are. */
struct xenmm_bad_entry {
	const char *name;
	unsigned int frame;
	xenmm_u64 flags;
	int error;
};

static const struct xenmm_bad_entry xenmm_bad_entries[] = {
	{"another_domain's", XENMM_FOREIGN, XENMM_RO, -EBUSY},
	{"xen's", XENMM_XENS, XENMM_RW, -EBUSY},
	{"apic", XENMM_IO, XENMM_RW, -EPERM},
	{"all_ones", XENMM_ALL_ONES, XENMM_RW, -EINVAL},
	{"l1_rw", XENMM_TABLE + 3, XENMM_RW, -EBUSY},
	{"l2_rw", XENMM_L2, XENMM_RW, -EBUSY},
	{"l4_rw", XENMM_RAW_L4, XENMM_RW, -EBUSY},
	{"uncached", XENMM_PAGE + 1, XENMM_RW | _PAGE_PCD, -EINVAL},
};

static void xenmm_fill_updates(struct xenmm_raw *world, struct xenmm_probe_updates *updates,
			       unsigned int k, xenmm_u64 bad)
{
	unsigned int i;

	updates->split = XENMM_SPLIT;
	updates->count = XENMM_NR_UPDATES;
	for (i = 0; i < XENMM_PROBE_TABLES; i++) {
		updates->tables[i].entries = world->tables[i];
		updates->tables[i].maddr = xenmm_raw_maddr(world, XENMM_TABLE + i, 0);
		updates->bases[i] = xenmm_raw_address(world, i, 0);
	}
	for (i = 0; i < XENMM_NR_UPDATES; i++) {
		updates->update[i].slot = 505 + i;
		updates->update[i].value =
			i == k ? bad : xenmm_raw_value(world, XENMM_PAGE, XENMM_RW);
	}
}

/* The first entry that is not as the failure model of design.rst says, or -1. */
static int xenmm_wrong_entry(struct xenmm_raw *world, const struct xenmm_probe_updates *updates,
			     unsigned int k, bool goes_on)
{
	unsigned int i;

	for (i = 0; i < updates->count; i++) {
		const xenmm_u64 *table = world->tables[i >= updates->split];
		const xenmm_u64 now = READ_ONCE(table[updates->update[i].slot]);
		const bool is_written = i < k || (i > k && goes_on);
		const xenmm_u64 wanted = is_written ? updates->update[i].value | _PAGE_GLOBAL : 0;

		if (now != wanted)
			return i;
	}
	return -1;
}

struct xenmm_submitted {
	struct xenmm_probe_outcome outcome;
	int wrong; /* entry */
	int aftermath;
};

static struct xenmm_submitted xenmm_submit_bad(const struct xenmm_method_row *method,
					       const struct xenmm_bad_entry *bad, unsigned int k)
{
	static struct xenmm_probe_updates updates;
	struct xenmm_raw *world = &xenmm_workshop;
	struct xenmm_submitted seen;

	xenmm_raw_enter(world);
	xenmm_fill_updates(world, &updates, k, xenmm_raw_value(world, bad->frame, bad->flags));
	xenmm_probe_submit(xenmm_workshop_space, &updates, method->method, method->batch,
			   method->flush, &seen.outcome);
	seen.wrong =
		xenmm_wrong_entry(world, &updates, k, method->method == XENMM_METHOD_MULTICALL);
	seen.aftermath = xenmm_raw_reset(world);
	xenmm_raw_leave(world);
	return seen;
}

static void xenmm_bad_entry_is_named(struct kunit *test)
{
	const struct xenmm_bad_entry *bad = xenmm_row(test);
	const struct xenmm_method_row *method = xenmm_column(test);
	const bool goes_on = method->method == XENMM_METHOD_MULTICALL;
	const int error = method->method == XENMM_METHOD_TRAP ? -EFAULT : bad->error;
	unsigned int k;

	for (k = 0; k < XENMM_NR_UPDATES; k++) {
		const struct xenmm_submitted seen = xenmm_submit_bad(method, bad, k);

		XENMM_EXPECT(test, "errno", seen.outcome.error, error);
		XENMM_EXPECT(test, "index", seen.outcome.applied, k);
		XENMM_EXPECT(test, "changed", seen.outcome.changed,
			     goes_on ? XENMM_NR_UPDATES - 1 : k);
		XENMM_EXPECT(test, "wrong entry", seen.wrong, -1);
		XENMM_EXPECT(test, "aftermath", seen.aftermath, 0);
	}
}

static void xenmm_fill_raw_hooks(struct xenmm_raw *world, unsigned int i, struct xenmm_hooks *hooks)
{
	hooks->l2_maddr = xenmm_raw_maddr(world, XENMM_L2, i);
	hooks->l2_value = xenmm_raw_value(world, XENMM_TABLE + i, XENMM_HOOK_FLAGS);
	hooks->mfn = world->mfns[XENMM_TABLE + i];
	hooks->alias = (unsigned long)world->tables[i];
	hooks->alias_ro = xenmm_alias_value(world->tables[i], false);
	hooks->alias_rw = xenmm_alias_value(world->tables[i], true);
	hooks->is_pinned = true; /* raw_world.c pins all */
}

static bool xenmm_is_empty(const xenmm_u64 *table)
{
	unsigned int slot;

	for (slot = 0; slot < PTRS_PER_PTE; slot++)
		if (READ_ONCE(table[slot]))
			return false;
	return true;
}

/* promote_l1_table hands the entry's errno on; the table comes back, empty. */
static void xenmm_bad_table_is_refused(struct kunit *test)
{
	const struct xenmm_bad_entry *bad = xenmm_row(test);
	struct xenmm_raw *world = &xenmm_workshop;
	struct xenmm_probe_rebuilt rebuilt;
	struct xenmm_hooks hooks;
	bool is_empty;
	int error, reset;

	xenmm_raw_enter(world);
	xenmm_fill_raw_hooks(world, 1, &hooks);
	error = xenmm_raw_update(xenmm_raw_maddr(world, XENMM_TABLE + 1, 0),
				 xenmm_raw_value(world, XENMM_PAGE, XENMM_RW));
	rebuilt = xenmm_probe_rebuild(xenmm_workshop_space, world->tables[1], &hooks, 511,
				      xenmm_raw_value(world, bad->frame, bad->flags));
	is_empty = xenmm_is_empty(world->tables[1]);
	reset = xenmm_raw_reset(world);
	xenmm_raw_leave(world);
	XENMM_EXPECT(test, "taken out", rebuilt.taken, 0);
	XENMM_EXPECT(test, "put back", rebuilt.put_back, bad->error);
	XENMM_EXPECT(test, "whole", rebuilt.is_whole, true);
	XENMM_EXPECT(test, "empty", is_empty, true);
	XENMM_EXPECT(test, "entry of before", error, 0);
	XENMM_EXPECT(test, "aftermath", reset, 0);
}

/* In the place of the table another frame is hooked: Xen does not take it, xenmm says so. */
static const struct xenmm_bad_entry xenmm_bad_hooks[] = {
	{"page", XENMM_PAGE, XENMM_HOOK_FLAGS, -EINVAL},
	{"another_domain's", XENMM_FOREIGN, XENMM_HOOK_FLAGS, -EINVAL},
	{"xen's", XENMM_XENS, XENMM_HOOK_FLAGS, -EINVAL},
	{"l2", XENMM_L2, XENMM_HOOK_FLAGS, -EINVAL},
	{"large_page", XENMM_PAGE, XENMM_HOOK_FLAGS | _PAGE_PSE, -EINVAL},
};

static void xenmm_bad_hook_is_refused(struct kunit *test)
{
	const struct xenmm_bad_entry *bad = xenmm_row(test);
	struct xenmm_raw *world = &xenmm_workshop;
	struct xenmm_probe_rebuilt rebuilt;
	struct xenmm_hooks hooks;
	xenmm_u64 hooked;
	int error;

	xenmm_raw_enter(world);
	xenmm_fill_raw_hooks(world, 1, &hooks);
	hooks.l2_value = xenmm_raw_value(world, bad->frame, bad->flags);
	rebuilt = xenmm_probe_rebuild(xenmm_workshop_space, world->tables[1], &hooks, 511, 0);
	hooked = READ_ONCE(world->l2[1]);
	error = xenmm_raw_reset(world);
	xenmm_raw_leave(world);
	XENMM_EXPECT(test, "put back", rebuilt.put_back, bad->error);
	XENMM_EXPECT(test, "whole", rebuilt.is_whole, false);
	XENMM_EXPECT(test, "L2 entry", hooked, 0);
	XENMM_EXPECT(test, "aftermath", error, 0);
}

static int xenmm_workshop_open(struct kunit_suite *suite)
{
	int error;

	xenmm_workshop_space = kvzalloc(xenmm_probe_space(), GFP_KERNEL);
	error = xenmm_workshop_space ? xenmm_raw_open(&xenmm_workshop) : -ENOMEM;
	if (error)
		kvfree(xenmm_workshop_space);
	return error;
}

static void xenmm_workshop_close(struct kunit_suite *suite)
{
	xenmm_raw_close(&xenmm_workshop);
	kvfree(xenmm_workshop_space);
}

static const struct xenmm_rows xenmm_isolation_methods_rows[] = {
	{"entry", xenmm_bad_entry_is_named, XENMM_AXIS(xenmm_bad_entries),
	 XENMM_AXIS(xenmm_methods_tried)},
	{"rebuild", xenmm_bad_table_is_refused, XENMM_AXIS(xenmm_bad_entries)},
	{"hook", xenmm_bad_hook_is_refused, XENMM_AXIS(xenmm_bad_hooks)},
	{},
};

struct xenmm_row_suite xenmm_isolation_methods_suite = {
	.suite.name = "xenmm_isolation_methods",
	.suite.suite_init = xenmm_workshop_open,
	.suite.suite_exit = xenmm_workshop_close,
	.rows = xenmm_isolation_methods_rows,
};
