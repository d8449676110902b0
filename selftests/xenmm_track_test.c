// SPDX-License-Identifier: GPL-2.0
/*
 * Write tracking: every written page is told, once, whoever writes; nothing else is, and
 * nothing is lost when it cannot be told.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xenmm_test.h"

#define ROOM 64

static void track(const struct arena *arena, const struct method *method, size_t first,
		  size_t pages)
{
	ASSERT_EQ(op_pages(arena, XENMM_IOC_TRACK, method, first, pages, 0), 0);
}

static void untrack(const struct arena *arena, const struct method *method, size_t first,
		    size_t pages)
{
	ASSERT_EQ(op_pages(arena, XENMM_IOC_UNTRACK, method, first, pages, 0), 0);
}

static int collect(const struct arena *arena, struct xenmm_collect *collect)
{
	return ioctl(arena->fd, XENMM_IOC_COLLECT, collect) ? -errno : 0;
}

static struct xenmm_collect question(const struct arena *arena, size_t first, size_t pages,
				     struct xenmm_range *ranges, __u32 room)
{
	return (struct xenmm_collect){
		.start = (uintptr_t)page_at(arena, first),
		.length = pages * PAGE,
		.ranges = (uintptr_t)ranges,
		.max_ranges = room,
	};
}

/* Exactly these pages, ascending, were written in the whole arena; -1 ends them. */
static void expect_written(const struct arena *arena, const int *pages)
{
	struct xenmm_range ranges[ROOM];
	struct xenmm_collect ask = question(arena, 0, arena->pages, ranges, ROOM);
	size_t told = 0;

	ASSERT_EQ(collect(arena, &ask), 0);
	EXPECT_EQ(ask.resume, ask.start + ask.length);
	for (__u32 i = 0; i < ask.nr_ranges; i++)
		for (__u64 at = ranges[i].start; at < ranges[i].start + ranges[i].length;
		     at += PAGE, told++) {
			if (pages[told] < 0)
				break;
			EXPECT_EQ((at - ask.start) / PAGE, pages[told]);
		}
	EXPECT_EQ(pages[told], -1);
	EXPECT_EQ(ask.pages, told);
}

#define EXPECT_WRITTEN(arena, ...) expect_written(arena, (const int[]){__VA_ARGS__})

TEST_METHODS(each_written_page_is_told_once)
{
	populate(self, any_method(), 0, self->pages);
	fill_pages(self, 0, self->pages, 1);
	track(self, method, 0, self->pages);
	EXPECT_WRITTEN(self, -1);
	for (int round = 1; round <= 2; round++) {
		__u64 noted = read_stats(self->fd).writes_noted;

		fill_pages(self, 5, 3, round);
		fill_pages(self, 5, 1, 9);
		fill_pages(self, 511, 2, round);
		fill_pages(self, 4095, 1, round);
		EXPECT_EQ(read_stats(self->fd).writes_noted - noted, 6);
		EXPECT_WRITTEN(self, 5, 6, 7, 511, 512, 4095, -1);
		EXPECT_WRITTEN(self, -1);
		check_pages(self, 5, 1, 9);
		check_pages(self, 6, 2, round);
	}
	check_pages(self, 8, 503, 1);
	untrack(self, method, 0, self->pages);
	fill_pages(self, 0, 10, 2);
	EXPECT_WRITTEN(self, -1);
	use_all_pages(self);
}

TEST_METHODS(a_page_that_comes_by_a_fault_is_tracked)
{
	ASSERT_EQ(set_fault_window(16), 0);
	track(self, method, 0, self->pages);
	check_zero(self, 1000, 40);
	EXPECT_WRITTEN(self, -1);
	*page_at(self, 1001) = 1;
	*page_at(self, 2001) = 1;
	EXPECT_WRITTEN(self, 1001, 2001, -1);
}

TEST_ARENA(who_writes_does_not_matter)
{
	int ends[2];

	populate(self, any_method(), 0, self->pages);
	track(self, any_method(), 0, self->pages);
	ASSERT_EQ(pipe(ends), 0);
	ASSERT_EQ(write(ends[1], "text", 4), 4);
	ASSERT_EQ(read(ends[0], page_at(self, 700), 4), 4);
	EXPECT_WRITTEN(self, 700, -1);
	ASSERT_EQ(write(ends[1], page_at(self, 701), 4), 4); /* which reads it */
	EXPECT_WRITTEN(self, -1);
}

