// SPDX-License-Identifier: GPL-2.0
/*
 * Who pays for an arena's pages: RLIMIT_MEMLOCK (VmPin), tested without
 * CAP_IPC_LOCK, and the memory cgroup; who may open the device.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xenmm_test.h"

#define KB (PAGE / 1024)

static void limit_pages(size_t pages)
{
	const struct rlimit limit = {pages * PAGE, pages * PAGE};

	ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

/* An arena of a process without capabilities, limited to so many pages. */
static struct arena poor_arena(size_t limit, size_t pages)
{
	struct arena arena = {.fd = device_open(), .pages = pages};

	limit_pages(limit);
	become_nobody();
	arena.base = device_map(arena.fd, pages * PAGE);
	ASSERT_NE(arena.base, MAP_FAILED);
	return arena;
}

static void expect_pinned(size_t pages)
{
	EXPECT_EQ(status_kb("VmPin"), pages * KB);
}

/* ENOMEM, and nothing at all happened. */
static void expect_over_limit(const struct arena *arena, size_t first, size_t pages)
{
	struct xenmm_stats before = read_stats(arena->fd);
	struct xenmm_range range = range_of(arena, first, pages);
	struct xenmm_op op = {
		.ranges = (uintptr_t)&range,
		.nr_ranges = 1,
		.method = any_method()->number,
		.batch = any_method()->batch,
	};
	long pinned = status_kb("VmPin");

	op.pages_done = 77;
	EXPECT_EQ(op_raw(arena->fd, XENMM_IOC_POPULATE, &op), -ENOMEM);
	EXPECT_EQ(op.pages_done, 0);
	EXPECT_EQ(op.failed_address, range.start);
	EXPECT_EQ(op.hypervisor_error, 0);
	expect_growth(arena->fd, &before, &(struct xenmm_stats){});
	EXPECT_EQ(status_kb("VmPin"), pinned);
}

/* -------------------------------------------------------------------- device */

static void open_as_nobody(struct arena *unused)
{
	(void)unused;
	become_nobody();
	EXPECT_EQ(open(XENMM_DEVICE_PATH, O_RDWR), -1);
	EXPECT_EQ(errno, EACCES);
	EXPECT_EQ(open(XENMM_DEVICE_PATH, O_RDONLY), -1);
	EXPECT_EQ(errno, EACCES);
}

TEST(device_is_for_its_owner_alone)
{
	struct stat device;

	ASSERT_EQ(stat(XENMM_DEVICE_PATH, &device), 0);
	EXPECT_EQ(device.st_mode, S_IFCHR | 0600);
	EXPECT_EQ(device.st_uid, 0);
	EXPECT_EQ(run_child(open_as_nobody, NULL), 0);
}

/* -------------------------------------------------------------- RLIMIT_MEMLOCK */

TEST(vm_pin_counts_populated_pages)
{
	struct arena arena = poor_arena(1000, ARENA_PAGES);

	expect_pinned(0);
	populate(&arena, any_method(), 0, 100);
	expect_pinned(100);
	populate(&arena, any_method(), 50, 600);
	expect_pinned(650);
	unmap(&arena, any_method(), 0, 650);
	protect(&arena, any_method(), 0, 1000, XENMM_PROT_READ);
	expect_pinned(650);
	discard(&arena, any_method(), 0, 25);
	discard(&arena, any_method(), 0, 50);
	expect_pinned(600);
	populate(&arena, any_method(), 0, 50);
	discard(&arena, any_method(), 0, ARENA_PAGES);
	expect_pinned(0);
	populate(&arena, any_method(), 0, 1000);
	expect_pinned(1000);
	ASSERT_EQ(munmap(arena.base, ARENA_PAGES * PAGE), 0);
	expect_pinned(0);
}

/* A page for each table that flips have doubled, until the twin goes. */
TEST(vm_pin_counts_twins)
{
	static const struct method flip = {"flip", XENMM_METHOD_FLIP, 0};
	const size_t twins = ARENA_PAGES / SPAN_PAGES;
	struct arena arena;

	if (!is_offered(XENMM_METHOD_FLIP))
		test_skip("this guest offers no flip");
	arena = poor_arena(ARENA_PAGES + twins, ARENA_PAGES);
	populate(&arena, any_method(), 0, ARENA_PAGES);
	expect_pinned(ARENA_PAGES);
	protect(&arena, &flip, 0, SPAN_PAGES, XENMM_PROT_READ);
	expect_pinned(ARENA_PAGES + 1);
	protect(&arena, &flip, 0, ARENA_PAGES, XENMM_PROT_READ);
	expect_pinned(ARENA_PAGES + twins);
	protect(&arena, &flip, 0, ARENA_PAGES, XENMM_PROT_READ_WRITE);
	expect_pinned(ARENA_PAGES + twins);
	ASSERT_EQ(munmap(arena.base, ARENA_PAGES * PAGE), 0);
	expect_pinned(0);
}

