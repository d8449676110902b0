// SPDX-License-Identifier: GPL-2.0
/*
 * What other modules are offered (include/driver/xenmm.h), seen through the example in
 * selftests/sample: which pages are mapped, what is told of each, held against what the
 * kernel's own loop makes of the same question.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uapi/xenmm_sample.h"
#include "xenmm_test.h"

#define AREA_PAGES 4096U
#define BAD_EVERY 7

static const __u32 ways[] = {XENMM_SAMPLE_BY_XENMM, XENMM_SAMPLE_BY_KERNEL};

static __s32 results[XENMM_SAMPLE_PAGES];

/* An area of the sample's, as an arena: fd, base, pages. */
static struct arena area_make(void)
{
	struct arena area = {.fd = open(XENMM_SAMPLE_PATH, O_RDWR), .pages = AREA_PAGES};

	if (area.fd < 0)
		test_skip("xenmm_sample.ko is not loaded");
	area.base = device_map(area.fd, AREA_PAGES * PAGE);
	ASSERT_NE(area.base, MAP_FAILED);
	return area;
}

static struct xenmm_sample_op make_sample_op(const struct arena *area, __u32 way, size_t first,
					     __u32 count)
{
	return (struct xenmm_sample_op){.start = (uintptr_t)page_at(area, first),
					.results = (uintptr_t)results,
					.count = count,
					.way = way};
}

/* Skips where the kernel has no such way; 0 or errno otherwise. */
static int ask(const struct arena *area, unsigned long request, struct xenmm_sample_op *op)
{
	const int error = ERROR_OF(ioctl(area->fd, request, op));

	if (error == EOPNOTSUPP)
		test_skip("no Xen PV guest");
	return error;
}

static __s32 lend(const struct arena *area, __u32 way, size_t first, __u32 count)
{
	struct xenmm_sample_op op = make_sample_op(area, way, first, count);

	memset(results, 0xff, sizeof(results));
	ASSERT_EQ(ask(area, XENMM_SAMPLE_MAP, &op), 0);
	return op.mapped;
}

static void take_back(const struct arena *area, __u32 way, size_t first, __u32 count)
{
	struct xenmm_sample_op op = make_sample_op(area, way, first, count);

	ASSERT_EQ(ask(area, XENMM_SAMPLE_UNMAP, &op), 0);
}

static __u64 number_in(const struct arena *area, size_t page)
{
	return *(volatile __u64 *)page_at(area, page);
}

/* Those pages, each in its place, and none beside. */
static void expect_lent(const struct arena *area, size_t first, size_t end)
{
	for (size_t page = 0; page < area->pages; page++) {
		const bool is_lent = page >= first && page < end;

		ASSERT_EQ(probe_read(page_at(area, page)).signal, is_lent ? 0 : SIGBUS);
		if (is_lent)
			ASSERT_EQ(number_in(area, page), page);
	}
}

static void expect_results(__u32 count, int wanted)
{
	for (__u32 i = 0; i < count; i++)
		ASSERT_EQ(results[i], wanted);
}

static void lend_and_take_back(const struct arena *area, __u32 to_lend, __u32 to_take_back)
{
	EXPECT_EQ(lend(area, to_lend, 5, 1300), 1300);
	expect_results(1300, 0);
	expect_lent(area, 5, 1305);
	take_back(area, to_take_back, 5, 1000);
	expect_lent(area, 1005, 1305);
	take_back(area, to_take_back, 0, AREA_PAGES);
	expect_lent(area, 0, 0);
}

TEST(each_page_is_in_its_place)
{
	struct arena area = area_make();

	lend_and_take_back(&area, XENMM_SAMPLE_BY_XENMM, XENMM_SAMPLE_BY_XENMM);
}

TEST(what_one_way_maps_the_other_unmaps)
{
	struct arena area = area_make();

	for (size_t i = 0; i < 2; i++)
		lend_and_take_back(&area, ways[i], ways[1 - i]);
}

TEST(writes_reach_the_drivers_pages)
{
	struct arena area = area_make();

	EXPECT_EQ(lend(&area, XENMM_SAMPLE_BY_XENMM, 0, 600), 600);
	*(volatile __u64 *)(page_at(&area, 599) + 8) = 4711;
	take_back(&area, XENMM_SAMPLE_BY_XENMM, 0, 600);
	EXPECT_EQ(lend(&area, XENMM_SAMPLE_BY_XENMM, 599, 1), 1);
	EXPECT_EQ(*(volatile __u64 *)(page_at(&area, 599) + 8), 4711);
}

TEST(what_is_mapped_stays_and_is_told)
{
	struct arena area = area_make();

	EXPECT_EQ(lend(&area, XENMM_SAMPLE_BY_XENMM, 510, 4), 4);
	EXPECT_EQ(lend(&area, XENMM_SAMPLE_BY_XENMM, 500, 20), 16);
	for (__u32 i = 0; i < 20; i++)
		EXPECT_EQ(results[i], i >= 10 && i < 14 ? -EBUSY : 0);
	expect_lent(&area, 500, 520);
}

