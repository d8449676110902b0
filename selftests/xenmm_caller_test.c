// SPDX-License-Identifier: GPL-2.0
/*
 * Callers that should get nowhere, or not see what they get: users without privileges,
 * descriptors that are closed under way, pages that were somebody else's. (fork, exec and
 * passed descriptors are xenmm_process_test's, pinning, AIO and io_uring xenmm_gup_test's.)
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xenmm_test.h"

#define DEBUGFS "/sys/kernel/debug/xenmm"

/* ------------------------------------------------------------- without privileges */

/* Given a descriptor, it has an arena like anybody's: within RLIMIT_MEMLOCK. */
static void use_as_nobody(struct arena *arena)
{
	become_nobody();
	arena->base = device_map(arena->fd, arena->pages * PAGE);
	ASSERT_NE(arena->base, MAP_FAILED);
	use_all_pages(arena);
	protect(arena, any_method(), 0, arena->pages, XENMM_PROT_READ);
	expect_read_only(page_at(arena, 0));
	discard(arena, any_method(), 0, arena->pages);
}

TEST(a_user_with_a_descriptor_has_an_arena)
{
	struct arena arena = {.fd = device_open(), .pages = 16};

	EXPECT_EQ(run_child(use_as_nobody, &arena), 0);
}

/* What belongs to others is as far away as without a descriptor. */
static void reach_for_others(struct arena *theirs)
{
	become_nobody();
	EXPECT_EQ(op_pages(theirs, XENMM_IOC_MAP, any_method(), 0, 1, 0), -EPERM);
	EXPECT_EQ(op_pages(theirs, XENMM_IOC_DISCARD, any_method(), 0, 1, 0), -EPERM);
	EXPECT_EQ(ERROR_OF(device_map(theirs->fd, PAGE)), EPERM);
	EXPECT_EQ(ERROR_OF(open(XENMM_DEVICE_PATH, O_RDWR)), EACCES);
	EXPECT_EQ(write_text(FAULT_WINDOW_PATH, "1"), -EACCES);
	EXPECT_EQ(probe_read(theirs->base).signal, SIGSEGV);
}

TEST_ARENA(a_user_without_privileges_reaches_nobody_elses)
{
	prepare(self);
	EXPECT_EQ(run_child(reach_for_others, self), 0);
	expect_intact(self);
}

static void expect_private(const char *name)
{
	char path[sizeof(DEBUGFS) + 256];
	struct stat file;

	snprintf(path, sizeof(path), DEBUGFS "/%s", name);
	test_context("%s", path);
	ASSERT_EQ(stat(path, &file), 0);
	EXPECT_EQ(file.st_mode & 0177, 0); /* neither for a group, nor for others */
	EXPECT_EQ(file.st_uid, 0);
}

TEST(debugfs_is_for_root_alone)
{
	DIR *folder = opendir(DEBUGFS);
	int count = 0;

	ASSERT_TRUE(folder);
	for (struct dirent *entry; (entry = readdir(folder)); count++)
		if (*entry->d_name != '.')
			expect_private(entry->d_name);
	closedir(folder);
	EXPECT_GE(count, 8);
}

static void read_as_nobody(struct arena *unused)
{
	char text[64];

	(void)unused;
	become_nobody();
	EXPECT_EQ(read_text(STATS_PATH, text, sizeof(text)), -EACCES);
	EXPECT_EQ(read_text(SECTIONS_PATH, text, sizeof(text)), -EACCES);
	EXPECT_EQ(write_text(RESET_PATH, "1"), -EACCES);
}

TEST(debugfs_says_nothing_to_others)
{
	EXPECT_EQ(run_child(read_as_nobody, NULL), 0);
}

/* ------------------------------------------------------------------- old content */

#define SECRET 0x7e57

static void leave_secrets(struct arena *unused)
{
	struct arena arena = arena_make(ARENA_PAGES);

	(void)unused;
	fill_pages(&arena, 0, ARENA_PAGES, SECRET);
	protect(&arena,
		is_offered(XENMM_METHOD_FLIP) ? &(struct method){"flip", XENMM_METHOD_FLIP, 0}
					      : any_method(),
		0, ARENA_PAGES / 2, XENMM_PROT_READ);
	discard(&arena, any_method(), 0, ARENA_PAGES / 4);
	ASSERT_EQ(munmap(arena.base, XENMM_SPAN_BYTES), 0);
} /* and the rest by exit */

/* By every method and by touching: frames that were another process's hold zeroes. */
TEST_METHODS(pages_of_others_come_zeroed)
{
	EXPECT_EQ(run_child(leave_secrets, NULL), 0);
	populate(self, method, 0, self->pages / 2);
	check_zero(self, 0, self->pages);
	fill_pages(self, 0, self->pages, SECRET);
	discard(self, method, 0, self->pages);
	check_zero(self, 0, self->pages);
}

/* --------------------------------------------------------------- after the close */

struct race {
	pthread_t thread;
	const struct arena *arena;
	volatile bool started;
};

static void *operate_until_closed(void *argument)
{
	struct race *race = argument;
	int answer = 0;

	while (!answer) {
		answer = op_pages(race->arena, XENMM_IOC_POPULATE, any_method(), 0,
				  race->arena->pages, 0);
		race->started = true;
	}
	EXPECT_EQ(answer, -EBADF);
	return NULL;
}

/* A call under way ends as it should; the mapping lives on. */
TEST(close_during_operations)
{
	for (int i = 0; i < 20; i++) {
		struct arena arena = arena_make(SPAN_PAGES);
		struct race race = {.arena = &arena};

		ASSERT_EQ(pthread_create(&race.thread, NULL, operate_until_closed, &race), 0);
		while (!race.started)
			usleep(100);
		ASSERT_EQ(close(arena.fd), 0);
		ASSERT_EQ(pthread_join(race.thread, NULL), 0);
		use_all_pages(&arena);
		ASSERT_EQ(munmap(arena.base, SPAN_PAGES * PAGE), 0);
	}
}

/* The number of a closed descriptor may be another file's by then. */
TEST(a_closed_descriptor_is_nobodys)
{
	struct arena arena = arena_make(SPAN_PAGES);
	int fd = arena.fd;

	ASSERT_EQ(close(fd), 0);
	EXPECT_EQ(op_pages(&arena, XENMM_IOC_POPULATE, any_method(), 0, 1, 0), -EBADF);
	ASSERT_EQ(open("/dev/null", O_RDWR), fd);
	EXPECT_EQ(op_pages(&arena, XENMM_IOC_POPULATE, any_method(), 0, 1, 0), -ENOTTY);
	use_all_pages(&arena);
	ASSERT_EQ(munmap(arena.base, SPAN_PAGES * PAGE), 0);
	EXPECT_EQ(op_pages(&arena, XENMM_IOC_POPULATE, any_method(), 0, 1, 0), -ENOTTY);
}
