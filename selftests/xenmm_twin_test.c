// SPDX-License-Identifier: GPL-2.0
/*
 * Twins as the program sees them: not at all. Tables that are flipped show the right pages
 * with the right protection whatever was done to the arena; what munmap, mremap, a mapping
 * on top, fork, exit and a limit make of them; and that they go with the arena.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
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

/* Our mappings of the device. */
static size_t count_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[256];
	size_t count = 0;

	ASSERT_TRUE(maps);
	while (fgets(line, sizeof(line), maps))
		count += !!strstr(line, XENMM_DEVICE_PATH);
	fclose(maps);
	return count;
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

/* ------------------------------------------------------------------ nothing to be seen */

TEST_ARENA(flips_make_twins_and_no_mapping)
{
	need_flip();
	populate(self, any_method(), 0, N);
	protect(self, &flip, 0, SPAN_PAGES - 1, XENMM_PROT_READ);
	EXPECT_EQ(twins_now(self->fd), 0); /* no whole table */
	protect(self, &flip, 0, SPAN_PAGES, XENMM_PROT_READ);
	EXPECT_EQ(twins_now(self->fd), 1);
	flip_to(self, XENMM_PROT_READ);
	flip_to(self, XENMM_PROT_READ_WRITE);
	EXPECT_EQ(twins_now(self->fd), NR_TABLES);
	EXPECT_EQ(count_mappings(), 1);
}

/* ----------------------------------------------------------------- shapes */

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

/* ----------------------------------------------------------------------- its end */

static __u64 freed_since(const struct xenmm_stats *before, int fd)
{
	return read_stats(fd).pages_freed - before->pages_freed;
}

TEST(munmap_of_the_arena_takes_the_twins_along)
{
	for (int round = 0; round < 2; round++) {
		struct xenmm_stats before;
		struct arena arena;

		need_flip();
		arena = arena_make(N);
		prepare_twins(&arena);
		if (round) /* tables of ours hang there */
			flip_to(&arena, XENMM_PROT_READ);
		before = read_stats(arena.fd);
		ASSERT_EQ(munmap(arena.base, N * PAGE), 0);
		EXPECT_EQ(freed_since(&before, arena.fd), N);
		EXPECT_EQ(read_stats(arena.fd).teardown_pages - before.teardown_pages, 2 * N);
		EXPECT_EQ(twins_now(arena.fd), 0);
		arena.base = device_map(arena.fd, N * PAGE); /* anew at once */
		ASSERT_NE(arena.base, MAP_FAILED);
		prepare_twins(&arena);
		arena_close(&arena);
	}
	EXPECT_EQ(count_mappings(), 0);
}

TEST_ARENA(munmap_of_a_part_of_the_arena)
{
	need_flip();
	prepare_twins(self);
	flip_to(self, XENMM_PROT_READ);
	ASSERT_EQ(munmap(self->base + XENMM_SPAN_BYTES, XENMM_SPAN_BYTES), 0);
	EXPECT_EQ(twins_now(self->fd), NR_TABLES - 1);
	EXPECT_EQ(op_pages(self, XENMM_IOC_PROTECT, &flip, 0, N, XENMM_PROT_READ_WRITE), -EINVAL);
	protect(self, &flip, 0, SPAN_PAGES, XENMM_PROT_READ_WRITE);
	protect(self, &flip, 2 * SPAN_PAGES, N - 2 * SPAN_PAGES, XENMM_PROT_READ_WRITE);
	check_pages(self, 0, SPAN_PAGES, 1);
	check_pages(self, 2 * SPAN_PAGES, N - 2 * SPAN_PAGES, 1);
	EXPECT_TRUE(can_write(page_at(self, N - 1)));
}

