// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation and each copy of every call on an arena fails once: the answer is a
 * documented one, the arena is as the uapi says, the same call works afterwards, and in
 * the end nothing is held. Needs a kernel that injects failures (see config).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xenmm_failnth.h"

static void do_nothing(struct scene *scene)
{
	(void)scene;
}

/* Everything is there, with its content, and can be written. */
static void expect_full(struct scene *scene)
{
	check_pages(&scene->arena, 0, ALL_PAGES, 1);
	EXPECT_TRUE(can_write(page_at(&scene->arena, 0)));
	EXPECT_TRUE(can_write(page_at(&scene->arena, ALL_PAGES - 1)));
}

static void expect_no_growth(struct scene *scene)
{
	expect_growth(scene->arena.fd, &scene->before, &(struct xenmm_stats){});
}

/* ------------------------------------------------------- open, information, mmap */

static void run_open(struct scene *scene)
{
	scene->arena.fd = open(XENMM_DEVICE_PATH, O_RDWR);
	scene->answer = scene->arena.fd < 0 ? -errno : 0;
}

static void close_file(struct scene *scene)
{
	EXPECT_EQ(close(scene->arena.fd), 0);
}

TEST(open_fails)
{
	static const struct failing_call call = {"open",     do_nothing, run_open,
						 do_nothing, close_file, {ENOMEM, EFAULT}};

	need_failures();
	fail_each(&call, any_method());
}

static void run_information(struct scene *scene)
{
	static struct xenmm_info info;
	static struct xenmm_stats stats;

	scene->answer = ioctl(scene->arena.fd, XENMM_IOC_INFO, &info) ||
					ioctl(scene->arena.fd, XENMM_IOC_STATS, &stats)
				? -errno
				: 0;
}

TEST(information_fails)
{
	static const struct failing_call call = {"INFO and STATS", new_arena, run_information,
						 expect_no_growth, end_scene, {EFAULT}};

	need_failures();
	fail_each(&call, any_method());
}

static void open_file(struct scene *scene)
{
	scene->arena.pages = ALL_PAGES;
	scene->arena.fd = device_open();
}

static void run_mmap(struct scene *scene)
{
	scene->arena.base = device_map(scene->arena.fd, ALL_PAGES * PAGE);
	scene->answer = scene->arena.base == MAP_FAILED ? -errno : 0;
}

/* There is no mapping, so there is nothing to operate on. */
static void expect_not_mapped(struct scene *scene)
{
	struct arena none = {scene->arena.fd, (unsigned char *)XENMM_SPAN_BYTES, ALL_PAGES};

	EXPECT_EQ(op_pages(&none, XENMM_IOC_POPULATE, any_method(), 0, 1, 0), -EINVAL);
}

static void use_and_end(struct scene *scene)
{
	use_all_pages(&scene->arena);
	end_scene(scene);
}

TEST(mmap_fails)
{
	static const struct failing_call call = {
		"mmap", open_file, run_mmap, expect_not_mapped, use_and_end, {ENOMEM}};

	need_failures();
	fail_each(&call, any_method());
}

/* ------------------------------------------------------- munmap, mremap, a touch */

static void run_munmap(struct scene *scene)
{
	scene->answer = munmap(scene->arena.base, ALL_PAGES * PAGE) ? -errno : 0;
}

/* The file can be mapped anew at once: neither mapping is left. */
static void map_anew_and_end(struct scene *scene)
{
	run_mmap(scene);
	ASSERT_EQ(scene->answer, 0);
	check_zero(&scene->arena, 0, ALL_PAGES);
	end_scene(scene);
}

TEST(munmap_fails)
{
	static const struct failing_call call = {"munmap",    full_arena,	run_munmap,
						 expect_full, map_anew_and_end, {ENOMEM}};

	need_failures();
	fail_each(&call, any_method());
}

static void full_arena_with_twin(struct scene *scene)
{
	static const struct method flip = {"flip", XENMM_METHOD_FLIP, 0};

	full_arena(scene);
	protect(&scene->arena, &flip, 0, ALL_PAGES, XENMM_PROT_READ);
	protect(&scene->arena, &flip, 0, ALL_PAGES, XENMM_PROT_READ_WRITE);
}

