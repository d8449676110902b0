// SPDX-License-Identifier: GPL-2.0
/*
 * What a deed costs, by the rules of include/uapi/xenmm.h and Documentation/design.rst:
 * one critical section a table, or four with a batch of 2048; 32 entries a multicall; two
 * hypercalls, and two L2 entries, a table that is rebuilt; one flush for an operation
 * that took rights away.
 */
#include "world.h"

#define XENMM_BIT(name) BIT_ULL(XENMM_COUNTER_##name)

const u64 xenmm_all_counters =
	(BIT_ULL(XENMM_NR_COUNTERS) - 1) & ~(XENMM_BIT(hypercall_cycles) | XENMM_BIT(trap_cycles));
const u64 xenmm_effect_counters =
	XENMM_BIT(faults) | XENMM_BIT(fault_around_pages) | XENMM_BIT(pages_mapped) |
	XENMM_BIT(pages_unmapped) | XENMM_BIT(pages_allocated) | XENMM_BIT(pages_freed) |
	XENMM_BIT(errors) | XENMM_BIT(partial_batches) | XENMM_BIT(repairs) | XENMM_BIT(traps) |
	XENMM_BIT(lazy_updates) | XENMM_BIT(va_mappings) | XENMM_BIT(native_stores) |
	XENMM_BIT(twins_dropped) | XENMM_BIT(teardown_pages);

/* Of one table: pages asked for, and entries that change. */
struct xenmm_share {
	u32 asked;
	u32 changed;
};

static struct xenmm_share xenmm_share_of(const struct xenmm_world *world,
					 const struct xenmm_deed *deed,
					 const struct xenmm_pages *at, u32 table)
{
	struct xenmm_share share = {};
	u32 i;

	for (; at->pages; at++)
		for (i = at->first; i < at->first + at->pages; i++) {
			if (i / XENMM_TABLE_PAGES != table)
				continue;
			share.asked++;
			share.changed += xenmm_changes(&world->page[i], deed);
		}
	return share;
}

#define XENMM_ADD(growth, name, value) ((growth)->counter[XENMM_COUNTER_##name] += (value))

static void xenmm_add_hypercalls(struct xenmm_counts *growth, u32 entries, u32 each)
{
	XENMM_ADD(growth, hypercalls, DIV_ROUND_UP(entries, each));
	XENMM_ADD(growth, mmu_updates, entries);
}

/* `entries` of one critical section, written one by one or by batches. */
static void xenmm_add_entries(struct xenmm_counts *growth, const struct xenmm_way *way, u32 entries)
{
	switch (way->method) {
	case XENMM_METHOD_TRAP:
		XENMM_ADD(growth, traps, entries);
		break;
	case XENMM_METHOD_HYPERCALL:
		xenmm_add_hypercalls(growth, entries, 1);
		break;
	case XENMM_METHOD_VA_MAPPING:
		XENMM_ADD(growth, hypercalls, entries);
		XENMM_ADD(growth, va_mappings, entries);
		break;
	case XENMM_METHOD_MULTICALL:
		XENMM_ADD(growth, multicalls, DIV_ROUND_UP(entries, 32));
		xenmm_add_hypercalls(growth, entries, 32);
		break;
	case XENMM_METHOD_LAZY:
		XENMM_ADD(growth, lazy_updates, entries);
		break;
	case XENMM_METHOD_BATCH:
		xenmm_add_hypercalls(growth, entries, way->batch);
		break;
	default: /* what rebuild and flip leave */
		xenmm_add_hypercalls(growth, entries, 512);
	}
}

/* A table in which the arena ends may hold more than the arena. */
static bool xenmm_is_rebuilt(const struct xenmm_world *world, const struct xenmm_way *way,
			     u32 table, const struct xenmm_share *share)
{
	return way->method == XENMM_METHOD_REBUILD && share->changed &&
	       share->asked >= (way->batch ?: XENMM_TABLE_PAGES) &&
	       (table + 1) * XENMM_TABLE_PAGES <= world->pages;
}

static void xenmm_add_rebuild(struct xenmm_counts *growth)
{
	XENMM_ADD(growth, tables_rebuilt, 1);
	XENMM_ADD(growth, hypercalls, 2);
	XENMM_ADD(growth, mmu_updates, 2);
}

static void xenmm_add_tables(const struct xenmm_world *world, const struct xenmm_deed *deed,
			     const struct xenmm_way *way, const struct xenmm_pages *pages,
			     struct xenmm_counts *growth)
{
	const u32 most = way->method == XENMM_METHOD_BATCH && way->batch == 2048 ? 4 : 1;
	u32 table, tables = 0, entries = 0;

	for (table = 0; table * XENMM_TABLE_PAGES < world->pages; table++) {
		const struct xenmm_share share = xenmm_share_of(world, deed, pages, table);

		if (!share.asked)
			continue;
		if (xenmm_is_rebuilt(world, way, table, &share)) {
			xenmm_add_rebuild(growth);
			continue;
		}
		entries += share.changed;
		if (++tables < most)
			continue;
		xenmm_add_entries(growth, way, entries);
		tables = entries = 0;
	}
	xenmm_add_entries(growth, way, entries);
}

static void xenmm_add_effect(const struct xenmm_deed *deed, u32 changed, u32 new, u32 gone,
			     struct xenmm_counts *growth)
{
	if (deed->prot)
		XENMM_ADD(growth, pages_protected, changed);
	else if (xenmm_revokes(deed))
		XENMM_ADD(growth, pages_unmapped, changed);
	else
		XENMM_ADD(growth, pages_mapped, changed);
	XENMM_ADD(growth, pages_allocated, new);
	XENMM_ADD(growth, pages_freed, gone);
	XENMM_ADD(growth, tlb_flushes, changed && xenmm_revokes(deed));
}

void xenmm_expect_growth(const struct xenmm_world *world, const struct xenmm_deed *deed,
			 const struct xenmm_way *way, const struct xenmm_pages *pages,
			 struct xenmm_counts *growth)
{
	u32 i, changed = 0, new = 0, gone = 0;
	const struct xenmm_pages *at;

	memset(growth, 0, sizeof(*growth));
	xenmm_add_tables(world, deed, way, pages, growth);
	for (at = pages; at->pages; at++)
		for (i = at->first; i < at->first + at->pages; i++) {
			changed += xenmm_changes(&world->page[i], deed);
			new += deed == &xenmm_populate && !world->page[i].has_page;
			gone += deed == &xenmm_discard && world->page[i].has_page;
		}
	xenmm_add_effect(deed, changed, new, gone, growth);
}

void xenmm_check_growth(struct kunit *test, const struct xenmm_counts *before,
			const struct xenmm_counts *growth, u64 mask)
{
	struct xenmm_counts now;
	u32 i;

	xenmm_stats_read(&now);
	for (i = 0; i < XENMM_NR_COUNTERS; i++)
		if (mask & BIT_ULL(i))
			XENMM_EXPECT(test, xenmm_counter_name(i),
				     now.counter[i] - before->counter[i], growth->counter[i]);
}
