// SPDX-License-Identifier: GPL-2.0
/*
 * What the planner chooses by density and size, with a price list whose break-even
 * points are worked out by hand:
 *
 *   batch    500 + 600 n (map), 480 n (unmap), 700 n (protect)
 *   rebuild  26000 + 150 x present before + 200 x present after
 *   flip     2000
 */
#include "probe.h"
#include "suites.h"
#include "uapi/xenmm.h"

#define XENMM_PRICES(validate, devalidate, flip)                \
	{                                                       \
		.ticks = {                                      \
			[XENMM_COST_hypercall] = 500,           \
			[XENMM_COST_map] = 600,                 \
			[XENMM_COST_unmap] = 480,               \
			[XENMM_COST_protect] = 700,             \
			[XENMM_COST_rebuild] = 26000,           \
			[XENMM_COST_validate] = (validate),     \
			[XENMM_COST_devalidate] = (devalidate), \
			[XENMM_COST_flip] = (flip),             \
		}                                               \
	}

static const struct xenmm_cost xenmm_prices = XENMM_PRICES(200, 150, 2000);
/* An exchange that costs more than 512 protects; and maps that do. */
static const struct xenmm_cost xenmm_dear_flip = XENMM_PRICES(200, 150, 359000);
/* Validating costs as much as writing: no rebuild ever pays. */
static const struct xenmm_cost xenmm_dear_validation = XENMM_PRICES(600, 480, 2000);

static struct xenmm_probe_plan xenmm_plan(u32 method, u32 batch, enum xenmm_action action)
{
	return (struct xenmm_probe_plan){method, batch, true, true, action, &xenmm_prices};
}

/* ------------------------------------------- rebuild or batch, once counted */

struct xenmm_density_row {
	const char *name;
	enum xenmm_action action;
	u32 changed;
	u32 present;
	int rebuilds;
};

static const struct xenmm_density_row xenmm_densities[] = {
	/* 26000 + 200 n < 500 + 600 n from 64 on */
	{"map_63_into_empty", XENMM_MAP, 63, 0, 0},
	{"map_64_into_empty", XENMM_MAP, 64, 0, 1},
	{"populate_512_into_empty", XENMM_POPULATE, 512, 0, 1},
	/* 26000 + 150 * 100 + 200 (100 + n) < 500 + 600 n from 152 on */
	{"map_151_beside_100", XENMM_MAP, 151, 100, 0},
	{"map_152_beside_100", XENMM_MAP, 152, 100, 1},
	/* would take 288 */
	{"map_256_beside_256", XENMM_MAP, 256, 256, 0},
	/* 26000 + 150 n < 500 + 480 n from 78 on */
	{"unmap_all_77", XENMM_UNMAP, 77, 77, 0},
	{"unmap_all_78", XENMM_UNMAP, 78, 78, 1},
	{"discard_all_512", XENMM_DISCARD, 512, 512, 1},
	/* 26000 + 150 * 512 + 200 (512 - n) < 500 + 480 n from 302 on */
	{"unmap_301_of_512", XENMM_UNMAP, 301, 512, 0},
	{"unmap_302_of_512", XENMM_UNMAP, 302, 512, 1},
	/* 26000 + 350 n < 500 + 700 n from 73 on */
	{"protect_all_72", XENMM_PROTECT, 72, 72, 0},
	{"protect_all_73", XENMM_PROTECT, 73, 73, 1},
	/* 26000 + 350 * 512 < 500 + 700 n from 293 on */
	{"protect_292_of_512", XENMM_PROTECT, 292, 512, 0},
	{"protect_293_of_512", XENMM_PROTECT, 293, 512, 1},
	{"nothing_to_do", XENMM_UNMAP, 0, 512, 0},
};

static void xenmm_density_decides(struct kunit *test)
{
	const struct xenmm_density_row *row = xenmm_row(test);
	const struct xenmm_probe_plan plan = xenmm_plan(XENMM_METHOD_AUTO, 0, row->action);

	XENMM_EXPECT(test, "rebuilds", xenmm_probe_rebuilds(&plan, row->changed, row->present),
		     row->rebuilds);
}