TEST(munmap_with_a_twin_fails)
{
	static const struct failing_call call = {"munmap",    full_arena_with_twin, run_munmap,
						 expect_full, map_anew_and_end,	    {ENOMEM}};

	need_failures();
	if (!is_offered(XENMM_METHOD_FLIP))
		test_skip("this guest offers no flip");
	fail_each(&call, any_method());
}

static void run_munmap_of_a_half(struct scene *scene)
{
	scene->answer = munmap(scene->arena.base, XENMM_SPAN_BYTES) ? -errno : 0;
}

static void use_other_half_and_end(struct scene *scene)
{
	struct arena half = {scene->arena.fd, page_at(&scene->arena, SPAN_PAGES), SPAN_PAGES};

	EXPECT_TRUE(!can_read(scene->arena.base));
	use_all_pages(&half);
	arena_close(&half);
}

TEST(munmap_of_a_half_fails)
{
	static const struct failing_call call = {"munmap of a half",	 full_arena,
						 run_munmap_of_a_half,	 expect_full,
						 use_other_half_and_end, {ENOMEM}};

	need_failures();
	fail_each(&call, any_method());
}

static unsigned char *mremap_target;

static void full_arena_and_a_target(struct scene *scene)
{
	full_arena(scene);
	mremap_target = free_space(ALL_PAGES * PAGE);
}

/* Refused in any case, but only after the kernel has moved everything. */
static void run_mremap(struct scene *scene)
{
	void *moved = mremap(scene->arena.base, ALL_PAGES * PAGE, ALL_PAGES * PAGE,
			     MREMAP_MAYMOVE | MREMAP_FIXED, mremap_target);

	scene->answer = moved != MAP_FAILED ? -EEXIST : errno == EINVAL ? 0 : -errno;
}

/*
 * Short of memory the kernel may leave a mapping where it wanted to go. Nothing is served
 * there, but until the program unmaps it the arena is not gone.
 */
static void leave_target_and_end(struct scene *scene)
{
	EXPECT_EQ(probe_write(mremap_target, 1).signal, SIGSEGV);
	EXPECT_EQ(probe_read(mremap_target + XENMM_SPAN_BYTES).signal, SIGSEGV);
	EXPECT_EQ(munmap(mremap_target, ALL_PAGES * PAGE), 0);
	expect_full(scene);
	end_scene(scene);
}

TEST(mremap_fails_all_the_more)
{
	static const struct failing_call call = {
		"mremap",    full_arena_and_a_target, run_mremap,
		expect_full, leave_target_and_end,    {ENOMEM, EFAULT}};

	need_failures();
	fail_each(&call, any_method());
}

static void run_touch(struct scene *scene)
{
	scene->signal = probe_write(page_at(&scene->arena, 100), 1).signal;
}

static void expect_no_signal(struct scene *scene)
{
	EXPECT_EQ(scene->signal, 0);
}

static void use_after_touch_and_end(struct scene *scene)
{
	EXPECT_EQ(*page_at(&scene->arena, 100), 1);
	use_and_end(scene);
}

/* The window of a fault is given up first, then the touched page is tried alone. */
TEST(a_touch_survives_any_one_failure)
{
	static const struct failing_call call = {
		"touch", new_arena, run_touch, expect_no_signal, use_after_touch_and_end, {0}};

	need_failures();
	fail_each(&call, any_method());
}

/* Its table is there, or the kernel itself would try for ever to get one. */
TEST(a_touch_without_memory_is_sigbus)
{
	struct xenmm_stats before;
	struct arena arena;
	int signal;

	need_failures();
	arena = arena_make(ALL_PAGES);
	populate(&arena, any_method(), 0, 1);
	before = read_stats(arena.fd);
	fail_all_pages(true);
	signal = probe_write(page_at(&arena, 100), 1).signal;
	fail_all_pages(false);
	EXPECT_EQ(signal, SIGBUS);
	expect_growth(arena.fd, &before, &(struct xenmm_stats){});
	EXPECT_EQ(status_kb("VmPin"), PAGE / 1024);
	use_all_pages(&arena);
	arena_close(&arena);
}