TEST_ARENA(a_mapping_on_top_takes_the_place_of_a_part)
{
	unsigned char *other = self->base + 2 * XENMM_SPAN_BYTES;

	need_flip();
	prepare_twins(self);
	flip_to(self, XENMM_PROT_READ);
	ASSERT_EQ(mmap(other, XENMM_SPAN_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		  other);
	memset(other, 9, XENMM_SPAN_BYTES);
	protect(self, &flip, 0, 2 * SPAN_PAGES, XENMM_PROT_READ_WRITE);
	protect(self, &flip, 3 * SPAN_PAGES, N - 3 * SPAN_PAGES, XENMM_PROT_READ_WRITE);
	check_pages(self, 0, 2 * SPAN_PAGES, 1);
	check_pages(self, 3 * SPAN_PAGES, N - 3 * SPAN_PAGES, 1);
	ASSERT_EQ(munmap(self->base, 2 * XENMM_SPAN_BYTES), 0);
	EXPECT_EQ(other[0], 9);
	EXPECT_EQ(other[XENMM_SPAN_BYTES - 1], 9);
}

TEST_ARENA(a_mapping_on_top_takes_the_place_of_the_whole)
{
	struct xenmm_stats before;

	need_flip();
	prepare_twins(self);
	flip_to(self, XENMM_PROT_READ);
	before = read_stats(self->fd);
	ASSERT_EQ(mmap(self->base, N * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		  self->base);
	memset(self->base, 9, N * PAGE);
	EXPECT_EQ(freed_since(&before, self->fd), N);
	EXPECT_EQ(twins_now(self->fd), 0);
	EXPECT_EQ(status_kb("VmPin"), 0);
	EXPECT_EQ(count_mappings(), 0);
}

/* mremap moves the tables, asks, is refused and moves them back. Twins do not go along. */
TEST_ARENA(a_move_that_is_refused_changes_nothing)
{
	need_flip();
	prepare_twins(self);
	for (int round = 0; round < 4; round++) {
		bool read_only = round % 2;

		flip_to(self, read_only ? XENMM_PROT_READ : XENMM_PROT_READ_WRITE);
		EXPECT_EQ(mremap(self->base, N * PAGE, N * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
				 free_space(N * PAGE)),
			  MAP_FAILED);
		EXPECT_EQ(twins_now(self->fd), 0);
		check_pages(self, 0, N, 1);
		for (size_t page = 0; page < N; page += 77)
			EXPECT_EQ(can_write(page_at(self, page)), !read_only);
		flip_to(self, read_only ? XENMM_PROT_READ_WRITE : XENMM_PROT_READ);
		EXPECT_EQ(twins_now(self->fd), NR_TABLES);
		check_pages(self, 0, N, 1);
	}
	flip_to(self, XENMM_PROT_READ_WRITE);
	use_all_pages(self);
}

static void find_no_mapping(struct arena *unused)
{
	(void)unused;
	EXPECT_EQ(count_mappings(), 0);
}

TEST_ARENA(fork_copies_nothing)
{
	need_flip();
	prepare_twins(self);
	EXPECT_EQ(run_child(find_no_mapping, self), 0);
	check_pages(self, 0, N, 1);
}

static void exit_with_twins(struct arena *unused)
{
	struct arena arena = arena_make(N);

	(void)unused;
	prepare_twins(&arena);
	protect(&arena, &flip, 0, N / 2, XENMM_PROT_READ);
	_exit(0);
}

static void exec_with_twins(struct arena *unused)
{
	struct arena arena = arena_make(N);
	char *const arguments[] = {"true", NULL};

	(void)unused;
	prepare_twins(&arena);
	protect(&arena, &flip, 0, N / 2, XENMM_PROT_READ);
	execv("/bin/true", arguments);
	_exit(0); /* there is none: an exit will do */
}

TEST(exit_and_exec_leave_none)
{
	int fd = device_open();
	struct xenmm_stats before;

	need_flip();
	before = read_stats(fd);
	for (int round = 0; round < 3; round++) {
		EXPECT_EQ(run_child(exit_with_twins, NULL), 0);
		EXPECT_EQ(run_child(exec_with_twins, NULL), 0);
	}
	EXPECT_EQ(twins_now(fd), 0);
	EXPECT_EQ(freed_since(&before, fd), 6 * N);
}

/* A twin is charged as a page is. */
TEST(without_room_in_the_limit_another_method_serves)
{
	struct rlimit tight = {(N + 3) * PAGE, (N + 3) * PAGE};
	struct arena arena;

	need_flip();
	arena = arena_make(N);
	ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &tight), 0);
	become_nobody();
	populate(&arena, any_method(), 0, N);
	fill_pages(&arena, 0, N, 1);
	for (int round = 0; round < 3; round++) {
		flip_to(&arena, XENMM_PROT_READ);
		for (size_t page = 0; page < N; page += 77)
			expect_read_only(page_at(&arena, page));
		flip_to(&arena, XENMM_PROT_READ_WRITE);
		check_pages(&arena, 0, N, 1);
	}
	use_all_pages(&arena);
	EXPECT_LE(status_kb("VmPin"), tight.rlim_cur / 1024);
	arena_close(&arena);
	EXPECT_EQ(status_kb("VmPin"), 0);
}

/* -------------------------------------------------------------- others at the same time */

static void *flip_all_the_time(void *argument)
{
	const struct arena *arena = argument;
	__u32 prot = XENMM_PROT_READ;

	/* -EINVAL: there is a hole now. */
	while (!op_pages(arena, XENMM_IOC_PROTECT, &flip, 0, N, prot))
		prot ^= XENMM_PROT_READ ^ XENMM_PROT_READ_WRITE;
	return NULL;
}

TEST(munmap_while_another_thread_flips)
{
	need_flip();
	for (int round = 0; round < 20; round++) {
		struct arena arena = arena_make(N);
		pthread_t thread;

		prepare_twins(&arena);
		ASSERT_EQ(pthread_create(&thread, NULL, flip_all_the_time, &arena), 0);
		usleep(1000 * round);
		ASSERT_EQ(
			munmap(arena.base + round % NR_TABLES * XENMM_SPAN_BYTES, XENMM_SPAN_BYTES),
			0);
		pthread_join(thread, NULL);
		arena_close(&arena);
	}
}