/* ------------------------------------------------- is a table looked at? */

struct xenmm_look_row {
	const char *name;
	struct xenmm_probe_plan plan;
	u32 asked;
	enum xenmm_look look;
};

#define XENMM_AUTO_PLAN(action)                                           \
	{                                                                 \
		XENMM_METHOD_AUTO, 0, true, true, (action), &xenmm_prices \
	}
#define XENMM_REBUILD_PLAN(least)                                                   \
	{                                                                           \
		XENMM_METHOD_REBUILD, (least), true, true, XENMM_MAP, &xenmm_prices \
	}

static const struct xenmm_look_row xenmm_looks[] = {
	{"auto_map_63", XENMM_AUTO_PLAN(XENMM_MAP), 63, XENMM_LOOK_NONE},
	{"auto_map_64", XENMM_AUTO_PLAN(XENMM_MAP), 64, XENMM_LOOK_SURVEY},
	{"auto_unmap_77", XENMM_AUTO_PLAN(XENMM_UNMAP), 77, XENMM_LOOK_NONE},
	{"auto_unmap_78", XENMM_AUTO_PLAN(XENMM_UNMAP), 78, XENMM_LOOK_SURVEY},
	{"auto_protect_72", XENMM_AUTO_PLAN(XENMM_PROTECT), 72, XENMM_LOOK_NONE},
	{"auto_protect_73", XENMM_AUTO_PLAN(XENMM_PROTECT), 73, XENMM_LOOK_SURVEY},
	{"auto_never_pays",
	 {XENMM_METHOD_AUTO, 0, true, true, XENMM_MAP, &xenmm_dear_validation},
	 512,
	 XENMM_LOOK_NONE},
	{"auto_shared_lock",
	 {XENMM_METHOD_AUTO, 0, true, false, XENMM_MAP, &xenmm_prices},
	 512,
	 XENMM_LOOK_NONE},
	{"auto_native",
	 {XENMM_METHOD_AUTO, 0, false, true, XENMM_MAP, &xenmm_prices},
	 512,
	 XENMM_LOOK_NONE},
	{"rebuild_511", XENMM_REBUILD_PLAN(0), 511, XENMM_LOOK_NONE},
	{"rebuild_512", XENMM_REBUILD_PLAN(0), 512, XENMM_LOOK_REBUILD},
	{"rebuild_from_100_99", XENMM_REBUILD_PLAN(100), 99, XENMM_LOOK_NONE},
	{"rebuild_from_100_100", XENMM_REBUILD_PLAN(100), 100, XENMM_LOOK_REBUILD},
	{"rebuild_from_1", XENMM_REBUILD_PLAN(1), 1, XENMM_LOOK_REBUILD},
	{"rebuild_shared_lock",
	 {XENMM_METHOD_REBUILD, 0, true, false, XENMM_MAP, &xenmm_prices},
	 512,
	 XENMM_LOOK_NONE},
	{"batch_512",
	 {XENMM_METHOD_BATCH, 512, true, true, XENMM_MAP, &xenmm_prices},
	 512,
	 XENMM_LOOK_NONE},
};

static void xenmm_table_is_looked_at(struct kunit *test)
{
	const struct xenmm_look_row *row = xenmm_row(test);

	XENMM_EXPECT(test, "look", xenmm_probe_look(&row->plan, row->asked), row->look);
}

/* ----------------------------------------------------------------- flips */

struct xenmm_flip_row {
	const char *name;
	u32 method;
	const struct xenmm_cost *cost;
	int exclusive;
	int matched;
	u32 present;
	int flips;
};