TEST_ARENA(what_does_not_fit_comes_next)
{
	struct xenmm_range one;
	struct xenmm_collect ask = question(self, 0, self->pages, &one, 1);

	populate(self, any_method(), 0, self->pages);
	track(self, any_method(), 0, self->pages);
	fill_pages(self, 100, 2, 1);
	fill_pages(self, 3000, 1, 1);
	ASSERT_EQ(collect(self, &ask), 0);
	EXPECT_EQ(ask.nr_ranges, 1);
	EXPECT_EQ(ask.pages, 2);
	EXPECT_EQ(one.start, (uintptr_t)page_at(self, 100));
	EXPECT_EQ(ask.resume, (uintptr_t)page_at(self, 3000));
	EXPECT_WRITTEN(self, 3000, -1);
}

/* More than the kernel looks at in one go. */
TEST_ARENA(many_ranges_come_in_one_call)
{
	static struct xenmm_range ranges[ARENA_PAGES / 2];
	struct xenmm_collect ask = question(self, 0, self->pages, ranges, ARENA_PAGES / 2);

	populate(self, any_method(), 0, self->pages);
	track(self, any_method(), 0, self->pages);
	for (size_t page = 1; page < self->pages; page += 2)
		*page_at(self, page) = 1;
	ASSERT_EQ(collect(self, &ask), 0);
	EXPECT_EQ(ask.nr_ranges, self->pages / 2);
	EXPECT_EQ(ask.pages, self->pages / 2);
	EXPECT_EQ(ask.resume, ask.start + ask.length);
	for (size_t i = 0; i < self->pages / 2; i++)
		ASSERT_EQ(ranges[i].start, (uintptr_t)page_at(self, 2 * i + 1));
	EXPECT_WRITTEN(self, -1);
}

TEST_ARENA(what_cannot_be_told_is_kept)
{
	struct xenmm_collect ask = question(self, 0, self->pages, NULL, 8);

	populate(self, any_method(), 0, self->pages);
	track(self, any_method(), 0, self->pages);
	fill_pages(self, 7, 1, 1);
	EXPECT_EQ(collect(self, &ask), -EFAULT);
	EXPECT_WRITTEN(self, 7, -1);
}

/* The answer is a write, too, and none may stop at the lock that collecting holds. */
TEST_ARENA(the_answer_may_lie_in_the_arena)
{
	struct xenmm_range *ranges = (struct xenmm_range *)page_at(self, 20);
	struct xenmm_collect ask = question(self, 0, self->pages, ranges, 8);

	populate(self, any_method(), 0, self->pages);
	track(self, any_method(), 0, self->pages);
	fill_pages(self, 7, 1, 1);
	ASSERT_EQ(collect(self, &ask), 0);
	EXPECT_EQ(ranges->start, (uintptr_t)page_at(self, 7));
	EXPECT_WRITTEN(self, 20, -1);
}

TEST_METHODS(discard_is_a_write_of_zeroes)
{
	populate(self, any_method(), 0, 520);
	track(self, method, 0, self->pages);
	discard(self, any_method(), 518, 10);
	EXPECT_WRITTEN(self, 518, 519, -1);
	check_zero(self, 518, 10);
	EXPECT_WRITTEN(self, -1);
	unmap(self, any_method(), 0, self->pages);
	map(self, any_method(), 0, self->pages);
	EXPECT_WRITTEN(self, -1);
}

TEST_METHODS(tracking_and_protection_keep_apart)
{
	populate(self, any_method(), 0, self->pages);
	track(self, method, 600, 10);
	EXPECT_EQ(op_pages(self, XENMM_IOC_PROTECT, any_method(), 0, 601, XENMM_PROT_READ), -EBUSY);
	protect(self, any_method(), 0, 600, XENMM_PROT_READ);
	EXPECT_EQ(op_pages(self, XENMM_IOC_TRACK, method, 599, 2, 0), -EACCES);
	EXPECT_EQ(op_pages(self, XENMM_IOC_UNTRACK, method, 599, 2, 0), -EACCES);
	expect_read_only(page_at(self, 599));
	fill_pages(self, 600, 1, 1);
	EXPECT_WRITTEN(self, 600, -1);
}

TEST_ARENA(bad_questions_are_refused)
{
	struct xenmm_range ranges[ROOM];
	const struct xenmm_collect good = question(self, 0, self->pages, ranges, ROOM);
	struct xenmm_collect bad[] = {good, good, good, good, good, good, good, good};

	bad[0].start++;
	bad[1].length++;
	bad[2].length = 0;
	bad[3].max_ranges = 0;
	bad[4].max_ranges = XENMM_MAX_COLLECT + 1;
	bad[5].flags = 1;
	bad[6].reserved[1] = 1;
	bad[7].start -= PAGE;
	track(self, any_method(), 0, self->pages);
	*page_at(self, 3) = 1;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		test_context("%zu", i);
		EXPECT_EQ(collect(self, &bad[i]), -EINVAL);
	}
	EXPECT_EQ(ERROR_OF(ioctl(self->fd, XENMM_IOC_COLLECT, NULL)), EFAULT);
	EXPECT_WRITTEN(self, 3, -1);
}

