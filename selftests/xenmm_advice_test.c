// SPDX-License-Identifier: GPL-2.0
/*
 * Calls by which a program advises, locks, watches or moves memory. Each has its one
 * answer, and none changes content, protection or flags of an arena; the kernel does not
 * even show its pages.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "xenmm_test.h"

#define LENGTH(arena) ((arena)->pages * PAGE)

static void expect_flags_kept(const struct arena *arena)
{
	char flags[512];

	read_vm_flags(arena->base, flags);
	EXPECT_TRUE(strstr(flags, " dc ") && strstr(flags, " dd ") && strstr(flags, " io "));
	EXPECT_TRUE(!strstr(flags, " lo ") && !strstr(flags, " mg ") && !strstr(flags, " wf "));
}

/* ------------------------------------------------------------------- madvise */

static const struct advice {
	const char *name;
	int number;
	int error;
	bool may_be_unknown; /* EINVAL, too: the kernel was built without it */
} advices[] = {
	{"NORMAL", MADV_NORMAL, 0, false},
	{"RANDOM", MADV_RANDOM, 0, false},
	{"SEQUENTIAL", MADV_SEQUENTIAL, 0, false},
	{"WILLNEED", MADV_WILLNEED, 0, false},
	{"DONTNEED", MADV_DONTNEED, EINVAL, false},
	{"FREE", MADV_FREE, EINVAL, false},
	{"REMOVE", MADV_REMOVE, ENODEV, false},
	{"DONTFORK", MADV_DONTFORK, 0, false},
	{"DOFORK", MADV_DOFORK, EINVAL, false},
	{"MERGEABLE", MADV_MERGEABLE, 0, true}, /* ignored */
	{"UNMERGEABLE", MADV_UNMERGEABLE, 0, true},
	{"HUGEPAGE", MADV_HUGEPAGE, 0, true},
	{"NOHUGEPAGE", MADV_NOHUGEPAGE, 0, true},
	{"DONTDUMP", MADV_DONTDUMP, 0, false},
	{"DODUMP", MADV_DODUMP, EINVAL, false},
	{"WIPEONFORK", MADV_WIPEONFORK, EINVAL, false},
	{"KEEPONFORK", MADV_KEEPONFORK, 0, false},
	{"COLD", MADV_COLD, EINVAL, false},
	{"PAGEOUT", MADV_PAGEOUT, EINVAL, false},
	{"POPULATE_READ", 22, EINVAL, false},
	{"POPULATE_WRITE", 23, EINVAL, false},
	{"DONTNEED_LOCKED", 24, EINVAL, false},
	{"COLLAPSE", 25, EINVAL, false},
	{"HWPOISON", 100, EFAULT, true},
	{"SOFT_OFFLINE", 101, EFAULT, true},
};

#define NR_ADVICES (sizeof(advices) / sizeof(advices[0]))

TEST_ARENA(each_advice_has_its_answer)
{
	prepare(self);
	for (size_t i = 0; i < NR_ADVICES; i++) {
		const struct advice *advice = &advices[i];
		int error = ERROR_OF(madvise(self->base, LENGTH(self), advice->number));

		test_context("MADV_%s", advice->name);
		if (!advice->may_be_unknown || error != EINVAL)
			EXPECT_EQ(error, advice->error);
		expect_intact(self);
		expect_flags_kept(self);
	}
}

/* Of a page, which no area may be split for, and of whole tables. */
TEST_ARENA(advice_on_a_part_is_harmless)
{
	prepare(self);
	for (size_t i = 0; i < NR_ADVICES; i++) {
		test_context("MADV_%s", advices[i].name);
		madvise(self->base + PAGE, PAGE, advices[i].number);
		madvise(self->base + XENMM_SPAN_BYTES, XENMM_SPAN_BYTES, advices[i].number);
		expect_intact(self);
		expect_flags_kept(self);
	}
}

