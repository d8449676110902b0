// SPDX-License-Identifier: GPL-2.0
/*
 * The operations of xenmm_failnth_test, by every method that allocates in its own way:
 * below failed_address all is as asked for, everything else as it was. A copy that fails
 * is EFAULT: nothing was done, or, when it was the outcome that could not be told, all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "xenmm_failnth.h"

/*
 * One whole table, and single pages of the next one: more ranges than fit the kernel's
 * stack, and a request in which whole-table methods and batches meet.
 */
#define NR_RANGES 10
#define NR_ASKED (SPAN_PAGES + NR_RANGES - 1)

static struct xenmm_range ranges[NR_RANGES];

/* The page that is number `index` of those asked for. */
static size_t asked_page(size_t index)
{
	return index < SPAN_PAGES ? index : SPAN_PAGES + 3 + 2 * (index - SPAN_PAGES);
}

static bool is_asked(size_t page)
{
	return page < SPAN_PAGES ||
	       (page % 2 && page >= asked_page(SPAN_PAGES) && page <= asked_page(NR_ASKED - 1));
}

static void set_op(struct scene *scene, unsigned long request, __u32 prot)
{
	ranges[0] = range_of(&scene->arena, 0, SPAN_PAGES);
	for (size_t i = 1; i < NR_RANGES; i++)
		ranges[i] = range_of(&scene->arena, asked_page(SPAN_PAGES + i - 1), 1);
	scene->op = make_op(method_for(scene->method, request), ranges, NR_RANGES, prot);
	scene->before = read_stats(scene->arena.fd);
}

static void prepare_by(struct scene *scene, unsigned long request, __u32 prot)
{
	EXPECT_EQ(op_ranges(&scene->arena, request, any_method(), ranges, NR_RANGES, prot), 0);
}

/* How many of the pages asked for are as asked for, by what the call said. */
static size_t pages_done(const struct scene *scene)
{
	const size_t done = scene->op.pages_done;

	EXPECT_EQ(scene->answer, -ENOMEM);
	ASSERT_LE(done, NR_ASKED - 1);
	EXPECT_EQ(scene->op.hypervisor_error, 0);
	/* Before any work the kernel has no place to name. */
	if (done || scene->op.failed_address)
		EXPECT_EQ(scene->op.failed_address,
			  (uintptr_t)page_at(&scene->arena, asked_page(done)));
	return done;
}

/* For operations whose effect a counter tells. */
static bool has_done_nothing(const struct scene *scene)
{
	const struct xenmm_stats now = read_stats(scene->arena.fd);

	return !memcmp(&now, &scene->before, sizeof(now));
}

static void fail_each_method(const struct failing_call *call)
{
	need_failures();
	alarm(5 * timeout_seconds());
	for (size_t i = 0; i < nr_methods; i++) {
		const __u32 number = methods[i].number;

		if (is_offered(number) &&
		    (number == XENMM_METHOD_NATIVE || number == XENMM_METHOD_AUTO ||
		     number == XENMM_METHOD_FLIP || methods[i].batch == 512 ||
		     (number == XENMM_METHOD_REBUILD && !methods[i].batch)))
			fail_each(call, &methods[i]);
	}
}

static void run_on(struct scene *scene, unsigned long request)
{
	scene->answer = op_raw(scene->arena.fd, request, &scene->op);
}

/* ------------------------------------------------------------------ populate */

/* A few pages of the whole table are missing, all of the other one. */
static bool is_missing(size_t index)
{
	return index >= SPAN_PAGES || index % 85 == 84;
}

static size_t missing_below(size_t index)
{
	size_t missing = 0;

	for (size_t i = 0; i < index; i++)
		missing += is_missing(i);
	return missing;
}

static void prepare_populate(struct scene *scene)
{
	new_arena(scene);
	populate(&scene->arena, any_method(), 0, SPAN_PAGES);
	fill_pages(&scene->arena, 0, SPAN_PAGES, 1);
	for (size_t page = 0; page < SPAN_PAGES; page++)
		if (is_missing(page))
			discard(&scene->arena, any_method(), page, 1);
	set_op(scene, XENMM_IOC_POPULATE, 0);
}