/*
 * The results of a way in which every seventh page is refused. How many were mapped the kernel's
 * loop knows only of hypercalls that met no refusal.
 */
static void lend_bad(const struct arena *area, __u32 way, __u32 count)
{
	struct xenmm_sample_op op = make_sample_op(area, way, 100, count);

	op.bad_every = BAD_EVERY;
	ASSERT_EQ(ask(area, XENMM_SAMPLE_MAP, &op), 0);
	if (way == XENMM_SAMPLE_BY_XENMM)
		EXPECT_EQ(op.mapped, count - (count + BAD_EVERY - 1) / BAD_EVERY);
}

static void expect_refused(const struct arena *area, __u32 count)
{
	for (__u32 i = 0; i < count; i++) {
		const bool is_bad = i % BAD_EVERY == 0;

		ASSERT_EQ(probe_read(page_at(area, 100 + i)).signal, is_bad ? SIGBUS : 0);
		ASSERT_EQ(results[i] < 0, is_bad);
		if (!is_bad)
			ASSERT_EQ(number_in(area, 100 + i), 100 + i);
	}
}

TEST(refused_pages_are_told_and_all_others_mapped)
{
	static __s32 of_kernel[XENMM_SAMPLE_PAGES];
	struct arena area = area_make();
	const __u32 count = 1500;

	lend_bad(&area, XENMM_SAMPLE_BY_KERNEL, count);
	expect_refused(&area, count);
	memcpy(of_kernel, results, sizeof(results));
	take_back(&area, XENMM_SAMPLE_BY_XENMM, 100, count);
	lend_bad(&area, XENMM_SAMPLE_BY_XENMM, count);
	expect_refused(&area, count);
	EXPECT_EQ(memcmp(results, of_kernel, count * sizeof(results[0])), 0);
}

static size_t tables_of(const struct arena *area)
{
	const uintptr_t start = (uintptr_t)area->base, end = start + area->pages * PAGE;

	return (end - 1) / XENMM_SPAN_BYTES - start / XENMM_SPAN_BYTES + 1;
}

TEST(a_table_takes_a_hypercall)
{
	struct arena area = area_make();
	const int fd = device_open();
	struct xenmm_stats before = read_stats(fd), growth = {};

	EXPECT_EQ(lend(&area, XENMM_SAMPLE_BY_XENMM, 0, AREA_PAGES), AREA_PAGES);
	growth.pages_mapped = AREA_PAGES;
	if (is_offered(XENMM_METHOD_BATCH)) {
		growth.hypercalls = tables_of(&area);
		growth.mmu_updates = AREA_PAGES;
	} else {
		growth.native_stores = AREA_PAGES;
	}
	expect_growth(fd, &before, &growth);
}

static void expect_refusal(const struct arena *area, uintptr_t start, __u32 count)
{
	struct xenmm_sample_op op = make_sample_op(area, XENMM_SAMPLE_BY_XENMM, 0, count);

	op.start = start;
	EXPECT_EQ(ask(area, XENMM_SAMPLE_MAP, &op), EINVAL);
	EXPECT_EQ(ask(area, XENMM_SAMPLE_UNMAP, &op), EINVAL);
}

TEST(nothing_beside_the_area_is_mapped)
{
	struct arena area = area_make();
	struct arena arena = arena_make(SPAN_PAGES);
	const uintptr_t base = (uintptr_t)area.base;

	expect_refusal(&area, base, 0);
	expect_refusal(&area, base + 1, 1);
	expect_refusal(&area, base, AREA_PAGES + 1);
	expect_refusal(&area, base + PAGE, AREA_PAGES);
	expect_refusal(&area, base + AREA_PAGES * PAGE, 1);
	expect_refusal(&area, (uintptr_t)arena.base, 1);
	expect_refusal(&area, (uintptr_t)&area & -PAGE, 1);
	expect_lent(&area, 0, 0);
}

/* Runs in a child. */
static void expect_no_area(struct arena *area)
{
	for (size_t page = 0; page < area->pages; page += 100)
		ASSERT_EQ(probe_read(page_at(area, page)).signal, SIGSEGV);
}

TEST(munmap_takes_a_part_and_a_child_has_nothing)
{
	struct arena area = area_make();

	EXPECT_EQ(lend(&area, XENMM_SAMPLE_BY_XENMM, 0, AREA_PAGES), AREA_PAGES);
	EXPECT_EQ(munmap(page_at(&area, 300), 1000 * PAGE), 0);
	EXPECT_EQ(number_in(&area, 299), 299);
	EXPECT_EQ(number_in(&area, 1300), 1300);
	EXPECT_EQ(run_child(expect_no_area, &area), 0);
}
