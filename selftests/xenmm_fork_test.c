// SPDX-License-Identifier: GPL-2.0
/*
 * The fork hint: parent and child see what they would have seen without it, whatever kind of
 * memory there is, and whether a fork follows or not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xenmm_test.h"

#define AREA_PAGES (3 * SPAN_PAGES + 100)
#define RW (PROT_READ | PROT_WRITE)

static int hint_by(int fd, struct xenmm_fork *fork)
{
	memset(fork, 0, sizeof(*fork));
	return ioctl(fd, XENMM_IOC_FORK, fork) ? -errno : 0;
}

/* Skips where fork has no traps. */
static struct xenmm_fork hint(void)
{
	struct xenmm_fork fork = {};
	const int answer = hint_fork(&fork);

	if (answer == -EOPNOTSUPP)
		test_skip("no Xen PV guest");
	ASSERT_EQ(answer, 0);
	return fork;
}

/* As an arena, for the functions that fill and check one. */
static struct arena memory_of(size_t pages, int flags, int fd)
{
	struct arena memory = {.fd = -1, .pages = pages};

	memory.base = mmap(NULL, pages * PAGE, RW, flags, fd, 0);
	ASSERT_NE(memory.base, MAP_FAILED);
	return memory;
}

static struct arena private_memory(size_t pages)
{
	return memory_of(pages, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void check_and_change(struct arena *memory)
{
	check_pages(memory, 0, memory->pages, 1);
	fill_pages(memory, 0, memory->pages, 2);
	check_pages(memory, 0, memory->pages, 2);
}

TEST(each_has_its_own_afterwards)
{
	struct arena memory = private_memory(AREA_PAGES);
	struct xenmm_fork fork;

	fill_pages(&memory, 0, memory.pages, 1);
	fork = hint();
	EXPECT_GE(fork.pages, memory.pages);
	EXPECT_GE(fork.tables, 1);
	EXPECT_EQ(run_child(check_and_change, &memory), 0);
	check_and_change(&memory);
}

TEST(without_a_fork_nothing_has_changed)
{
	struct arena memory = private_memory(AREA_PAGES);

	fill_pages(&memory, 0, memory.pages, 1);
	for (int round = 0; round < 3; round++)
		hint();
	check_and_change(&memory);
	fill_pages(&memory, 0, memory.pages, 1);
	EXPECT_GE(hint().pages, memory.pages);
	check_and_change(&memory);
}

/* What was made read-only once is not made so again. */
TEST(a_second_hint_finds_little)
{
	struct arena memory = private_memory(AREA_PAGES);

	fill_pages(&memory, 0, memory.pages, 1);
	hint();
	EXPECT_LE(hint().pages, 64);
}

/* Tables that are not dense, and pages that were never there. */
TEST(few_pages_of_each_table)
{
	struct arena memory = private_memory(AREA_PAGES);

	for (size_t page = 0; page < memory.pages; page += 100)
		fill_pages(&memory, page, 1, 1);
	EXPECT_GE(hint().pages, memory.pages / 100);
	for (size_t page = 0; page < memory.pages; page++)
		check_pages(&memory, page, 1, page % 100 ? 0 : 1);
	fill_pages(&memory, 0, memory.pages, 1);
	check_and_change(&memory);
}

/* Changes by the one must be seen by the other. */
static void write_shared(struct arena *memory)
{
	fill_pages(memory, 0, memory->pages, 2);
}

TEST(shared_memory_stays_shared)
{
	struct arena memory = memory_of(100, MAP_SHARED | MAP_ANONYMOUS, -1);

	fill_pages(&memory, 0, memory.pages, 1);
	hint();
	EXPECT_EQ(run_child(write_shared, &memory), 0);
	check_pages(&memory, 0, memory.pages, 2);
}

TEST(private_pages_of_a_file_stay_private)
{
	int fd = memfd_create("xenmm", MFD_CLOEXEC);
	struct arena memory, file;

	ASSERT_EQ(ftruncate(fd, 100 * PAGE), 0);
	memory = memory_of(100, MAP_PRIVATE, fd);
	file = memory_of(100, MAP_SHARED, fd);
	fill_pages(&memory, 0, 50, 1);
	hint();
	EXPECT_EQ(run_child(write_shared, &memory), 0);
	check_pages(&memory, 0, 50, 1);
	check_zero(&memory, 50, 50);
	check_zero(&file, 0, 100);
}

TEST(locked_and_mergeable_memory)
{
	struct arena memory = private_memory(AREA_PAGES);

	fill_pages(&memory, 0, memory.pages, 1);
	ASSERT_EQ(mlock(memory.base, 100 * PAGE), 0);
	madvise(page_at(&memory, 200), 100 * PAGE, MADV_MERGEABLE); /* where there is KSM */
	madvise(page_at(&memory, 400), 100 * PAGE, MADV_WIPEONFORK);
	madvise(page_at(&memory, 600), 100 * PAGE, MADV_DONTFORK);
	hint();
	check_and_change(&memory);
}

static void expect_wiped(struct arena *memory)
{
	check_pages(memory, 0, 400, 1);
	check_zero(memory, 400, 100);
	check_pages(memory, 500, 100, 1);
}

TEST(advice_for_fork_is_followed)
{
	struct arena memory = private_memory(SPAN_PAGES + 100);

	fill_pages(&memory, 0, 600, 1);
	ASSERT_EQ(madvise(page_at(&memory, 400), 100 * PAGE, MADV_WIPEONFORK), 0);
	hint();
	EXPECT_EQ(run_child(expect_wiped, &memory), 0);
	check_pages(&memory, 0, 600, 1);
}

/* Its write protection is its own: what is not protected there must not become so. */
TEST(areas_of_userfaultfd_are_left_alone)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP};
	struct arena memory = private_memory(100);
	struct uffdio_register area = {
		.range = {(uintptr_t)memory.base, 100 * PAGE},
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	hint();
	fill_pages(&memory, 0, 100, 1);
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &area))
		test_skip("no userfaultfd with write protection");
	EXPECT_LE(hint().pages, 64);
	check_and_change(&memory);
}