static const struct xenmm_flip_row xenmm_flips[] = {
	/* A twin that matches: 2000, or what 512 protects cost. */
	{"auto_matched", XENMM_METHOD_AUTO, &xenmm_prices, 1, 1, 512, 1},
	{"auto_matched_dear", XENMM_METHOD_AUTO, &xenmm_dear_flip, 1, 1, 512, 0},
	/* Otherwise 500 + 700 n has to be more than 2000: from 3 on. */
	{"auto_stale_1", XENMM_METHOD_AUTO, &xenmm_prices, 1, 0, 1, 0},
	{"auto_stale_2", XENMM_METHOD_AUTO, &xenmm_prices, 1, 0, 2, 0},
	{"auto_stale_3", XENMM_METHOD_AUTO, &xenmm_prices, 1, 0, 3, 1},
	{"auto_stale_512", XENMM_METHOD_AUTO, &xenmm_prices, 1, 0, 512, 1},
	{"auto_stale_dear", XENMM_METHOD_AUTO, &xenmm_dear_flip, 1, 0, 512, 0},
	{"auto_shared_lock", XENMM_METHOD_AUTO, &xenmm_prices, 0, 1, 512, 0},
	/* Who names it gets it. */
	{"flip_stale_1", XENMM_METHOD_FLIP, &xenmm_dear_flip, 1, 0, 1, 1},
	{"flip_matched", XENMM_METHOD_FLIP, &xenmm_dear_flip, 1, 1, 512, 1},
	{"flip_shared_lock", XENMM_METHOD_FLIP, &xenmm_prices, 0, 1, 512, 0},
	{"batch", XENMM_METHOD_BATCH, &xenmm_prices, 1, 1, 512, 0},
	{"rebuild", XENMM_METHOD_REBUILD, &xenmm_prices, 1, 1, 512, 0},
};

static void xenmm_flip_is_chosen(struct kunit *test)
{
	const struct xenmm_flip_row *row = xenmm_row(test);
	const struct xenmm_probe_plan plan = {
		row->method,   row->method == XENMM_METHOD_BATCH ? 512 : 0,
		true,	       row->exclusive,
		XENMM_PROTECT, row->cost,
	};

	XENMM_EXPECT(test, "flips", xenmm_probe_flips(&plan, row->matched, row->present),
		     row->flips);
}

/* ------------------------------------------------- tables of one section */

struct xenmm_batch_row {
	const char *name;
	u32 method;
	u32 batch;
	u32 tables;
};

static const struct xenmm_batch_row xenmm_batches[] = {
	{"trap", XENMM_METHOD_TRAP, 0, 1},	     {"lazy", XENMM_METHOD_LAZY, 0, 1},
	{"batch_1", XENMM_METHOD_BATCH, 1, 1},	     {"batch_512", XENMM_METHOD_BATCH, 512, 1},
	{"batch_1023", XENMM_METHOD_BATCH, 1023, 1}, {"batch_1024", XENMM_METHOD_BATCH, 1024, 2},
	{"batch_2047", XENMM_METHOD_BATCH, 2047, 3}, {"batch_2048", XENMM_METHOD_BATCH, 2048, 4},
	{"rebuild", XENMM_METHOD_REBUILD, 0, 1},     {"flip", XENMM_METHOD_FLIP, 0, 1},
	{"auto", XENMM_METHOD_AUTO, 0, 4},
};

static void xenmm_section_is_as_large(struct kunit *test)
{
	const struct xenmm_batch_row *row = xenmm_row(test);
	const struct xenmm_probe_plan plan = xenmm_plan(row->method, row->batch, XENMM_MAP);

	XENMM_EXPECT(test, "tables", xenmm_probe_tables_per_section(&plan), row->tables);
}

static const struct xenmm_rows xenmm_planner_rows[] = {
	{"density", xenmm_density_decides, XENMM_AXIS(xenmm_densities)},
	{"look", xenmm_table_is_looked_at, XENMM_AXIS(xenmm_looks)},
	{"flip", xenmm_flip_is_chosen, XENMM_AXIS(xenmm_flips)},
	{"section", xenmm_section_is_as_large, XENMM_AXIS(xenmm_batches)},
	{},
};

struct xenmm_row_suite xenmm_planner_suite = {
	.suite.name = "xenmm_planner",
	.rows = xenmm_planner_rows,
};
