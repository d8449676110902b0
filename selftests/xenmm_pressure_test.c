// SPDX-License-Identifier: GPL-2.0
/*
 * Memory runs out while arenas are in use: the OOM killer ends a process in the middle of
 * an operation, and Xen's balloon takes memory from the guest and gives other frames back.
 * (Limits that answer ENOMEM are xenmm_account_test's, single failures xenmm_failnth_test's.)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xenmm_test.h"

#define MIB (1UL << 20)

/* ------------------------------------------------------------------ OOM killer */

#define GROUP "/sys/fs/cgroup/xenmm-pressure"
#define GROUP_LIMIT "33554432" /* 32 MiB: less than an arena and a heap */
#define NR_KILLS 6

static void *populate_for_ever(void *argument)
{
	const struct arena *arena = argument;

	for (;;) { /* ENOMEM, mostly */
		op_pages(arena, XENMM_IOC_POPULATE, any_method(), 0, arena->pages, 0);
		op_pages(arena, XENMM_IOC_PROTECT, any_method(), 0, arena->pages, XENMM_PROT_READ);
		op_pages(arena, XENMM_IOC_DISCARD, any_method(), 0, arena->pages, 0);
	}
	return NULL;
}

/* The heap is what the killer is called for: an arena alone would get ENOMEM. */
static void exhaust_group(struct arena *unused)
{
	struct arena arena = arena_make(ARENA_PAGES);
	pthread_t thread;

	(void)unused;
	any_method();
	ASSERT_EQ(write_text(GROUP "/cgroup.procs", "0"), 0);
	ASSERT_EQ(pthread_create(&thread, NULL, populate_for_ever, &arena), 0);
	usleep(20000);
	for (;;)
		memset(mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		       1, MIB);
}

TEST(killed_for_want_of_memory_in_an_operation)
{
	int fd = device_open();
	const struct xenmm_stats before = read_stats(fd);
	struct xenmm_stats after;

	make_memory_group(GROUP, GROUP_LIMIT);
	for (int i = 0; i < NR_KILLS; i++) {
		const int status = run_child(exhaust_group, NULL);

		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	rmdir(GROUP);
	after = read_stats(fd);
	EXPECT_NE(after.pages_allocated, before.pages_allocated);
	EXPECT_EQ(held_pages(&after), held_pages(&before));
	EXPECT_EQ(held_twins(&after), held_twins(&before));
	EXPECT_EQ(after.errors, before.errors);
}

/* --------------------------------------------------------------------- balloon */

#define BALLOON "/sys/devices/system/xen_memory/xen_memory0/"
#define BALLOON_BYTES (32 * MIB)
#define NR_INFLATIONS 3
#define WAIT_MS 20000

static long read_number(const char *path)
{
	char text[64];

	ASSERT_GE(read_text(path, text, sizeof(text)), 1);
	return strtol(text, NULL, 10);
}

/* The guest has this much, or it takes too long. */
static bool reach(long kib)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", kib);
	ASSERT_EQ(write_text(BALLOON "target_kb", text), 0);
	for (int ms = 0; ms < WAIT_MS; ms += 50) {
		if (read_number(BALLOON "info/current_kb") == kib)
			return true;
		usleep(50000);
	}
	return false;
}

struct user {
	pthread_t thread;
	struct arena arena;
	const struct method *method;
	volatile bool stop;
	unsigned long rounds;
};

/* Pages come and go all the time: from the frames that the balloon gives back, too. */
static void *use_for_ever(void *argument)
{
	struct user *user = argument;
	const struct arena *arena = &user->arena;

	while (!user->stop) {
		const unsigned int seed = 1 + user->rounds++ % 1000;

		populate(arena, user->method, 0, arena->pages);
		fill_pages(arena, 0, arena->pages, seed);
		protect(arena, user->method, 0, arena->pages, XENMM_PROT_READ);
		check_pages(arena, 0, arena->pages, seed);
		protect(arena, user->method, 0, arena->pages, XENMM_PROT_READ_WRITE);
		discard(arena, user->method, 0, arena->pages);
	}
	return NULL;
}

static void inflate_and_deflate(long all)
{
	for (int i = 0; i < NR_INFLATIONS; i++) {
		ASSERT_TRUE(reach(all - BALLOON_BYTES / 1024));
		ASSERT_TRUE(reach(all));
	}
}

TEST_METHODS(memory_leaves_and_returns_while_arenas_are_used)
{
	struct user user = {.arena = arena_make(SPAN_PAGES * 2), .method = method};
	long all;

	if (access(BALLOON "target_kb", W_OK))
		test_skip("no balloon: not a guest of Xen");
	all = read_number(BALLOON "info/current_kb");
	use_all_pages(self);
	ASSERT_EQ(pthread_create(&user.thread, NULL, use_for_ever, &user), 0);
	inflate_and_deflate(all);
	user.stop = true;
	ASSERT_EQ(pthread_join(user.thread, NULL), 0);
	EXPECT_NE(user.rounds, 0);
	check_pages(self, 0, self->pages, 0x5a);
	arena_close(&user.arena);
}
