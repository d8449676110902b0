// SPDX-License-Identifier: GPL-2.0
/*
 * What memory of an arena does, by each method that this guest offers: zeroes,
 * content, protection (hazards.md, rules 1, 3, 4 and 20). Judged from user space,
 * in the process that has the mapping.
 */
#include "xenmm_test.h"

/* Pages at the ends of the arena, of tables, and between. */
static const size_t corners[] = {0, 1, 255, 511, 512, 1023, 1024, 2048, 3583, 3584, 4094, 4095};
#define NR_CORNERS (sizeof(corners) / sizeof(corners[0]))

static void expect_corners_read_only(const struct arena *arena)
{
	for (size_t i = 0; i < NR_CORNERS; i++)
		expect_read_only(page_at(arena, corners[i]));
}

static bool is_near_edge(size_t page)
{
	return (page + 8) % SPAN_PAGES < 16;
}

static void populate_and_fill(const struct arena *arena, const struct method *method,
			      unsigned int seed)
{
	populate(arena, method, 0, arena->pages);
	fill_pages(arena, 0, arena->pages, seed);
}

TEST_BATCHES(populate_gives_zeroed_pages)
{
	populate(self, method, 0, self->pages);
	expect_present(self, 0, self->pages);
	check_zero(self, 0, self->pages);
	use_all_pages(self);
}

TEST_METHODS(populate_keeps_what_is_there)
{
	populate(self, method, 100, 700);
	fill_pages(self, 100, 700, 1);
	unmap(self, method, 300, 50);
	populate(self, method, 0, self->pages);
	expect_present(self, 0, self->pages);
	check_zero(self, 0, 100);
	check_pages(self, 100, 700, 1);
	check_zero(self, 800, self->pages - 800);
	use_all_pages(self);
}

TEST_BATCHES(read_only_keeps_content_and_refuses_writes)
{
	populate_and_fill(self, method, 1);
	protect(self, method, 0, self->pages, XENMM_PROT_READ);
	check_pages(self, 0, self->pages, 1);
	expect_corners_read_only(self);
	check_pages(self, 0, self->pages, 1);
	protect(self, method, 0, self->pages, XENMM_PROT_READ_WRITE);
	check_pages(self, 0, self->pages, 1);
	use_all_pages(self);
}

/* Neither a fault nor another operation may make the page writable again. */
TEST_METHODS(read_only_stays_read_only)
{
	populate_and_fill(self, method, 1);
	protect(self, method, 0, self->pages, XENMM_PROT_READ);
	expect_corners_read_only(self);
	unmap(self, method, 0, self->pages);
	expect_corners_read_only(self);
	map(self, method, 0, self->pages);
	expect_corners_read_only(self);
	populate(self, method, 0, self->pages);
	expect_corners_read_only(self);
	check_pages(self, 0, self->pages, 1);
}

/* A write first, with no read that would bring the entry in. */
TEST_METHODS(write_to_an_unmapped_read_only_page)
{
	populate_and_fill(self, method, 1);
	protect(self, method, 0, self->pages, XENMM_PROT_READ);
	unmap(self, method, 0, self->pages);
	for (size_t i = 0; i < NR_CORNERS; i++) {
		struct probe probe = probe_write(page_at(self, corners[i]), 0);

		EXPECT_EQ(probe.signal, SIGSEGV);
		EXPECT_EQ(probe.address, page_at(self, corners[i]));
	}
	expect_absent(self, 0, self->pages);
	check_pages(self, 0, self->pages, 1);
}

TEST_BATCHES(unmap_keeps_content)
{
	populate_and_fill(self, method, 1);
	unmap(self, method, 0, self->pages);
	expect_absent(self, 0, self->pages);
	check_pages(self, 0, self->pages, 1);
	use_all_pages(self);
}

TEST_METHODS(map_brings_entries_back)
{
	struct xenmm_stats before;

	populate_and_fill(self, method, 1);
	unmap(self, method, 0, self->pages);
	map(self, method, 0, self->pages);
	expect_present(self, 0, self->pages);
	before = read_stats(self->fd);
	check_pages(self, 0, self->pages, 1);
	use_all_pages(self);
	EXPECT_EQ(read_stats(self->fd).faults, before.faults);
}