TEST_ARENA(advice_by_pidfd)
{
	struct iovec all = {self->base, LENGTH(self)};
	int pidfd = syscall(SYS_pidfd_open, getpid(), 0);

	prepare(self);
	ASSERT_GE(pidfd, 0);
	EXPECT_EQ(ERROR_OF(syscall(SYS_process_madvise, pidfd, &all, 1, MADV_COLD, 0)), EINVAL);
	EXPECT_EQ(ERROR_OF(syscall(SYS_process_madvise, pidfd, &all, 1, MADV_PAGEOUT, 0)), EINVAL);
	expect_intact(self);
}

/* -------------------------------------------------------------------- mlock */

static void expect_not_locked(const struct arena *arena)
{
	EXPECT_EQ(status_kb("VmLck"), 0);
	expect_flags_kept(arena);
	expect_intact(arena);
}

TEST_ARENA(mlock_has_nothing_to_do)
{
	prepare(self);
	EXPECT_EQ(mlock(self->base, LENGTH(self)), 0);
	expect_not_locked(self);
	EXPECT_EQ(mlock2(self->base, LENGTH(self), MLOCK_ONFAULT), 0);
	expect_not_locked(self);
	mlock(self->base + PAGE, PAGE);
	expect_not_locked(self);
	EXPECT_EQ(munlock(self->base, LENGTH(self)), 0);
	expect_not_locked(self);
}

/* Everything else of the process is locked; arenas made before and after are not. */
TEST_ARENA(mlockall_leaves_arenas_out)
{
	struct arena later;
	long locked;

	prepare(self);
	ASSERT_EQ(mlockall(MCL_CURRENT | MCL_FUTURE), 0);
	expect_flags_kept(self);
	expect_intact(self);
	locked = status_kb("VmLck");
	later = arena_make(ARENA_PAGES);
	expect_flags_kept(&later);
	EXPECT_EQ(status_kb("VmLck"), locked);
	prepare(&later);
	expect_intact(&later);
	arena_close(&later);
	ASSERT_EQ(munlockall(), 0);
	expect_intact(self);
}

/* ----------------------------------------------------------- what can be seen */

static void expect_zeroes(const void *memory, size_t size)
{
	for (size_t i = 0; i < size; i++)
		ASSERT_EQ(((const char *)memory)[i], 0);
}

TEST_ARENA(mincore_and_pagemap_see_nothing)
{
	static unsigned char resident[ARENA_PAGES];
	static uint64_t entries[ARENA_PAGES];
	int pagemap = open("/proc/self/pagemap", O_RDONLY);

	prepare(self);
	memset(resident, 0xff, sizeof(resident));
	EXPECT_EQ(mincore(self->base, LENGTH(self), resident), 0);
	expect_zeroes(resident, sizeof(resident));
	if (pagemap < 0)
		return;
	memset(entries, 0xff, sizeof(entries));
	EXPECT_EQ(pread(pagemap, entries, sizeof(entries), (uintptr_t)self->base / PAGE * 8),
		  sizeof(entries));
	for (size_t page = 0; page < self->pages; page++)
		EXPECT_EQ(entries[page] & ~(1ULL << 55), 0); /* bit 55: soft-dirty, of the area */
	expect_intact(self);
}

/* Pages of an arena are VmPin, not VmRSS; its address space is VmSize. */
TEST(status_of_a_process_with_an_arena)
{
	long resident = status_kb("VmRSS"), size = status_kb("VmSize");
	struct arena arena = arena_make(ARENA_PAGES);

	populate(&arena, any_method(), 0, ARENA_PAGES);
	EXPECT_EQ(status_kb("VmPin"), ARENA_PAGES * PAGE / 1024);
	EXPECT_LE(status_kb("VmRSS") - resident, 1024);
	EXPECT_GE(status_kb("VmSize") - size, ARENA_PAGES * PAGE / 1024);
	EXPECT_EQ(status_kb("VmLck"), 0);
	arena_close(&arena);
	EXPECT_EQ(status_kb("VmPin"), 0);
	EXPECT_EQ(status_kb("VmSize"), size);
}

