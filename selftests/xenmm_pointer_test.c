// SPDX-License-Identifier: GPL-2.0
/*
 * Where the arguments of an ioctl lie: nowhere (EFAULT, nothing changed), in
 * read-only memory, in the arena itself (hazards.md, rule 8); and calls on an
 * arena that is not mapped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xenmm_test.h"

static const unsigned long requests[] = {
	XENMM_IOC_POPULATE, XENMM_IOC_DISCARD, XENMM_IOC_PROTECT, XENMM_IOC_MAP, XENMM_IOC_UNMAP,
};

#define NR_REQUESTS (sizeof(requests) / sizeof(requests[0]))

/* Two pages, the second one inaccessible. */
static unsigned char *half_a_mapping(void)
{
	unsigned char *pages =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(pages, MAP_FAILED);
	ASSERT_EQ(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
	return pages;
}

static struct xenmm_op op_of(unsigned long request, const void *ranges, size_t count)
{
	return (struct xenmm_op){
		.ranges = (uintptr_t)ranges,
		.nr_ranges = count,
		.method = any_method()->number,
		.batch = any_method()->batch,
		.prot = request == XENMM_IOC_PROTECT ? XENMM_PROT_READ : 0,
	};
}

static void fill_arena(const struct arena *arena)
{
	populate(arena, any_method(), 0, arena->pages);
	fill_pages(arena, 0, arena->pages, 1);
}

static void expect_filled(const struct arena *arena)
{
	expect_present(arena, 0, arena->pages);
	check_pages(arena, 0, arena->pages, 1);
	EXPECT_TRUE(can_write(page_at(arena, 0)));
	EXPECT_TRUE(can_write(page_at(arena, arena->pages - 1)));
}

TEST_ARENA(bad_argument_pointers)
{
	unsigned char *half = half_a_mapping();
	void *const bad[] = {NULL,
			     (void *)8,
			     half + PAGE,
			     half + PAGE - 8,
			     (void *)0xffff888000000000,
			     (void *)(1UL << 47),
			     (void *)~7UL};
	struct xenmm_stats before;

	fill_arena(self);
	before = read_stats(self->fd);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		test_context("pointer %p", bad[i]);
		EXPECT_EQ(op_raw(self->fd, XENMM_IOC_INFO, bad[i]), -EFAULT);
		EXPECT_EQ(op_raw(self->fd, XENMM_IOC_STATS, bad[i]), -EFAULT);
		for (size_t j = 0; j < NR_REQUESTS; j++)
			EXPECT_EQ(op_raw(self->fd, requests[j], bad[i]), -EFAULT);
	}
	expect_growth(self->fd, &before, &(struct xenmm_stats){});
	expect_filled(self);
}

TEST_ARENA(bad_range_pointers)
{
	unsigned char *half = half_a_mapping();
	void *const bad[] = {NULL,
			     (void *)8,
			     half + PAGE,
			     half + PAGE - sizeof(struct xenmm_range),
			     (void *)0xffff888000000000,
			     (void *)~7UL};
	struct xenmm_stats before;

	fill_arena(self);
	before = read_stats(self->fd);
	*(struct xenmm_range *)(half + PAGE - sizeof(struct xenmm_range)) = range_of(self, 0, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (size_t j = 0; j < NR_REQUESTS; j++) {
			struct xenmm_op op = op_of(requests[j], bad[i], 2);

			test_context("pointer %p", bad[i]);
			EXPECT_EQ(op_raw(self->fd, requests[j], &op), -EFAULT);
			if (j)
				continue;
			op.nr_ranges = XENMM_MAX_RANGES;
			EXPECT_EQ(op_raw(self->fd, requests[j], &op), -EFAULT);
		}
	}
	expect_growth(self->fd, &before, &(struct xenmm_stats){});
	expect_filled(self);
}

/* The out fields cannot be written: EFAULT, and "on EFAULT nothing was changed". */
TEST_ARENA(argument_in_read_only_memory)
{
	struct xenmm_op *op =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct xenmm_range range = range_of(self, 0, self->pages);
	struct xenmm_stats before;

	fill_arena(self);
	before = read_stats(self->fd);
	for (size_t j = 0; j < NR_REQUESTS; j++) {
		test_context("request %#lx", requests[j]);
		ASSERT_EQ(mprotect(op, PAGE, PROT_READ | PROT_WRITE), 0);
		*op = op_of(requests[j], &range, 1);
		ASSERT_EQ(mprotect(op, PAGE, PROT_READ), 0);
		EXPECT_EQ(op_raw(self->fd, requests[j], op), -EFAULT);
		expect_growth(self->fd, &before, &(struct xenmm_stats){});
		expect_filled(self);
		before = read_stats(self->fd);
	}
}

/* ------------------------------------------------- arguments in the arena itself */

static void set_method(struct xenmm_op *op, unsigned long request, const struct method *method)
{
	op->method = method_for(method, request)->number;
	op->batch = method_for(method, request)->batch;
}

/* Page 0 has the argument, pages 1 and 2 the ranges; each range is one page. */
static struct xenmm_op *op_inside(const struct arena *arena, unsigned long request,
				  const struct method *method, size_t first)
{
	struct xenmm_op *op = (struct xenmm_op *)page_at(arena, 0);
	struct xenmm_range *ranges = (struct xenmm_range *)page_at(arena, 1);
	size_t count = 2 * PAGE / sizeof(*ranges);

	for (size_t i = 0; i < count; i++)
		ranges[i] = range_of(arena, first + i, 1);
	*op = op_of(request, ranges, count);
	set_method(op, request, method);
	return op;
}

