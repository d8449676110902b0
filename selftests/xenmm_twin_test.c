// SPDX-License-Identifier: GPL-2.0
/*
 * The twin as the program sees it: a second mapping that appears with the first flip,
 * a writable alias, nobody's to operate on; what munmap, mremap, fork and a lack of
 * address space make of it; and that it goes with the arena.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "xenmm_test.h"

#define N ARENA_PAGES
#define NR_TABLES (N / SPAN_PAGES)

static const struct method flip = {"flip", XENMM_METHOD_FLIP, 0};

static void need_flip(void)
{
	if (!is_offered(XENMM_METHOD_FLIP))
		test_skip("this guest offers no flip");
}

struct mapping {
	unsigned char *start;
	size_t length;
};

/* Our mappings of the device, in ascending order; their number. */
static size_t find_mappings(struct mapping *found, size_t most)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	char line[256];
	size_t count = 0;

	ASSERT_TRUE(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (!strstr(line, XENMM_DEVICE_PATH) || sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		ASSERT_LE(count + 1, most);
		found[count++] = (struct mapping){(unsigned char *)from, to - from};
	}
	fclose(maps);
	return count;
}

static size_t count_mappings(void)
{
	struct mapping found[16];

	return find_mappings(found, 16);
}

/* The one mapping that is not the arena. */
static unsigned char *twin_of(const struct arena *arena)
{
	struct mapping found[2];

	ASSERT_EQ(find_mappings(found, 2), 2);
	ASSERT_EQ(found[0].length, found[1].length);
	return found[0].start == arena->base ? found[1].start : found[0].start;
}

static void flip_to(const struct arena *arena, __u32 prot)
{
	protect(arena, &flip, 0, arena->pages, prot);
}

/* All there, with content, read-write, and twins made. */
static void prepare_twins(const struct arena *arena)
{
	populate(arena, any_method(), 0, arena->pages);
	fill_pages(arena, 0, arena->pages, 1);
	flip_to(arena, XENMM_PROT_READ);
	flip_to(arena, XENMM_PROT_READ_WRITE);
}

static __u64 twins_now(int fd)
{
	struct xenmm_stats stats = read_stats(fd);

	return held_twins(&stats);
}

/* ------------------------------------------------------------------ the alias */

TEST_ARENA(first_flip_makes_one_second_mapping)
{
	need_flip();
	populate(self, any_method(), 0, N);
	EXPECT_EQ(count_mappings(), 1);
	protect(self, &flip, 0, SPAN_PAGES - 1, XENMM_PROT_READ);
	EXPECT_EQ(count_mappings(), 1); /* no whole table */
	protect(self, &flip, 0, SPAN_PAGES, XENMM_PROT_READ);
	EXPECT_EQ(count_mappings(), 2);
	EXPECT_EQ(twins_now(self->fd), 1);
	flip_to(self, XENMM_PROT_READ);
	flip_to(self, XENMM_PROT_READ_WRITE);
	EXPECT_EQ(count_mappings(), 2);
	EXPECT_EQ(twins_now(self->fd), NR_TABLES);
}

/* As documented: while the arena is read-only, the process can write through it. */
TEST_ARENA(the_twin_is_a_writable_alias)
{
	unsigned char *twin;

	need_flip();
	prepare_twins(self);
	twin = twin_of(self);
	expect_read_only(twin);
	flip_to(self, XENMM_PROT_READ);
	expect_read_only(page_at(self, 5));
	twin[5 * PAGE] = 0x77;
	EXPECT_EQ(*page_at(self, 5), 0x77);
}

TEST_ARENA(the_twin_serves_no_faults)
{
	unsigned char *twin;

	need_flip();
	prepare_twins(self);
	twin = twin_of(self);
	discard(self, any_method(), 0, 10);
	EXPECT_EQ(probe_read(twin).signal, SIGSEGV);
	EXPECT_EQ(probe_write(twin + 9 * PAGE, 1).signal, SIGSEGV);
	EXPECT_TRUE(can_read(twin + 10 * PAGE));
	check_zero(self, 0, 10);
	EXPECT_EQ(probe_read(twin).signal, SIGSEGV);
}