TEST_METHODS(map_and_unmap_allocate_nothing)
{
	struct xenmm_stats before = read_stats(self->fd);

	map(self, method, 0, self->pages);
	unmap(self, method, 0, self->pages);
	discard(self, method, 0, self->pages);
	expect_growth(self->fd, &before, &(struct xenmm_stats){});
	expect_absent(self, 0, self->pages);
	check_zero(self, 0, self->pages);
	use_all_pages(self);
}

TEST_BATCHES(discard_gives_zeroes)
{
	populate_and_fill(self, method, 1);
	discard(self, method, 500, 1000);
	expect_absent(self, 500, 1000);
	check_pages(self, 0, 500, 1);
	check_zero(self, 500, 1000);
	check_pages(self, 1500, self->pages - 1500, 1);
	use_all_pages(self);
	discard(self, method, 0, self->pages);
	expect_absent(self, 0, self->pages);
	check_zero(self, 0, self->pages);
	use_all_pages(self);
}

TEST_METHODS(discard_of_unmapped_pages_frees_them)
{
	struct xenmm_stats before;

	populate_and_fill(self, method, 1);
	unmap(self, method, 0, self->pages);
	before = read_stats(self->fd);
	discard(self, method, 0, self->pages);
	EXPECT_EQ(read_stats(self->fd).pages_freed - before.pages_freed, self->pages);
	check_zero(self, 0, self->pages);
}

TEST_METHODS(protection_survives_discard)
{
	populate_and_fill(self, method, 1);
	protect(self, method, 0, self->pages, XENMM_PROT_READ);
	discard(self, method, 0, self->pages);
	check_zero(self, 0, self->pages);
	expect_corners_read_only(self);
	discard(self, method, 0, self->pages);
	populate(self, method, 0, self->pages);
	expect_corners_read_only(self);
	check_zero(self, 0, self->pages);
	protect(self, method, 0, self->pages, XENMM_PROT_READ_WRITE);
	use_all_pages(self);
}

TEST_METHODS(protection_of_unpopulated_pages_is_remembered)
{
	struct xenmm_stats before = read_stats(self->fd);

	protect(self, method, 510, 4, XENMM_PROT_READ);
	protect(self, method, 2048, 2048, XENMM_PROT_READ);
	expect_growth(self->fd, &before, &(struct xenmm_stats){});
	for (size_t page = 510; page < 514; page++)
		expect_read_only(page_at(self, page));
	populate(self, method, 0, self->pages);
	expect_read_only(page_at(self, 510));
	expect_read_only(page_at(self, 4095));
	EXPECT_TRUE(can_write(page_at(self, 509)));
	EXPECT_TRUE(can_write(page_at(self, 514)));
	EXPECT_TRUE(can_write(page_at(self, 2047)));
	protect(self, method, 0, self->pages, XENMM_PROT_READ_WRITE);
	use_all_pages(self);
}

static struct xenmm_range ranges[ARENA_PAGES / 2];

TEST_BATCHES(checkerboard_in_one_call)
{
	size_t count = self->pages / 2;

	for (size_t i = 0; i < count; i++)
		ranges[i] = range_of(self, 2 * i, 1);
	populate_and_fill(self, method, 1);
	ASSERT_EQ(op_ranges(self, XENMM_IOC_PROTECT, method, ranges, count, XENMM_PROT_READ), 0);
	for (size_t page = 0; page < self->pages; page += is_near_edge(page) ? 1 : 5)
		ASSERT_EQ(can_write(page_at(self, page)), page % 2);
	check_pages(self, 0, self->pages, 1);
	ASSERT_EQ(op_ranges(self, XENMM_IOC_PROTECT, method, ranges, count, XENMM_PROT_READ_WRITE),
		  0);
	use_all_pages(self);
}

/* Lengths 1, 2, 3 ... with gaps of 5, 6, 7 ... pages. */
static size_t make_sparse(const struct arena *arena, bool *chosen)
{
	size_t count = 0, page = 3;

	memset(chosen, 0, arena->pages);
	for (size_t length = 1; page + length <= arena->pages; length++) {
		ranges[count++] = range_of(arena, page, length);
		memset(chosen + page, 1, length);
		page += length + length + 4;
	}
	return count;
}