TEST(who_may_ask)
{
	struct arena arena = arena_make(10);
	struct xenmm_fork fork = {};
	int fd = device_open();

	hint();
	EXPECT_EQ(hint_by(arena.fd, &fork), -EBUSY);
	fork.flags = 1;
	EXPECT_EQ(ERROR_OF(ioctl(fd, XENMM_IOC_FORK, &fork)), EINVAL);
	EXPECT_EQ(ERROR_OF(ioctl(fd, XENMM_IOC_FORK, NULL)), EFAULT);
	EXPECT_EQ(hint_by(fd, &fork), 0);
	use_all_pages(&arena);
}

static void ask_by_inherited(struct arena *self)
{
	struct xenmm_fork fork = {};

	EXPECT_EQ(hint_by(self->fd, &fork), -EPERM);
}

TEST(a_file_belongs_to_one_process)
{
	struct arena used = {.fd = device_open()};
	struct xenmm_fork fork = {};

	hint();
	ASSERT_EQ(hint_by(used.fd, &fork), 0);
	EXPECT_EQ(run_child(ask_by_inherited, &used), 0);
}

/* --------------------------------------------------------------- while others write */

struct writer {
	struct arena memory;
	pthread_t thread;
	volatile bool ends;
};

/* Each page is read before it is written: a lost write shows. */
static void *keep_writing(void *argument)
{
	struct writer *writer = argument;

	for (unsigned int seed = 1; !writer->ends; seed = seed % 1000 + 1) {
		fill_pages(&writer->memory, 0, writer->memory.pages, seed);
		check_pages(&writer->memory, 0, writer->memory.pages, seed);
	}
	return NULL;
}

static void end_at_once(struct arena *self)
{
	(void)self;
}

TEST(threads_that_write_meanwhile)
{
	struct writer writer = {.memory = private_memory(SPAN_PAGES + 50)};

	hint();
	ASSERT_EQ(pthread_create(&writer.thread, NULL, keep_writing, &writer), 0);
	for (int round = 0; round < 30; round++) {
		hint();
		EXPECT_EQ(run_child(end_at_once, NULL), 0);
	}
	writer.ends = true;
	ASSERT_EQ(pthread_join(writer.thread, NULL), 0);
}