static void run_populate(struct scene *scene)
{
	run_on(scene, XENMM_IOC_POPULATE);
}

static void populate_failed(struct scene *scene)
{
	const struct xenmm_stats now = read_stats(scene->arena.fd);
	const size_t grown = held_pages(&now) - held_pages(&scene->before);

	if (scene->answer == -EFAULT)
		EXPECT_TRUE(!grown || grown == missing_below(NR_ASKED));
	else
		EXPECT_EQ(grown, missing_below(pages_done(scene)));
	EXPECT_EQ(status_kb("VmPin"),
		  (SPAN_PAGES - missing_below(SPAN_PAGES) + grown) * (PAGE / 1024));
}

static void populate_done(struct scene *scene)
{
	EXPECT_EQ(scene->op.pages_done, NR_ASKED);
	for (size_t i = 0; i < NR_ASKED; i++)
		check_pages(&scene->arena, asked_page(i), 1, is_missing(i) ? 0 : 1);
	EXPECT_EQ(status_kb("VmPin"), NR_ASKED * (PAGE / 1024));
	end_scene(scene);
}

TEST(populate_fails)
{
	static const struct failing_call call = {"POPULATE",	prepare_populate,
						 run_populate,	populate_failed,
						 populate_done, {ENOMEM, EFAULT}};

	fail_each_method(&call);
}

/* ------------------------------------------------------------------- protect */

/* A sample of the pages asked for, and of the others. */
static void expect_protection(const struct scene *scene, size_t done, bool new_is_writable)
{
	for (size_t i = 0; i < NR_ASKED; i += i < SPAN_PAGES - 38 ? 37 : 1)
		EXPECT_EQ(can_write(page_at(&scene->arena, asked_page(i))),
			  (i < done) == new_is_writable);
	EXPECT_TRUE(can_write(page_at(&scene->arena, SPAN_PAGES)));
	EXPECT_TRUE(can_write(page_at(&scene->arena, ALL_PAGES - 1)));
}

static void protect_failed(struct scene *scene, bool new_is_writable)
{
	size_t done;

	if (scene->answer == -EFAULT)
		done = can_write(scene->arena.base) == new_is_writable ? NR_ASKED : 0;
	else
		done = pages_done(scene);
	expect_protection(scene, done, new_is_writable);
}

static void prepare_read_only(struct scene *scene)
{
	full_arena(scene);
	set_op(scene, XENMM_IOC_PROTECT, XENMM_PROT_READ);
}

static void run_protect(struct scene *scene)
{
	run_on(scene, XENMM_IOC_PROTECT);
}

static void read_only_failed(struct scene *scene)
{
	protect_failed(scene, false);
	check_pages(&scene->arena, 0, ALL_PAGES, 1);
}

static void read_only_done(struct scene *scene)
{
	EXPECT_EQ(scene->op.pages_done, NR_ASKED);
	expect_protection(scene, NR_ASKED, false);
	check_pages(&scene->arena, 0, ALL_PAGES, 1);
	end_scene(scene);
}

TEST(protect_read_only_fails)
{
	static const struct failing_call call = {"PROTECT read-only", prepare_read_only,
						 run_protect,	      read_only_failed,
						 read_only_done,      {ENOMEM, EFAULT}};

	fail_each_method(&call);
}

static void prepare_read_write(struct scene *scene)
{
	full_arena(scene);
	set_op(scene, XENMM_IOC_PROTECT, XENMM_PROT_READ_WRITE);
	prepare_by(scene, XENMM_IOC_PROTECT, XENMM_PROT_READ);
	if (is_native(scene->method)) /* which took the entries away */
		prepare_by(scene, XENMM_IOC_MAP, 0);
}

static void read_write_failed(struct scene *scene)
{
	protect_failed(scene, true);
	check_pages(&scene->arena, 0, ALL_PAGES, 1);
}

static void read_write_done(struct scene *scene)
{
	EXPECT_EQ(scene->op.pages_done, NR_ASKED);
	expect_protection(scene, NR_ASKED, true);
	check_pages(&scene->arena, 0, ALL_PAGES, 1);
	end_scene(scene);
}

TEST(protect_read_write_fails)
{
	static const struct failing_call call = {"PROTECT read-write", prepare_read_write,
						 run_protect,	       read_write_failed,
						 read_write_done,      {ENOMEM, EFAULT}};

	fail_each_method(&call);
}

