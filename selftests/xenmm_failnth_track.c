// SPDX-License-Identifier: GPL-2.0
/*
 * Write tracking in xenmm_failnth_test: a page is either tracked or as it was, and what
 * could not be told is told by the next call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "xenmm_failnth.h"

static struct xenmm_range asked[2];
static struct xenmm_range told[8];
static struct xenmm_collect question;

/* A whole table, and a part of one. */
static void prepare_track(struct scene *scene)
{
	full_arena(scene);
	asked[0] = range_of(&scene->arena, 0, SPAN_PAGES);
	asked[1] = range_of(&scene->arena, SPAN_PAGES + 10, 100);
	scene->op = make_op(method_for(scene->method, XENMM_IOC_TRACK), asked, 2, 0);
}

static void run_track(struct scene *scene)
{
	scene->answer = op_raw(scene->arena.fd, XENMM_IOC_TRACK, &scene->op);
}

/* Writes are let through, noted or not. */
static void track_failed(struct scene *scene)
{
	use_all_pages(&scene->arena);
}

static void ask(const struct scene *scene)
{
	question = (struct xenmm_collect){
		.start = (uintptr_t)scene->arena.base,
		.length = scene->arena.pages * PAGE,
		.ranges = (uintptr_t)told,
		.max_ranges = sizeof(told) / sizeof(told[0]),
	};
}

static void run_collect(struct scene *scene)
{
	scene->answer = ioctl(scene->arena.fd, XENMM_IOC_COLLECT, &question) ? -errno : 0;
}

static void expect_told(const struct scene *scene, __u32 range, size_t first, size_t pages)
{
	EXPECT_EQ(told[range].start, (uintptr_t)page_at(&scene->arena, first));
	EXPECT_EQ(told[range].length, pages * PAGE);
}

static void track_done(struct scene *scene)
{
	EXPECT_EQ(scene->op.pages_done, SPAN_PAGES + 100);
	ask(scene);
	run_collect(scene); /* whatever was noted in between */
	EXPECT_EQ(scene->answer, 0);
	fill_pages(&scene->arena, 0, ALL_PAGES, 2);
	ask(scene);
	run_collect(scene);
	EXPECT_EQ(question.nr_ranges, 2);
	expect_told(scene, 0, 0, SPAN_PAGES);
	expect_told(scene, 1, SPAN_PAGES + 10, 100);
	check_pages(&scene->arena, 0, ALL_PAGES, 2);
	end_scene(scene);
}

TEST(track_fails)
{
	static const struct failing_call call = {"TRACK",      prepare_track, run_track,
						 track_failed, track_done,    {ENOMEM, EFAULT}};

	need_failures();
	alarm(5 * timeout_seconds());
	for (size_t i = 0; i < nr_methods; i++)
		if (is_offered(methods[i].number) &&
		    (methods[i].number == XENMM_METHOD_FLIP || methods[i].batch == 512))
			fail_each(&call, &methods[i]);
}

static void prepare_collect(struct scene *scene)
{
	prepare_track(scene);
	run_track(scene);
	EXPECT_EQ(scene->answer, 0);
	fill_pages(&scene->arena, 5, 3, 2);
	fill_pages(&scene->arena, SPAN_PAGES + 20, 1, 2);
	ask(scene);
}

static void collect_failed(struct scene *scene)
{
	check_pages(&scene->arena, 5, 3, 2);
}

static void collect_done(struct scene *scene)
{
	EXPECT_EQ(question.nr_ranges, 2);
	EXPECT_EQ(question.pages, 4);
	expect_told(scene, 0, 5, 3);
	expect_told(scene, 1, SPAN_PAGES + 20, 1);
	ask(scene);
	run_collect(scene);
	EXPECT_EQ(question.nr_ranges, 0);
	end_scene(scene);
}

TEST(collect_fails)
{
	static const struct failing_call call = {
		"COLLECT",	prepare_collect, run_collect,
		collect_failed, collect_done,	 {ENOMEM, EFAULT},
	};

	need_failures();
	fail_each(&call, any_method());
}
