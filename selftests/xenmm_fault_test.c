// SPDX-License-Identifier: GPL-2.0
/*
 * Demand faults: the window of pages that one fault maps, its clipping at the ends
 * of an arena, protection and counters. Tests set the window themselves and put
 * the module's default (16) back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xenmm_test.h"

#define DEFAULT_WINDOW 16

static const unsigned int windows[] = {1, 16, 512};
#define NR_WINDOWS (sizeof(windows) / sizeof(windows[0]))

static void use_window(unsigned int pages)
{
	test_context("window %u", pages);
	ASSERT_EQ(set_fault_window(pages), 0);
	ASSERT_EQ(read_info().fault_window, pages);
}

/* A window of fresh pages was served by `faults` faults. */
static struct xenmm_stats fault_growth(size_t faults, size_t pages)
{
	bool native = is_native(any_method());

	return (struct xenmm_stats){
		.faults = faults,
		.fault_around_pages = pages - faults,
		.pages_mapped = pages,
		.pages_allocated = pages,
		.native_stores = native ? pages : 0,
		.mmu_updates = native ? 0 : pages,
		.hypercalls = native ? 0 : faults,
	};
}

/* One touch of `page` maps exactly [first, first + pages). */
static void expect_window(struct arena *arena, size_t page, size_t first, size_t pages)
{
	struct xenmm_stats before = read_stats(arena->fd);
	struct xenmm_stats growth = fault_growth(1, pages);

	*page_at(arena, page) = 1;
	expect_growth(arena->fd, &before, &growth);
	expect_absent(arena, 0, first);
	expect_present(arena, first, pages);
	expect_absent(arena, first + pages, arena->pages - first - pages);
	discard(arena, any_method(), 0, arena->pages);
}

TEST_ARENA(windows_are_aligned)
{
	static const size_t touched[] = {0, 1, 15, 16, 100, 511, 512, 1000, 4095};

	for (size_t i = 0; i < NR_WINDOWS; i++) {
		use_window(windows[i]);
		for (size_t j = 0; j < sizeof(touched) / sizeof(touched[0]); j++)
			expect_window(self, touched[j], touched[j] & ~(windows[i] - 1UL),
				      windows[i]);
	}
	set_fault_window(DEFAULT_WINDOW);
}

/* With nothing behind it: once in 512 times the kernel puts one right below another mapping. */
static struct arena arena_alone(size_t pages)
{
	struct arena arena = {.fd = device_open(), .pages = pages};
	unsigned char *space = free_space((pages + 1) * PAGE);

	arena.base = mmap(space, pages * PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_FIXED_NOREPLACE, arena.fd, 0);
	ASSERT_EQ(arena.base, space);
	return arena;
}

/* Arenas that end inside a table, and inside a window. */
TEST(windows_are_clipped_at_the_end)
{
	static const size_t lengths[] = {1, 5, 16, 17, 511, 513, 517, 1030};

	for (size_t i = 0; i < NR_WINDOWS; i++) {
		for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++) {
			struct arena arena = arena_alone(lengths[j]);
			size_t last = lengths[j] - 1, first = last & ~(windows[i] - 1UL);

			use_window(windows[i]);
			expect_window(&arena, last, first, lengths[j] - first);
			EXPECT_EQ(probe_write(page_at(&arena, lengths[j]), 1).signal, SIGSEGV);
			use_all_pages(&arena);
			arena_close(&arena);
		}
	}
	set_fault_window(DEFAULT_WINDOW);
}

TEST_ARENA(every_page_by_faults)
{
	for (size_t i = 0; i < NR_WINDOWS; i++) {
		struct xenmm_stats before = read_stats(self->fd);
		struct xenmm_stats growth = fault_growth(self->pages / windows[i], self->pages);

		use_window(windows[i]);
		check_zero(self, 0, self->pages);
		expect_growth(self->fd, &before, &growth);
		use_all_pages(self);
		discard(self, any_method(), 0, self->pages);
	}
	set_fault_window(DEFAULT_WINDOW);
}