TEST_METHODS(arguments_in_the_arena)
{
	const size_t first = 600, count = 2 * PAGE / sizeof(struct xenmm_range);

	for (size_t j = 0; j < NR_REQUESTS; j++) {
		struct xenmm_op *op = op_inside(self, requests[j], method, first);

		test_context("request %#lx", requests[j]);
		EXPECT_EQ(op_raw(self->fd, requests[j], op), 0);
		EXPECT_EQ(op->pages_done, count);
	}
	protect(self, method, first, count, XENMM_PROT_READ_WRITE);
	use_all_pages(self);
}

/* Arguments that have no entry yet, so that copying them faults. */
TEST_METHODS(arguments_in_unmapped_pages_of_the_arena)
{
	for (size_t j = 0; j < NR_REQUESTS; j++) {
		struct xenmm_op *op = op_inside(self, requests[j], method, 1000);

		test_context("request %#lx", requests[j]);
		unmap(self, method, 0, 3);
		EXPECT_EQ(op_raw(self->fd, requests[j], op), 0);
	}
	protect(self, method, 0, self->pages, XENMM_PROT_READ_WRITE);
	use_all_pages(self);
}

/* The page that its own argument lies in: it faults in again for the answer. */
TEST_METHODS(operations_on_their_own_arguments)
{
	struct xenmm_range *range = (struct xenmm_range *)(page_at(self, 0) + 1024);
	struct xenmm_op *op = (struct xenmm_op *)page_at(self, 0);

	for (size_t j = 0; j < NR_REQUESTS; j++) {
		if (requests[j] == XENMM_IOC_PROTECT)
			continue;
		test_context("request %#lx", requests[j]);
		*range = range_of(self, 0, 8);
		*op = op_of(requests[j], range, 1);
		set_method(op, requests[j], method);
		EXPECT_EQ(op_raw(self->fd, requests[j], op), 0);
		EXPECT_EQ(op->pages_done, 8);
	}
	use_all_pages(self);
}

/* Made read-only, it cannot take the answer: EFAULT after the work is done. */
TEST_METHODS(protect_of_its_own_argument)
{
	struct xenmm_op *op = (struct xenmm_op *)page_at(self, 0);
	struct xenmm_range range = range_of(self, 0, 8);

	*op = op_of(XENMM_IOC_PROTECT, &range, 1);
	set_method(op, XENMM_IOC_PROTECT, method);
	EXPECT_EQ(op_raw(self->fd, XENMM_IOC_PROTECT, op), -EFAULT);
	for (size_t page = 0; page < 8; page++)
		expect_read_only(page_at(self, page));
	EXPECT_EQ(op->pages_done, 0);
	EXPECT_TRUE(can_write(page_at(self, 8)));
	protect(self, method, 0, 8, XENMM_PROT_READ_WRITE);
	use_all_pages(self);
}

/* --------------------------------------------------------------- no mapping */

TEST(operations_before_mmap)
{
	struct xenmm_range range = {XENMM_SPAN_BYTES, PAGE};
	int fd = device_open();
	struct xenmm_stats before = read_stats(fd);

	for (size_t j = 0; j < NR_REQUESTS; j++) {
		struct xenmm_op op = op_of(requests[j], &range, 1);

		test_context("request %#lx", requests[j]);
		EXPECT_EQ(op_raw(fd, requests[j], &op), -EINVAL);
	}
	expect_growth(fd, &before, &(struct xenmm_stats){});
}

TEST(operations_after_munmap)
{
	struct arena arena = arena_make(64);
	struct xenmm_range range = range_of(&arena, 0, 1);
	struct xenmm_stats before;

	use_all_pages(&arena);
	ASSERT_EQ(munmap(arena.base, 64 * PAGE), 0);
	before = read_stats(arena.fd);
	for (size_t j = 0; j < NR_REQUESTS; j++) {
		struct xenmm_op op = op_of(requests[j], &range, 1);

		test_context("request %#lx", requests[j]);
		EXPECT_EQ(op_raw(arena.fd, requests[j], &op), -EINVAL);
	}
	expect_growth(arena.fd, &before, &(struct xenmm_stats){});
}

/* The most that one call takes. */
TEST(as_many_ranges_as_there_may_be)
{
	struct xenmm_range *ranges = calloc(XENMM_MAX_RANGES, sizeof(*ranges));
	struct arena arena = arena_make(XENMM_MAX_RANGES);

	ASSERT_TRUE(ranges);
	for (size_t i = 0; i < XENMM_MAX_RANGES; i++)
		ranges[i] = range_of(&arena, i, 1);
	EXPECT_EQ(op_ranges(&arena, XENMM_IOC_MAP, any_method(), ranges, XENMM_MAX_RANGES, 0), 0);
	EXPECT_EQ(op_ranges(&arena, XENMM_IOC_UNMAP, any_method(), ranges, XENMM_MAX_RANGES, 0), 0);
	check_zero(&arena, 12345, 1);
	arena_close(&arena);
}