/* Runs of chosen pages are present, others absent; or the other way round. */
static void expect_presence(const struct arena *arena, const bool *chosen, bool inverted)
{
	for (size_t first = 0, end; first < arena->pages; first = end) {
		for (end = first + 1; end < arena->pages && chosen[end] == chosen[first];)
			end++;
		if (chosen[first] != inverted)
			expect_present(arena, first, end - first);
		else
			expect_absent(arena, first, end - first);
	}
}

TEST_BATCHES(sparse_ranges)
{
	static bool chosen[ARENA_PAGES];
	size_t count = make_sparse(self, chosen);

	ASSERT_EQ(op_ranges(self, XENMM_IOC_POPULATE, method, ranges, count, 0), 0);
	expect_presence(self, chosen, false);
	populate_and_fill(self, method, 1);
	ASSERT_EQ(op_ranges(self, XENMM_IOC_UNMAP, method, ranges, count, 0), 0);
	expect_presence(self, chosen, true);
	ASSERT_EQ(op_ranges(self, XENMM_IOC_MAP, method, ranges, count, 0), 0);
	expect_present(self, 0, self->pages);
	ASSERT_EQ(op_ranges(self, XENMM_IOC_DISCARD, method, ranges, count, 0), 0);
	expect_presence(self, chosen, true);
	for (size_t page = 0; page < self->pages; page++)
		check_pages(self, page, 1, chosen[page] ? 0 : 1);
	use_all_pages(self);
}

/* More ranges than fit a batch, touching each other and the edges of tables. */
TEST_BATCHES(ranges_across_table_edges)
{
	const struct xenmm_range across[] = {
		range_of(self, 500, 12), range_of(self, 512, 1),     range_of(self, 513, 1000),
		range_of(self, 1535, 2), range_of(self, 1600, 2000),
	};
	const size_t count = sizeof(across) / sizeof(across[0]);

	populate_and_fill(self, method, 1);
	ASSERT_EQ(op_ranges(self, XENMM_IOC_PROTECT, method, across, count, XENMM_PROT_READ), 0);
	for (size_t page = 498; page < 3602; page += is_near_edge(page) ? 1 : 3) {
		bool inside = (page >= 500 && page < 1513) || page == 1535 || page == 1536 ||
			      (page >= 1600 && page < 3600);

		ASSERT_EQ(can_write(page_at(self, page)), !inside);
	}
	ASSERT_EQ(op_ranges(self, XENMM_IOC_DISCARD, method, across, count, 0), 0);
	check_pages(self, 0, 500, 1);
	check_zero(self, 500, 1013);
	check_pages(self, 1513, 22, 1);
	check_zero(self, 1600, 2000);
	check_pages(self, 3600, 496, 1);
}

/* Nothing to do is no error and costs no update. */
TEST_METHODS(operations_twice)
{
	struct xenmm_stats before;

	populate_and_fill(self, method, 1);
	before = read_stats(self->fd);
	populate(self, method, 0, self->pages);
	map(self, method, 0, self->pages);
	protect(self, method, 0, self->pages, XENMM_PROT_READ_WRITE);
	expect_growth(self->fd, &before, &(struct xenmm_stats){});
	unmap(self, method, 0, self->pages);
	before = read_stats(self->fd);
	unmap(self, method, 0, self->pages);
	expect_growth(self->fd, &before, &(struct xenmm_stats){});
	check_pages(self, 0, self->pages, 1);
	use_all_pages(self);
}

/* Single pages of tables that hold nothing else. */
TEST_METHODS(one_page_a_table)
{
	for (size_t page = 7; page < self->pages; page += SPAN_PAGES) {
		populate(self, method, page, 1);
		fill_pages(self, page, 1, 1);
		protect(self, method, page, 1, XENMM_PROT_READ);
		expect_read_only(page_at(self, page));
		EXPECT_TRUE(can_write(page_at(self, page + 1)));
		discard(self, method, page, 1);
		check_zero(self, page, 1);
	}
	protect(self, method, 0, self->pages, XENMM_PROT_READ_WRITE);
	use_all_pages(self);
}
