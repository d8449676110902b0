// SPDX-License-Identifier: GPL-2.0
/* The loop over failures that xenmm_failnth.h declares. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "xenmm_failnth.h"

#define NTH_PATH "/proc/self/fail-nth"
#define MOST_FAILURES 5000

/*
 * By default allocations that may sleep, single pages and high memory never fail. Each
 * failure would print a stack, which the lab takes for a complaint of the kernel. None of
 * it changes anything for tasks that did not ask for failures.
 */
static const struct setting {
	const char *path, *value;
} settings[] = {
#define IN_DEBUGFS "/sys/kernel/debug/"
	{IN_DEBUGFS "failslab/ignore-gfp-wait", "N"},
	{IN_DEBUGFS "failslab/cache-filter", "N"},
	{IN_DEBUGFS "failslab/verbose", "0"},
	{IN_DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N"},
	{IN_DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N"},
	{IN_DEBUGFS "fail_page_alloc/min-order", "0"},
	{IN_DEBUGFS "fail_page_alloc/verbose", "0"},
	{IN_DEBUGFS "fail_usercopy/verbose", "0"},
	{IN_DEBUGFS "fail_futex/verbose", "0"},
};

static int nth_fd;

void need_failures(void)
{
	if (access(NTH_PATH, W_OK))
		test_skip("this kernel has no fault injection");
	nth_fd = open(NTH_PATH, O_RDWR | O_CLOEXEC);
	ASSERT_GE(nth_fd, 0);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (!access(settings[i].path, W_OK))
			ASSERT_EQ(write_text(settings[i].path, settings[i].value), 0);
	ASSERT_TRUE(!access(IN_DEBUGFS "failslab", F_OK));
	ASSERT_TRUE(!access(IN_DEBUGFS "fail_page_alloc", F_OK));
	ASSERT_GE(probe_write(NULL, 1).signal, 1); /* its handlers are in place from now on */
}

static void arm(unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	ASSERT_EQ(pwrite(nth_fd, text, length, 0), length);
}

/* Did the call have an n-th one? Looking is a copy to user space, and may fail itself. */
static bool disarm(void)
{
	char text[16] = "";
	ssize_t got = pread(nth_fd, text, sizeof(text) - 1, 0);
	const bool was_used = got > 0 && !strtoul(text, NULL, 10);

	while (!was_used && pwrite(nth_fd, "0", 1, 0) != 1)
		;
	return was_used;
}

/*
 * The switch is opened beforehand and turned off first of all: to open a file, and to note
 * that a test has failed, may take a page.
 */
void fail_all_pages(bool fail)
{
	static const struct setting filter[] = {
		{IN_DEBUGFS "fail_page_alloc/task-filter", "Y"},
		{IN_DEBUGFS "fail_page_alloc/interval", "1"},
		{IN_DEBUGFS "fail_page_alloc/space", "0"},
		{IN_DEBUGFS "fail_page_alloc/times", "-1"},
		{IN_DEBUGFS "fail_page_alloc/probability", "100"},
	};
	static int switch_fd;

	for (size_t i = 0; fail && i < sizeof(filter) / sizeof(filter[0]); i++)
		ASSERT_EQ(write_text(filter[i].path, filter[i].value), 0);
	if (fail)
		switch_fd = open("/proc/self/make-it-fail", O_WRONLY | O_CLOEXEC);
	ASSERT_EQ(pwrite(switch_fd, fail ? "1" : "0", 1, 0), 1);
	if (!fail)
		close(switch_fd);
}

static bool is_documented(const struct failing_call *call, const struct scene *scene)
{
	for (const int *error = call->errors; *error; error++)
		if (scene->answer == -*error)
			return true;
	return false;
}

static void run_again(const struct failing_call *call, struct scene *scene)
{
	if (scene->answer)
		EXPECT_TRUE(is_documented(call, scene));
	call->failed(scene);
	scene->answer = scene->signal = 0;
	call->run(scene);
	EXPECT_EQ(scene->answer, 0);
	EXPECT_EQ(scene->signal, 0);
}

/* Did the call have an n-th one? */
static bool fail_one(const struct failing_call *call, const struct method *method, unsigned int n)
{
	struct scene scene = {.method = method, .arena = {.fd = -1}};
	bool was_used;

	call->prepare(&scene);
	arm(n);
	call->run(&scene);
	was_used = disarm();
	EXPECT_TRUE(was_used || !scene.answer);
	if (scene.answer || scene.signal) {
		test_context("%s, failure %u: answer %d, signal %d", call->name, n, scene.answer,
			     scene.signal);
		run_again(call, &scene);
	}
	call->done(&scene);
	return was_used;
}

void fail_each(const struct failing_call *call, const struct method *method)
{
	const int fd = device_open();
	const struct xenmm_stats before = read_stats(fd);
	struct xenmm_stats now;
	unsigned int n = 0;

	do {
		test_context("%s, failure %u", call->name, ++n);
		ASSERT_LE(n, MOST_FAILURES);
	} while (fail_one(call, method, n));
	printf("# %s: %u failures\n", call->name, n - 1);
	EXPECT_GE(n, 2);
	now = read_stats(fd);
	EXPECT_EQ(held_pages(&now), held_pages(&before));
	EXPECT_EQ(held_twins(&now), held_twins(&before));
	EXPECT_EQ(now.errors, before.errors);
	EXPECT_EQ(status_kb("VmPin"), 0);
	close(fd);
}

void new_arena(struct scene *scene)
{
	scene->arena = arena_make(ALL_PAGES);
	scene->before = read_stats(scene->arena.fd);
}

void full_arena(struct scene *scene)
{
	scene->arena = arena_make(ALL_PAGES);
	populate(&scene->arena, any_method(), 0, ALL_PAGES);
	fill_pages(&scene->arena, 0, ALL_PAGES, 1);
}

void end_scene(struct scene *scene)
{
	arena_close(&scene->arena);
}