TEST_ARENA(the_twin_is_nobodys_to_operate_on)
{
	static const unsigned long requests[] = {XENMM_IOC_POPULATE, XENMM_IOC_DISCARD,
						 XENMM_IOC_MAP, XENMM_IOC_UNMAP, XENMM_IOC_PROTECT};
	struct arena twin = *self;

	need_flip();
	prepare_twins(self);
	twin.base = twin_of(self);
	for (size_t i = 0; i < 5; i++)
		EXPECT_EQ(op_pages(&twin, requests[i], any_method(), 0, 8,
				   requests[i] == XENMM_IOC_PROTECT ? XENMM_PROT_READ : 0),
			  -EINVAL);
	EXPECT_EQ(mprotect(twin.base, N * PAGE, PROT_READ), -1);
	EXPECT_EQ(mremap(twin.base, N * PAGE, N * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			 free_space(N * PAGE)),
		  MAP_FAILED);
	EXPECT_EQ(munmap(twin.base + PAGE, PAGE), -1);
	flip_to(self, XENMM_PROT_READ);
	check_pages(self, 0, N, 1);
	expect_read_only(page_at(self, 0));
}

/* ----------------------------------------------------------------- its shapes */

TEST_ARENA(flips_of_mixed_tables)
{
	need_flip();
	prepare_twins(self);
	for (int round = 0; round < 4; round++) {
		__u32 prot = round % 2 ? XENMM_PROT_READ_WRITE : XENMM_PROT_READ;

		protect(self, any_method(), 100, 30, prot);
		protect(self, any_method(), 1000, 700, XENMM_PROT_READ);
		flip_to(self, prot);
		for (size_t page = 0; page < N; page += 50)
			EXPECT_EQ(can_write(page_at(self, page)), prot == XENMM_PROT_READ_WRITE);
		check_pages(self, 0, N, 1);
	}
}

TEST_ARENA(flips_of_unaligned_ranges)
{
	struct xenmm_stats before, after;

	need_flip();
	prepare_twins(self);
	before = read_stats(self->fd);
	protect(self, &flip, 100, 1200, XENMM_PROT_READ);
	after = read_stats(self->fd);
	EXPECT_EQ(after.tables_flipped - before.tables_flipped, 1);
	EXPECT_EQ(after.pages_protected - before.pages_protected, 1200 - SPAN_PAGES);
	for (size_t page = 0; page < N; page++)
		if (page % 50 == 0 || page == 1299)
			EXPECT_EQ(can_write(page_at(self, page)), page < 100 || page >= 1300);
	check_pages(self, 0, N, 1);
}

TEST_ARENA(flips_after_pages_came_and_went)
{
	need_flip();
	prepare_twins(self);
	discard(self, any_method(), 500, 100);
	unmap(self, any_method(), 2000, 100);
	fill_pages(self, 500, 50, 2); /* by faults; the other 50 stay away */
	flip_to(self, XENMM_PROT_READ);
	check_pages(self, 500, 50, 2);
	check_zero(self, 550, 50);
	check_pages(self, 2000, 100, 1);
	expect_read_only(page_at(self, 510));
	expect_read_only(page_at(self, 590));
	expect_read_only(page_at(self, 2050));
	flip_to(self, XENMM_PROT_READ_WRITE);
	check_pages(self, 600, 1400, 1);
	use_all_pages(self);
}

/* -------------------------------------------------------------------- its end */

TEST(munmap_of_the_arena_takes_the_twin_along)
{
	struct xenmm_stats before, after;
	struct arena arena;

	need_flip();
	arena = arena_make(N);
	prepare_twins(&arena);
	before = read_stats(arena.fd);
	ASSERT_EQ(munmap(arena.base, N * PAGE), 0);
	EXPECT_EQ(count_mappings(), 0);
	after = read_stats(arena.fd);
	EXPECT_EQ(after.pages_freed - before.pages_freed, N);
	EXPECT_EQ(after.teardown_pages - before.teardown_pages, 2 * N);
	EXPECT_EQ(twins_now(arena.fd), 0);
	arena.base = device_map(arena.fd, N * PAGE); /* the file can be mapped anew at once */
	ASSERT_NE(arena.base, MAP_FAILED);
	prepare_twins(&arena);
	arena_close(&arena);
	EXPECT_EQ(count_mappings(), 0);
}

TEST_ARENA(munmap_of_the_twin_is_survived)
{
	need_flip();
	prepare_twins(self);
	for (int round = 0; round < 3; round++) {
		ASSERT_EQ(munmap(twin_of(self), N * PAGE), 0);
		EXPECT_EQ(twins_now(self->fd), 0);
		check_pages(self, 0, N, 1);
		flip_to(self, XENMM_PROT_READ);
		EXPECT_EQ(count_mappings(), 2);
		expect_read_only(page_at(self, N - 1));
		flip_to(self, XENMM_PROT_READ_WRITE);
	}
	check_pages(self, 0, N, 1);
}

