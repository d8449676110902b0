// SPDX-License-Identifier: GPL-2.0
/*
 * How ranges are cut: into parts of one table (2 MiB, 512 pages), and into critical
 * sections of one table or, with batches larger than a table, of up to four.
 */
#include "probe.h"
#include "suites.h"
#include "uapi/xenmm.h"

#define XENMM_MOST 8
/* 2 MiB-aligned; ranges and results are pages from here on. */
#define XENMM_BASE 0x7f1234000000ULL

struct xenmm_span_of_pages {
	u32 first;
	u32 pages; /* 0 ends a list */
};

struct xenmm_cut_row {
	const char *name;
	struct xenmm_span_of_pages ranges[XENMM_MOST];
	struct xenmm_span_of_pages parts[XENMM_MOST];
};

static const struct xenmm_cut_row xenmm_cuts[] = {
	{"one_page", {{5, 1}}, {{5, 1}}},
	{"first_slot", {{0, 1}}, {{0, 1}}},
	{"last_slot", {{511, 1}}, {{511, 1}}},
	{"whole_table", {{512, 512}}, {{512, 512}}},
	{"all_but_the_first", {{1, 511}}, {{1, 511}}},
	{"all_but_the_last", {{0, 511}}, {{0, 511}}},
	{"one_more", {{0, 513}}, {{0, 512}, {512, 1}}},
	{"over_the_edge", {{511, 2}}, {{511, 1}, {512, 1}}},
	{"two_tables", {{0, 1024}}, {{0, 512}, {512, 512}}},
	{"four_tables", {{256, 1536}}, {{256, 256}, {512, 512}, {1024, 512}, {1536, 256}}},
	{"two_in_a_table", {{3, 1}, {5, 2}}, {{3, 1}, {5, 2}}},
	{"side_by_side", {{3, 1}, {4, 2}}, {{3, 1}, {4, 2}}},
	{"meet_at_the_edge", {{510, 2}, {512, 2}}, {{510, 2}, {512, 2}}},
	{"far_apart", {{0, 1}, {262144, 512}}, {{0, 1}, {262144, 512}}},
};

static u32 xenmm_make_pieces(const struct xenmm_span_of_pages *ranges, struct xenmm_piece *pieces)
{
	u32 i;

	for (i = 0; i < XENMM_MOST && ranges[i].pages; i++) {
		pieces[i].start = XENMM_BASE + ranges[i].first * PAGE_SIZE;
		pieces[i].length = ranges[i].pages * PAGE_SIZE;
	}
	return i;
}

static void xenmm_parts_are_cut(struct kunit *test)
{
	const struct xenmm_cut_row *row = xenmm_row(test);
	struct xenmm_piece pieces[XENMM_MOST], wanted[XENMM_MOST];
	struct xenmm_probe_part parts[XENMM_MOST] = {};
	const u32 count = xenmm_make_pieces(row->ranges, pieces);
	const u32 nr_wanted = xenmm_make_pieces(row->parts, wanted);
	u32 i;

	XENMM_EXPECT(test, "number of parts", xenmm_probe_parts(pieces, count, parts, XENMM_MOST),
		     nr_wanted);
	for (i = 0; i < nr_wanted; i++) {
		XENMM_EXPECT(test, "start", parts[i].start, wanted[i].start);
		XENMM_EXPECT(test, "pages", parts[i].pages, wanted[i].length / PAGE_SIZE);
	}
}

/* ------------------------------------------------------------- sections */

struct xenmm_section_row {
	const char *name;
	u32 method;
	u32 batch;
	struct xenmm_span_of_pages ranges[XENMM_MOST];
	struct xenmm_probe_section sections[XENMM_MOST]; /* parts, tables, pages, look */
};

static const struct xenmm_section_row xenmm_sections[] = {
	{"trap", XENMM_METHOD_TRAP, 0, {{511, 2}}, {{1, 1, 1}, {1, 1, 1}}},
	{"batch_1", XENMM_METHOD_BATCH, 1, {{511, 2}}, {{1, 1, 1}, {1, 1, 1}}},
	{"batch_512", XENMM_METHOD_BATCH, 512, {{0, 1024}}, {{1, 1, 512}, {1, 1, 512}}},
	{"batch_1023", XENMM_METHOD_BATCH, 1023, {{0, 1024}}, {{1, 1, 512}, {1, 1, 512}}},
	{"batch_1024", XENMM_METHOD_BATCH, 1024, {{0, 1025}}, {{2, 2, 1024}, {1, 1, 1}}},
	{"batch_1536", XENMM_METHOD_BATCH, 1536, {{1, 2048}}, {{3, 3, 1535}, {2, 2, 513}}},
	{"batch_2048", XENMM_METHOD_BATCH, 2048, {{0, 2560}}, {{4, 4, 2048}, {1, 1, 512}}},
	{"parts_of_a_table_stay_together",
	 XENMM_METHOD_BATCH,
	 512,
	 {{0, 1}, {2, 1}, {4, 600}},
	 {{3, 1, 510}, {1, 1, 92}}},
	{"holes_between_tables",
	 XENMM_METHOD_BATCH,
	 2048,
	 {{0, 1}, {5120, 1}, {51200, 1}, {102400, 1}, {512000, 1}},
	 {{4, 4, 4}, {1, 1, 1}}},
	{"rebuild_whole",
	 XENMM_METHOD_REBUILD,
	 0,
	 {{511, 514}},
	 {{1, 1, 1}, {1, 1, 512, XENMM_LOOK_REBUILD}, {1, 1, 1}}},
	{"rebuild_from_2",
	 XENMM_METHOD_REBUILD,
	 2,
	 {{1, 1}, {3, 1}, {513, 1}},
	 {{2, 1, 2, XENMM_LOOK_REBUILD}, {1, 1, 1}}},
	{"auto_few", XENMM_METHOD_AUTO, 0, {{0, 1}, {512, 1}}, {{2, 2, 2}}},
	{"auto_whole_among_few",
	 XENMM_METHOD_AUTO,
	 0,
	 {{511, 514}},
	 {{1, 1, 1}, {1, 1, 512, XENMM_LOOK_SURVEY}, {1, 1, 1}}},
};

