// SPDX-License-Identifier: GPL-2.0
/*
 * Run last: with no arena open, every page that was ever allocated has been given
 * back, and Xen refused nothing, in all the tests before and in the ways to end here.
 * (Not named after leaks: the lab takes that word in a console for the kernel's.)
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xenmm_test.h"

static void expect_nothing_held(void)
{
	int fd = device_open();
	struct xenmm_stats stats = read_stats(fd);

	EXPECT_EQ(held_pages(&stats), 0);
	close(fd);
}

TEST(nothing_is_held_after_all_tests)
{
	expect_nothing_held();
}

TEST(xen_refused_nothing_in_all_tests)
{
	struct xenmm_stats stats = read_stats(device_open());

	EXPECT_EQ(stats.errors, 0);
	EXPECT_EQ(stats.partial_batches, 0);
}

static void exit_while_mapped(struct arena *unused)
{
	struct arena arena = arena_make(ARENA_PAGES);

	(void)unused;
	use_all_pages(&arena);
	unmap(&arena, any_method(), 100, 1000);
	protect(&arena, any_method(), 0, 2000, XENMM_PROT_READ);
}

TEST(exit_gives_pages_back)
{
	EXPECT_EQ(run_child(exit_while_mapped, NULL), 0);
	expect_nothing_held();
}

static void be_killed(struct arena *unused)
{
	exit_while_mapped(unused);
	raise(SIGKILL);
}

TEST(sigkill_gives_pages_back)
{
	EXPECT_EQ(WTERMSIG(run_child(be_killed, NULL)), SIGKILL);
	expect_nothing_held();
}

static void work_for_ever(const struct method *method)
{
	struct arena arena = arena_make(ARENA_PAGES);

	for (;;) {
		populate(&arena, method, 0, ARENA_PAGES);
		protect(&arena, method, 0, ARENA_PAGES, XENMM_PROT_READ);
		discard(&arena, method, 0, ARENA_PAGES);
	}
}

/* Killed at many moments of an operation. */
TEST_METHODS(sigkill_during_an_operation)
{
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();

		ASSERT_GE(child, 0);
		if (!child)
			work_for_ever(method);
		usleep(1000 + 1700 * i);
		kill(child, SIGKILL);
		ASSERT_EQ(waitpid(child, NULL, 0), child);
	}
	expect_nothing_held();
}

TEST(many_arenas)
{
	struct arena arenas[50];

	for (int i = 0; i < 50; i++) {
		arenas[i] = arena_make(100 + i);
		fill_pages(&arenas[i], 0, 100 + i, i + 1);
	}
	for (int i = 0; i < 50; i++)
		check_pages(&arenas[i], 0, 100 + i, i + 1);
	for (int i = 0; i < 50; i += 2)
		arena_close(&arenas[i]);
	for (int i = 1; i < 50; i += 2) {
		check_pages(&arenas[i], 0, 100 + i, i + 1);
		arena_close(&arenas[i]);
	}
	expect_nothing_held();
}