static void collect_as_another(struct arena *self)
{
	struct xenmm_range ranges[ROOM];
	struct xenmm_collect ask = question(self, 0, self->pages, ranges, ROOM);
	int none = -1;

	EXPECT_EQ(collect(self, &ask), -EPERM);
	EXPECT_EQ(ERROR_OF(ioctl(self->fd, XENMM_IOC_NOTIFY, &none)), EPERM);
}

TEST_ARENA(another_process_is_told_nothing)
{
	track(self, any_method(), 0, self->pages);
	*page_at(self, 3) = 1;
	EXPECT_EQ(run_child(collect_as_another, self), 0);
	EXPECT_WRITTEN(self, 3, -1);
}

static __u64 told_by(int event)
{
	struct pollfd wait = {.fd = event, .events = POLLIN};
	__u64 count = 0;

	if (poll(&wait, 1, 0) == 1)
		ASSERT_EQ(read(event, &count, sizeof(count)), sizeof(count));
	return count;
}

TEST_ARENA(an_eventfd_counts_first_writes)
{
	int event = eventfd(0, EFD_CLOEXEC), none = -1, file = self->fd;

	populate(self, any_method(), 0, self->pages);
	track(self, any_method(), 0, self->pages);
	ASSERT_EQ(ioctl(self->fd, XENMM_IOC_NOTIFY, &event), 0);
	EXPECT_EQ(told_by(event), 0);
	fill_pages(self, 10, 3, 1);
	fill_pages(self, 10, 3, 2);
	EXPECT_EQ(told_by(event), 3);
	EXPECT_WRITTEN(self, 10, 11, 12, -1);
	fill_pages(self, 11, 1, 3);
	EXPECT_EQ(told_by(event), 1);
	EXPECT_EQ(ERROR_OF(ioctl(self->fd, XENMM_IOC_NOTIFY, &file)), EINVAL);
	EXPECT_EQ(ERROR_OF(ioctl(self->fd, XENMM_IOC_NOTIFY, NULL)), EFAULT);
	ASSERT_EQ(ioctl(self->fd, XENMM_IOC_NOTIFY, &none), 0);
	fill_pages(self, 20, 1, 3);
	EXPECT_EQ(told_by(event), 0);
	close(event);
}

/* ------------------------------------------------------------ while others write */

#define SHARED_PAGES 64UL

struct race {
	struct arena *arena;
	volatile bool is_over;
	volatile __u64 written; /* rounds that the writer has finished */
};

/* Each page gets a number that only grows. */
static void *keep_writing(void *argument)
{
	struct race *race = argument;

	for (__u64 value = 1; !race->is_over; value++) {
		for (size_t page = 0; page < SHARED_PAGES; page++)
			*(volatile __u64 *)page_at(race->arena, page) = value;
		race->written = value;
	}
	return NULL;
}

/* Pages that were told get their present content copied, as a checkpoint does. */
static void copy_written(const struct arena *arena, __u64 *copy)
{
	struct xenmm_range ranges[ROOM];
	struct xenmm_collect ask = question(arena, 0, arena->pages, ranges, ROOM);

	ASSERT_EQ(collect(arena, &ask), 0);
	for (__u32 i = 0; i < ask.nr_ranges; i++)
		for (__u64 at = ranges[i].start; at < ranges[i].start + ranges[i].length;
		     at += PAGE)
			copy[(at - ask.start) / PAGE] = *(volatile __u64 *)(uintptr_t)at;
}

/* In the end the copy holds what the pages hold: no write went by without a word. */
TEST_METHODS(no_write_is_missed)
{
	struct race race = {.arena = self};
	__u64 copy[SHARED_PAGES] = {};
	pthread_t writer;

	populate(self, any_method(), 0, self->pages);
	track(self, method, 0, self->pages);
	ASSERT_EQ(pthread_create(&writer, NULL, keep_writing, &race), 0);
	for (int round = 0; round < 200 || race.written < 20; round++)
		copy_written(self, copy);
	race.is_over = true;
	ASSERT_EQ(pthread_join(writer, NULL), 0);
	copy_written(self, copy);
	for (size_t page = 0; page < SHARED_PAGES; page++)
		EXPECT_EQ(copy[page], *(volatile __u64 *)page_at(self, page));
}