/* A rebuild of an empty table pays from 64 entries on: 26000 + 200 n < 500 + 600 n. */
static const struct xenmm_cost xenmm_section_cost = {.ticks = {
							     [XENMM_COST_hypercall] = 500,
							     [XENMM_COST_map] = 600,
							     [XENMM_COST_rebuild] = 26000,
							     [XENMM_COST_validate] = 200,
						     }};

static void xenmm_sections_are_cut(struct kunit *test)
{
	const struct xenmm_section_row *row = xenmm_row(test);
	const struct xenmm_probe_plan plan = {row->method, row->batch, true,
					      true,	   XENMM_MAP,  &xenmm_section_cost};
	struct xenmm_piece pieces[XENMM_MOST];
	struct xenmm_probe_section seen[XENMM_MOST] = {};
	const u32 count = xenmm_make_pieces(row->ranges, pieces);
	u32 i;

	xenmm_probe_sections(&plan, pieces, count, seen, XENMM_MOST);
	for (i = 0; i < XENMM_MOST; i++) {
		XENMM_EXPECT(test, "parts", seen[i].parts, row->sections[i].parts);
		XENMM_EXPECT(test, "tables", seen[i].tables, row->sections[i].tables);
		XENMM_EXPECT(test, "pages", seen[i].pages, row->sections[i].pages);
		XENMM_EXPECT(test, "look", seen[i].look, row->sections[i].look);
	}
}

/* ------------------------------------------------- what ranges are refused */

struct xenmm_shape_row {
	const char *name;
	struct xenmm_piece pieces[2];
	u32 count;
	int error;
};

static const struct xenmm_shape_row xenmm_shapes[] = {
	{"one", {{0x1000, 0x1000}}, 1, 0},
	{"at_zero", {{0, 0x1000}}, 1, 0},
	{"empty", {{0x1000, 0}}, 1, -EINVAL},
	{"odd_start", {{0x1001, 0x1000}}, 1, -EINVAL},
	{"half_a_page", {{0x1800, 0x1000}}, 1, -EINVAL},
	{"odd_length", {{0x1000, 0x1001}}, 1, -EINVAL},
	{"wraps", {{-0x1000ULL, 0x2000}}, 1, -EINVAL},
	{"wraps_to_zero", {{-0x1000ULL, 0x1000}}, 1, -EINVAL},
	{"longest", {{0x1000, -0x1000ULL}}, 1, -EINVAL},
	{"touch", {{0x1000, 0x1000}, {0x2000, 0x1000}}, 2, 0},
	{"overlap", {{0x1000, 0x2000}, {0x2000, 0x1000}}, 2, -EINVAL},
	{"same", {{0x1000, 0x1000}, {0x1000, 0x1000}}, 2, -EINVAL},
	{"descend", {{0x5000, 0x1000}, {0x1000, 0x1000}}, 2, -EINVAL},
	{"second_empty", {{0x1000, 0x1000}, {0x2000, 0}}, 2, -EINVAL},
};

static void xenmm_shape_is_checked(struct kunit *test)
{
	const struct xenmm_shape_row *row = xenmm_row(test);

	XENMM_EXPECT(test, "answer", xenmm_probe_check_shape(row->pieces, row->count), row->error);
}

/* ---------------------------------------------------------- pages_done */

struct xenmm_below_row {
	const char *name;
	u64 limit;
	u64 pages;
};

/* Of 2 pages from 0x10000 and 3 from 0x20000. */
static const struct xenmm_below_row xenmm_belows[] = {
	{"none", 0x10000, 0},	       {"before_all", 0, 0},	    {"one", 0x11000, 1},
	{"first_range", 0x12000, 2},   {"in_the_hole", 0x18000, 2}, {"second_begins", 0x20000, 2},
	{"in_the_second", 0x22000, 4}, {"all", 0x23000, 5},	    {"no_limit", ~0ULL, 5},
};

static void xenmm_pages_are_counted(struct kunit *test)
{
	static const struct xenmm_piece pieces[] = {{0x10000, 0x2000}, {0x20000, 0x3000}};
	const struct xenmm_below_row *row = xenmm_row(test);

	XENMM_EXPECT(test, "pages", xenmm_probe_pages_below(pieces, 2, row->limit), row->pages);
}

static const struct xenmm_rows xenmm_ranges_rows[] = {
	{"parts", xenmm_parts_are_cut, XENMM_AXIS(xenmm_cuts)},
	{"sections", xenmm_sections_are_cut, XENMM_AXIS(xenmm_sections)},
	{"shape", xenmm_shape_is_checked, XENMM_AXIS(xenmm_shapes)},
	{"below", xenmm_pages_are_counted, XENMM_AXIS(xenmm_belows)},
	{},
};

struct xenmm_row_suite xenmm_ranges_suite = {
	.suite.name = "xenmm_ranges",
	.rows = xenmm_ranges_rows,
};