/* Protection of pages that are not there yet is remembered, in memory of its own. */
static void prepare_remembered(struct scene *scene)
{
	new_arena(scene);
	set_op(scene, XENMM_IOC_PROTECT, XENMM_PROT_READ);
}

static void remembered_failed(struct scene *scene)
{
	EXPECT_TRUE(has_done_nothing(scene));
	protect_failed(scene, false);
}

static void remembered_done(struct scene *scene)
{
	EXPECT_EQ(scene->op.pages_done, NR_ASKED);
	expect_protection(scene, NR_ASKED, false);
	check_zero(&scene->arena, 0, SPAN_PAGES);
	end_scene(scene);
}

TEST(protect_of_nothing_fails)
{
	static const struct failing_call call = {"PROTECT of nothing", prepare_remembered,
						 run_protect,	       remembered_failed,
						 remembered_done,      {ENOMEM, EFAULT}};

	fail_each_method(&call);
}

/* ------------------------------------------------------- discard, unmap and map */

/* They allocate nothing but what the ranges are copied to. */
static void nothing_or_all_failed(struct scene *scene)
{
	if (scene->answer == -ENOMEM) {
		EXPECT_EQ(pages_done(scene), 0);
		EXPECT_TRUE(has_done_nothing(scene));
	}
}

static void prepare_discard(struct scene *scene)
{
	full_arena(scene);
	set_op(scene, XENMM_IOC_DISCARD, 0);
}

static void run_discard(struct scene *scene)
{
	run_on(scene, XENMM_IOC_DISCARD);
}

static void discard_failed(struct scene *scene)
{
	const struct xenmm_stats now = read_stats(scene->arena.fd);
	const __u64 freed = now.pages_freed - scene->before.pages_freed;

	EXPECT_TRUE(!freed || freed == NR_ASKED);
	nothing_or_all_failed(scene);
}

static void discard_done(struct scene *scene)
{
	EXPECT_EQ(scene->op.pages_done, NR_ASKED);
	for (size_t page = 0; page < ALL_PAGES; page++)
		check_pages(&scene->arena, page, 1, is_asked(page) ? 0 : 1);
	end_scene(scene);
}

TEST(discard_fails)
{
	static const struct failing_call call = {"DISCARD",	 prepare_discard, run_discard,
						 discard_failed, discard_done,	  {ENOMEM, EFAULT}};

	fail_each_method(&call);
}

static void prepare_unmap(struct scene *scene)
{
	full_arena(scene);
	set_op(scene, XENMM_IOC_UNMAP, 0);
}

static void run_unmap(struct scene *scene)
{
	run_on(scene, XENMM_IOC_UNMAP);
}

static void unmap_done(struct scene *scene)
{
	EXPECT_EQ(scene->op.pages_done, NR_ASKED);
	expect_absent(&scene->arena, 0, SPAN_PAGES);
	check_pages(&scene->arena, 0, ALL_PAGES, 1);
	end_scene(scene);
}

TEST(unmap_fails)
{
	static const struct failing_call call = {"UNMAP",    prepare_unmap,
						 run_unmap,  nothing_or_all_failed,
						 unmap_done, {ENOMEM, EFAULT}};

	fail_each_method(&call);
}

static void prepare_map(struct scene *scene)
{
	full_arena(scene);
	set_op(scene, XENMM_IOC_MAP, 0);
	prepare_by(scene, XENMM_IOC_UNMAP, 0);
	scene->before = read_stats(scene->arena.fd);
}

static void run_map(struct scene *scene)
{
	run_on(scene, XENMM_IOC_MAP);
}

static void map_done(struct scene *scene)
{
	EXPECT_EQ(scene->op.pages_done, NR_ASKED);
	expect_present(&scene->arena, 0, SPAN_PAGES);
	check_pages(&scene->arena, 0, ALL_PAGES, 1);
	end_scene(scene);
}

TEST(map_fails)
{
	static const struct failing_call call = {
		"MAP", prepare_map, run_map, nothing_or_all_failed, map_done, {ENOMEM, EFAULT}};

	fail_each_method(&call);
}