TEST(populate_over_the_limit)
{
	struct arena arena = poor_arena(64, ARENA_PAGES);

	expect_over_limit(&arena, 0, 65);
	expect_over_limit(&arena, 0, ARENA_PAGES);
	populate(&arena, any_method(), 0, 64);
	fill_pages(&arena, 0, 64, 1);
	expect_over_limit(&arena, 64, 1);
	expect_over_limit(&arena, 0, 65);
	populate(&arena, any_method(), 0, 64);
	check_pages(&arena, 0, 64, 1);
	discard(&arena, any_method(), 10, 1);
	expect_over_limit(&arena, 63, 3);
	populate(&arena, any_method(), 600, 1);
	expect_over_limit(&arena, 10, 1);
	expect_pinned(64);
}

TEST(arenas_share_the_limit)
{
	int fd = device_open();
	struct arena first = poor_arena(100, SPAN_PAGES), second = first;

	second.fd = fd;
	second.base = device_map(fd, SPAN_PAGES * PAGE);
	ASSERT_NE(second.base, MAP_FAILED);
	populate(&first, any_method(), 0, 60);
	expect_over_limit(&second, 0, 41);
	populate(&second, any_method(), 0, 40);
	expect_over_limit(&first, 60, 1);
	arena_close(&second);
	expect_pinned(60);
	populate(&first, any_method(), 60, 40);
	expect_pinned(100);
}

TEST(no_limit_with_cap_ipc_lock)
{
	struct arena arena = arena_make(SPAN_PAGES);

	limit_pages(0);
	use_all_pages(&arena);
	expect_pinned(SPAN_PAGES);
	arena_close(&arena);
	expect_pinned(0);
}

/* Fault-around takes no more than there is: ten touches for ten pages. */
TEST(faults_up_to_the_limit)
{
	struct arena arena = poor_arena(10, ARENA_PAGES);

	for (size_t page = 0; page < 10; page++)
		EXPECT_EQ(probe_write(page_at(&arena, page * 17), 1).signal, 0);
	expect_pinned(10);
}

/* Over the limit: a signal, at once. Not the OOM killer, not a fault for ever. */
TEST(a_fault_over_the_limit_is_sigbus)
{
	struct arena arena = poor_arena(10, ARENA_PAGES);

	populate(&arena, any_method(), 0, 10);
	fill_pages(&arena, 0, 10, 1);
	alarm(10);
	EXPECT_EQ(probe_write(page_at(&arena, 10), 1).signal, SIGBUS);
	EXPECT_EQ(probe_read(page_at(&arena, 600)).signal, SIGBUS);
	expect_pinned(10);
	check_pages(&arena, 0, 10, 1);
	discard(&arena, any_method(), 0, 1);
	EXPECT_TRUE(can_write(page_at(&arena, 600)));
}

/* The same from a system call: EFAULT. */
TEST(a_system_call_over_the_limit_is_efault)
{
	struct arena arena = poor_arena(0, SPAN_PAGES);
	int ends[2];

	ASSERT_EQ(pipe(ends), 0);
	alarm(10);
	EXPECT_EQ(write(ends[1], page_at(&arena, 0), 1), -1);
	EXPECT_EQ(errno, EFAULT);
}

/* ---------------------------------------------------------------- memory cgroup */

#define GROUP "/sys/fs/cgroup/xenmm-test"
#define MIB (1L << 20)

static long group_bytes(void)
{
	char text[32];

	ASSERT_GE(read_text(GROUP "/memory.current", text, sizeof(text)), 1);
	return strtol(text, NULL, 10);
}

/*
 * Opened before the group is entered: at its limit any system call that needs kernel
 * memory, an open() among them, wakes the OOM killer.
 */
static int limit_fd = -1;

static void limit_group(const char *bytes)
{
	ASSERT_EQ(pwrite(limit_fd, bytes, strlen(bytes), 0), (ssize_t)strlen(bytes));
}

/* The parent stays outside, so that a limit cannot kill it. */
static void run_in_group(void (*body)(struct arena *))
{
	int status;

	make_memory_group(GROUP, "max");
	limit_fd = open(GROUP "/memory.max", O_WRONLY | O_CLOEXEC);
	ASSERT_GE(limit_fd, 0);
	status = run_child(body, NULL);
	close(limit_fd);
	rmdir(GROUP);
	EXPECT_EQ(status, 0);
}

/* A first signal touches the stack that later ones need. */
static void enter_group(void)
{
	EXPECT_EQ(probe_write(NULL, 1).signal, SIGSEGV);
	ASSERT_EQ(write_text(GROUP "/cgroup.procs", "0"), 0);
}