/* Referenced, dirty and soft-dirty bits: an arena has none that the kernel may clear. */
TEST_ARENA(clear_refs_is_harmless)
{
	static const char *const which[] = {"1", "2", "3", "4", "5"};

	prepare(self);
	for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
		test_context("clear_refs %s", which[i]);
		if (write_text("/proc/self/clear_refs", which[i]) == -ENOENT)
			test_skip("no /proc/self/clear_refs");
		expect_intact(self);
	}
	protect(self, any_method(), 0, self->pages, XENMM_PROT_READ);
	expect_read_only(page_at(self, self->pages - 1));
	protect(self, any_method(), 0, self->pages, XENMM_PROT_READ_WRITE);
	use_all_pages(self);
}

TEST_ARENA(every_view_of_proc_can_be_read)
{
	static const char *const views[] = {"/proc/self/maps", "/proc/self/smaps",
					    "/proc/self/smaps_rollup", "/proc/self/numa_maps",
					    "/proc/self/statm"};
	static char text[1 << 16];

	prepare(self);
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		test_context("%s", views[i]);
		if (access(views[i], R_OK) == 0)
			EXPECT_GE(read_text(views[i], text, sizeof(text)), 1);
	}
	expect_intact(self);
}

/* ------------------------------------------------------------------ watchers */

static int open_userfaultfd(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		test_skip("no userfaultfd in this kernel");
	ASSERT_EQ(ioctl(fd, UFFDIO_API, &api), 0);
	return fd;
}

TEST_ARENA(userfaultfd_cannot_watch_it)
{
	static const unsigned long modes[] = {UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP,
					      UFFDIO_REGISTER_MODE_MINOR};
	int fd = open_userfaultfd();

	prepare(self);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct uffdio_register request = {
			.range = {(uintptr_t)self->base, LENGTH(self)},
			.mode = modes[i],
		};

		test_context("mode %lu", modes[i]);
		EXPECT_EQ(ERROR_OF(ioctl(fd, UFFDIO_REGISTER, &request)), EINVAL);
	}
	expect_intact(self);
	expect_flags_kept(self);
}

/* -------------------------------------------------------------------- movers */

TEST_ARENA(pages_are_not_moved)
{
	void *pages[] = {self->base, page_at(self, 1)};
	const int nodes[] = {0, 0};
	unsigned long mask = 1;
	int status[] = {1, 1};

	prepare(self);
	if (!syscall(SYS_move_pages, 0, 2, pages, nodes, status, MPOL_MF_MOVE)) {
		EXPECT_LE(status[0], -1);
		EXPECT_LE(status[1], -1);
	}
	syscall(SYS_mbind, self->base, LENGTH(self), MPOL_BIND, &mask, 2, MPOL_MF_MOVE);
	syscall(SYS_mbind, self->base + PAGE, PAGE, MPOL_PREFERRED, &mask, 2, MPOL_MF_MOVE);
	write_text("/proc/sys/vm/compact_memory", "1");
	write_text("/proc/sys/vm/drop_caches", "3");
	expect_intact(self);
}

TEST_ARENA(msync_has_nothing_to_write)
{
	prepare(self);
	EXPECT_EQ(ERROR_OF(msync(self->base, LENGTH(self), MS_SYNC)), EINVAL);
	EXPECT_EQ(ERROR_OF(msync(self->base, LENGTH(self), MS_ASYNC)), 0);
	EXPECT_EQ(ERROR_OF(msync(self->base, LENGTH(self), MS_INVALIDATE)), 0);
	expect_intact(self);
}

/* The kernel unmaps first and maps then, which is refused: 2 MiB are gone, no more. */
TEST_ARENA(remap_file_pages_maps_nothing)
{
	prepare(self);
	EXPECT_TRUE(ERROR_OF(remap_file_pages(self->base + PAGE, PAGE, 0, 0, 0)));
	EXPECT_TRUE(ERROR_OF(remap_file_pages(self->base, PAGE, 0, 1, 0)));
	expect_intact(self);
	EXPECT_TRUE(ERROR_OF(remap_file_pages(page_at(self, self->pages - SPAN_PAGES),
					      XENMM_SPAN_BYTES, 0, 0, 0)));
	self->pages -= SPAN_PAGES;
	EXPECT_TRUE(!can_read(page_at(self, self->pages)));
	protect(self, any_method(), 0, self->pages, XENMM_PROT_READ_WRITE);
	use_all_pages(self);
}