TEST_ARENA(munmap_of_a_part_of_the_twin_is_survived)
{
	unsigned char *other;

	need_flip();
	prepare_twins(self);
	other = twin_of(self) + XENMM_SPAN_BYTES;
	ASSERT_EQ(munmap(other, 2 * XENMM_SPAN_BYTES), 0);
	ASSERT_EQ(mmap(other, XENMM_SPAN_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
		  other);
	memset(other, 9, XENMM_SPAN_BYTES);
	for (int round = 0; round < 2; round++) {
		flip_to(self, XENMM_PROT_READ);
		for (size_t page = 0; page < N; page += 100)
			expect_read_only(page_at(self, page));
		flip_to(self, XENMM_PROT_READ_WRITE);
		check_pages(self, 0, N, 1);
	}
	discard(self, any_method(), 0, N);
	EXPECT_EQ(other[XENMM_SPAN_BYTES - 1], 9);
	/* What somebody put there stays when the twin goes. */
	ASSERT_EQ(munmap(self->base, N * PAGE), 0);
	EXPECT_EQ(count_mappings(), 0);
	EXPECT_EQ(other[0], 9);
	self->base = device_map(self->fd, N * PAGE);
	ASSERT_NE(self->base, MAP_FAILED);
}

TEST_ARENA(munmap_of_a_part_of_the_arena)
{
	unsigned char *twin;

	need_flip();
	prepare_twins(self);
	flip_to(self, XENMM_PROT_READ);
	twin = twin_of(self);
	ASSERT_EQ(munmap(self->base + XENMM_SPAN_BYTES, XENMM_SPAN_BYTES), 0);
	EXPECT_EQ(op_pages(self, XENMM_IOC_PROTECT, &flip, 0, N, XENMM_PROT_READ_WRITE), -EINVAL);
	protect(self, &flip, 0, SPAN_PAGES, XENMM_PROT_READ_WRITE);
	protect(self, &flip, 2 * SPAN_PAGES, N - 2 * SPAN_PAGES, XENMM_PROT_READ_WRITE);
	check_pages(self, 0, SPAN_PAGES, 1);
	check_pages(self, 2 * SPAN_PAGES, N - 2 * SPAN_PAGES, 1);
	EXPECT_TRUE(can_write(page_at(self, N - 1)));
	EXPECT_TRUE(can_read(twin + XENMM_SPAN_BYTES)); /* its pages are kept until the end */
}

static void find_no_mapping(struct arena *unused)
{
	(void)unused;
	EXPECT_EQ(count_mappings(), 0);
}

TEST_ARENA(fork_copies_neither)
{
	need_flip();
	prepare_twins(self);
	EXPECT_EQ(count_mappings(), 2);
	EXPECT_EQ(run_child(find_no_mapping, self), 0);
	check_pages(self, 0, N, 1);
}

TEST_ARENA(without_address_space_it_goes_another_way)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit tight = {N * PAGE + (64 << 20), RLIM_INFINITY};

	need_flip();
	populate(self, any_method(), 0, N);
	fill_pages(self, 0, N, 1);
	tight.rlim_cur = (rlim_t)(status_kb("VmSize") + 1024) * 1024;
	ASSERT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
	flip_to(self, XENMM_PROT_READ);
	EXPECT_EQ(count_mappings(), 1);
	expect_read_only(page_at(self, 77));
	check_pages(self, 0, N, 1);
	ASSERT_EQ(setrlimit(RLIMIT_AS, &all), 0);
	flip_to(self, XENMM_PROT_READ_WRITE);
	EXPECT_EQ(count_mappings(), 2);
	use_all_pages(self);
}

/* mremap moves the tables, asks, is refused and moves them back. */
TEST_ARENA(a_move_that_is_refused_changes_nothing)
{
	need_flip();
	prepare_twins(self);
	flip_to(self, XENMM_PROT_READ);
	EXPECT_EQ(mremap(self->base, N * PAGE, N * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			 free_space(N * PAGE)),
		  MAP_FAILED);
	check_pages(self, 0, N, 1);
	expect_read_only(page_at(self, 0));
	flip_to(self, XENMM_PROT_READ_WRITE);
	check_pages(self, 0, N, 1);
	use_all_pages(self);
}