static void charge_group(struct arena *unused)
{
	struct arena arena = arena_make(ARENA_PAGES);
	const long size = ARENA_PAGES * PAGE;
	long before;

	(void)unused;
	enter_group();
	before = group_bytes();
	populate(&arena, any_method(), 0, ARENA_PAGES);
	EXPECT_GE(group_bytes() - before, size - MIB);
	discard(&arena, any_method(), 0, ARENA_PAGES);
	EXPECT_LE(group_bytes() - before, MIB);
	use_all_pages(&arena);
	EXPECT_GE(group_bytes() - before, size - MIB);
	ASSERT_EQ(munmap(arena.base, size), 0);
	EXPECT_LE(group_bytes() - before, MIB);
}

TEST(memory_cgroup_is_charged)
{
	run_in_group(charge_group);
}

static void populate_over_group_limit(struct arena *unused)
{
	struct arena arena = arena_make(ARENA_PAGES);
	struct xenmm_range range = range_of(&arena, 0, ARENA_PAGES);
	struct xenmm_op op = {
		.ranges = (uintptr_t)&range,
		.nr_ranges = 1,
		.method = any_method()->number,
		.batch = any_method()->batch,
	};
	int answer;

	(void)unused;
	enter_group();
	limit_group("8388608");
	answer = op_raw(arena.fd, XENMM_IOC_POPULATE, &op);
	limit_group("max"); /* before anything else needs memory */
	EXPECT_EQ(answer, -ENOMEM);
	EXPECT_LE(op.pages_done, 2048);
	EXPECT_EQ(op.failed_address, (uintptr_t)page_at(&arena, op.pages_done));
	expect_present(&arena, 0, op.pages_done);
	expect_absent(&arena, op.pages_done, ARENA_PAGES - op.pages_done);
	expect_pinned(op.pages_done);
	populate(&arena, any_method(), 0, ARENA_PAGES);
	check_zero(&arena, 0, ARENA_PAGES);
}

/* The uapi says ENOMEM, so the OOM killer is not called. */
TEST(populate_over_the_cgroup_limit)
{
	run_in_group(populate_over_group_limit);
}

static void touch_over_group_limit(struct arena *unused)
{
	struct arena arena = arena_make(ARENA_PAGES);
	size_t page = 0;
	int signal = 0;

	(void)unused;
	enter_group();
	limit_group("8388608");
	alarm(20);
	while (page < ARENA_PAGES && !signal)
		signal = probe_write(page_at(&arena, page++), 1).signal;
	page--;
	limit_group("max"); /* before anything else needs memory */
	EXPECT_EQ(signal, SIGBUS);
	EXPECT_LE(page, 2048);
	EXPECT_GE(page, 1024);
	expect_pinned(page);
	use_all_pages(&arena);
}

/* Like the other limits: a signal for the page, not the OOM killer. */
TEST(touch_over_the_cgroup_limit)
{
	run_in_group(touch_over_group_limit);
}

#define HUGE_SPANS 2048
#define HUGE_PAGES (HUGE_SPANS * SPAN_PAGES) /* 4 GiB */

static int protect_ranges(const struct arena *arena, const struct xenmm_range *ranges)
{
	return op_ranges(arena, XENMM_IOC_PROTECT, any_method(), ranges, HUGE_SPANS,
			 XENMM_PROT_READ);
}

/*
 * Remembering the protection of single pages that are not there takes 4 KiB a table;
 * that of whole tables takes nothing.
 */
static void protect_over_group_limit(struct arena *unused)
{
	static struct xenmm_range ranges[HUGE_SPANS];
	struct arena arena = arena_make(HUGE_PAGES);
	int answer, whole;

	(void)unused;
	for (size_t i = 0; i < HUGE_SPANS; i++)
		ranges[i] = range_of(&arena, i * SPAN_PAGES, SPAN_PAGES - 1);
	enter_group();
	limit_group("4194304");
	answer = protect_ranges(&arena, ranges);
	whole = op_pages(&arena, XENMM_IOC_PROTECT, any_method(), HUGE_PAGES / 2, HUGE_PAGES / 2,
			 XENMM_PROT_READ_WRITE);
	limit_group("max");
	EXPECT_EQ(answer, -ENOMEM);
	EXPECT_EQ(whole, 0);
	expect_read_only(page_at(&arena, 0));
	EXPECT_TRUE(can_write(page_at(&arena, HUGE_PAGES - 2)));
	EXPECT_EQ(protect_ranges(&arena, ranges), 0);
	expect_read_only(page_at(&arena, HUGE_PAGES - 2));
	EXPECT_TRUE(can_write(page_at(&arena, HUGE_PAGES - 1)));
}

TEST(protect_over_the_cgroup_limit)
{
	run_in_group(protect_over_group_limit);
}