TEST_ARENA(a_fault_keeps_what_is_there)
{
	struct xenmm_stats before;

	use_window(16);
	populate(self, any_method(), 0, 16);
	fill_pages(self, 0, 16, 1);
	unmap(self, any_method(), 0, 8);
	discard(self, any_method(), 2, 2);
	before = read_stats(self->fd);
	check_pages(self, 0, 1, 1);
	EXPECT_EQ(read_stats(self->fd).pages_mapped - before.pages_mapped, 8);
	EXPECT_EQ(read_stats(self->fd).pages_allocated - before.pages_allocated, 2);
	expect_present(self, 0, 16);
	check_pages(self, 0, 2, 1);
	check_zero(self, 2, 2);
	check_pages(self, 4, 12, 1);
	set_fault_window(DEFAULT_WINDOW);
}

TEST_ARENA(a_window_keeps_protection)
{
	use_window(512);
	protect(self, any_method(), 10, 20, XENMM_PROT_READ);
	*page_at(self, 0) = 1;
	expect_present(self, 0, 512);
	expect_absent(self, 512, self->pages - 512);
	for (size_t page = 0; page < 512; page++)
		ASSERT_EQ(can_write(page_at(self, page)), page < 10 || page >= 30);
	for (size_t page = 10; page < 30; page++)
		expect_read_only(page_at(self, page));
	set_fault_window(DEFAULT_WINDOW);
}

TEST_ARENA(a_refused_write_brings_no_page)
{
	struct xenmm_stats before;

	use_window(16);
	protect(self, any_method(), 0, self->pages, XENMM_PROT_READ);
	before = read_stats(self->fd);
	EXPECT_EQ(probe_write(page_at(self, 77), 1).signal, SIGSEGV);
	expect_growth(self->fd, &before, &(struct xenmm_stats){});
	expect_absent(self, 0, self->pages);
	check_zero(self, 77, 1);
	expect_read_only(page_at(self, 77));
	set_fault_window(DEFAULT_WINDOW);
}

/* The kernel's own accesses fault pages in, and fail cleanly on read-only ones. */
TEST_ARENA(faults_of_system_calls)
{
	int ends[2];
	char text[8] = "";

	ASSERT_EQ(pipe(ends), 0);
	EXPECT_EQ(write(ends[1], page_at(self, 600), 4), 4);
	EXPECT_EQ(read(ends[0], page_at(self, 700), 4), 4);
	check_zero(self, 600, 1);
	check_zero(self, 700, 1);
	protect(self, any_method(), 700, 1, XENMM_PROT_READ);
	EXPECT_EQ(write(ends[1], "text", 4), 4);
	EXPECT_EQ(read(ends[0], page_at(self, 700), 4), -1);
	EXPECT_EQ(errno, EFAULT);
	check_zero(self, 700, 1);
	EXPECT_EQ(read(ends[0], text, 4), 4);
}

TEST(bad_windows_are_refused)
{
	static const char *const bad[] = {"0",	 "3",	       "15", "1024", "-1",
					  "513", "4294967296", "x",  ""};

	ASSERT_EQ(set_fault_window(64), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		test_context("'%s'", bad[i]);
		if (*bad[i]) /* the kernel sees no write of length 0 */
			EXPECT_LE(write_text(FAULT_WINDOW_PATH, bad[i]), -1);
		EXPECT_EQ(read_info().fault_window, 64);
	}
	EXPECT_EQ(set_fault_window(0), -EINVAL);
	EXPECT_EQ(set_fault_window(3), -EINVAL);
	EXPECT_EQ(set_fault_window(1024), -EINVAL);
	EXPECT_EQ(set_fault_window(DEFAULT_WINDOW), 0);
}

TEST(good_windows_are_taken)
{
	char text[16];

	for (unsigned int pages = 1; pages <= 512; pages *= 2) {
		use_window(pages);
		ASSERT_GE(read_text(FAULT_WINDOW_PATH, text, sizeof(text)), 1);
		EXPECT_EQ(strtoul(text, NULL, 10), pages);
	}
	set_fault_window(DEFAULT_WINDOW);
}
