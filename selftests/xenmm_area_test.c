// SPDX-License-Identifier: GPL-2.0
/*
 * The arena as a memory area: mmap, mprotect, its flags, and rmmod (hazards.md, rules 5
 * and 7). Whatever is refused leaves the arena as it was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "xenmm_test.h"

#define RW (PROT_READ | PROT_WRITE)

/* ---------------------------------------------------------------------- mmap */

TEST(mmap_of_a_wrong_kind)
{
	static const struct {
		const char *name;
		int prot, flags;
		off_t offset;
		int error;
	} wrong[] = {
		{"private", RW, MAP_PRIVATE, 0, EINVAL},
		{"private, read-only", PROT_READ, MAP_PRIVATE, 0, EINVAL},
		{"executable", RW | PROT_EXEC, MAP_SHARED, 0, EPERM},
		{"read-only", PROT_READ, MAP_SHARED, 0, EINVAL},
		{"write-only", PROT_WRITE, MAP_SHARED, 0, EINVAL},
		{"no access", PROT_NONE, MAP_SHARED, 0, EINVAL},
		{"offset of a page", RW, MAP_SHARED, PAGE, EINVAL},
		{"offset of 2 MiB", RW, MAP_SHARED, XENMM_SPAN_BYTES, EINVAL},
	};
	int fd = device_open();

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		test_context("%s", wrong[i].name);
		EXPECT_EQ(ERROR_OF(mmap(NULL, XENMM_SPAN_BYTES, wrong[i].prot, wrong[i].flags, fd,
					wrong[i].offset)),
			  wrong[i].error);
	}
	test_context("afterwards");
	EXPECT_NE(device_map(fd, XENMM_SPAN_BYTES), MAP_FAILED);
}

TEST(mmap_of_a_wrong_size)
{
	int fd = device_open();

	EXPECT_EQ(ERROR_OF(device_map(fd, 0)), EINVAL);
	EXPECT_EQ(ERROR_OF(device_map(fd, 1UL << 47)), ENOMEM);
	EXPECT_EQ(ERROR_OF(device_map(fd, (1UL << 47) - PAGE)), ENOMEM);
	EXPECT_EQ(ERROR_OF(device_map(fd, -PAGE)), ENOMEM);
}

TEST(mmap_at_a_chosen_address)
{
	unsigned char *space = free_space(4 * XENMM_SPAN_BYTES);
	const int flags = MAP_SHARED | MAP_FIXED_NOREPLACE;
	struct arena arena = {.fd = device_open(), .pages = SPAN_PAGES};

	EXPECT_EQ(ERROR_OF(mmap(space + PAGE, XENMM_SPAN_BYTES, RW, flags, arena.fd, 0)), EINVAL);
	EXPECT_EQ(ERROR_OF(mmap(space + PAGE, XENMM_SPAN_BYTES, RW, MAP_SHARED | MAP_FIXED,
				arena.fd, 0)),
		  EINVAL);
	/* A hint is rounded up, not refused. */
	arena.base = mmap(space + PAGE, XENMM_SPAN_BYTES, RW, MAP_SHARED, arena.fd, 0);
	EXPECT_EQ(arena.base, space + XENMM_SPAN_BYTES);
	use_all_pages(&arena);
	ASSERT_EQ(munmap(arena.base, XENMM_SPAN_BYTES), 0);
	arena.base = mmap(space, XENMM_SPAN_BYTES, RW, flags, arena.fd, 0);
	EXPECT_EQ(arena.base, space);
	check_zero(&arena, 0, arena.pages);
	use_all_pages(&arena);
}

TEST_ARENA(second_mmap)
{
	prepare(self);
	EXPECT_EQ(ERROR_OF(device_map(self->fd, XENMM_SPAN_BYTES)), EBUSY);
	EXPECT_EQ(ERROR_OF(device_map(self->fd, PAGE)), EBUSY);
	expect_intact(self);
}

TEST(mmap_again_after_munmap)
{
	struct arena arena = arena_make(SPAN_PAGES + 3);

	for (int i = 0; i < 20; i++) {
		check_zero(&arena, 0, arena.pages);
		use_all_pages(&arena);
		protect(&arena, any_method(), 0, arena.pages, XENMM_PROT_READ);
		ASSERT_EQ(munmap(arena.base, arena.pages * PAGE), 0);
		arena.base = device_map(arena.fd, arena.pages * PAGE);
		ASSERT_NE(arena.base, MAP_FAILED);
	}
}

/* The new mapping replaces the old one, which the kernel takes away first. */
TEST_ARENA(mmap_over_itself)
{
	prepare(self);
	ASSERT_EQ(mmap(self->base, self->pages * PAGE, RW, MAP_SHARED | MAP_FIXED, self->fd, 0),
		  self->base);
	check_zero(self, 0, self->pages);
	use_all_pages(self);
}

TEST_ARENA(populate_and_lock_flags_are_harmless)
{
	int fd = device_open();
	struct arena arena = {.fd = fd, .pages = SPAN_PAGES};

	arena.base =
		mmap(NULL, XENMM_SPAN_BYTES, RW, MAP_SHARED | MAP_POPULATE | MAP_LOCKED, fd, 0);
	ASSERT_NE(arena.base, MAP_FAILED);
	mlock(arena.base, XENMM_SPAN_BYTES);
	munlock(arena.base, XENMM_SPAN_BYTES);
	check_zero(&arena, 0, arena.pages);
	use_all_pages(&arena);
}

/* --------------------------------------------------------------------- smaps */

TEST_ARENA(flags_of_the_area)
{
	static const char *const wanted[] = {" rd ", " wr ", " sh ", " io ",
					     " pf ", " de ", " dc ", " dd "};
	char flags[512];

	prepare(self);
	read_vm_flags(self->base, flags);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		test_context("%s in%s", wanted[i], flags);
		EXPECT_TRUE(strstr(flags, wanted[i]));
	}
	EXPECT_TRUE(!strstr(flags, " ex ") && !strstr(flags, " me "));
	EXPECT_TRUE(!strstr(flags, " mm "));
}

/* -------------------------------------------------------------------- mprotect */

TEST_ARENA(mprotect_is_refused)
{
	static const int prots[] = {PROT_NONE, PROT_READ, RW, RW | PROT_EXEC,
				    PROT_READ | PROT_EXEC};

	prepare(self);
	for (size_t i = 0; i < sizeof(prots) / sizeof(prots[0]); i++) {
		test_context("prot %d", prots[i]);
		if (prots[i] != RW) /* no change: the kernel may not even ask */
			EXPECT_EQ(ERROR_OF(mprotect(self->base, self->pages * PAGE, prots[i])),
				  EACCES);
		mprotect(self->base, self->pages * PAGE, prots[i]);
		syscall(SYS_pkey_mprotect, self->base, self->pages * PAGE, prots[i], -1);
		mprotect(self->base + PAGE, PAGE, prots[i]);
		mprotect(self->base + XENMM_SPAN_BYTES, XENMM_SPAN_BYTES, prots[i]);
		expect_intact(self);
	}
}

/* -------------------------------------------------------------------- module */

/* With the descriptor closed, the mapping alone keeps the module. */
TEST_ARENA(module_stays_while_an_arena_is_mapped)
{
	ASSERT_EQ(close(self->fd), 0);
	use_all_pages(self);
	EXPECT_NE(syscall(SYS_delete_module, "xenmm", O_NONBLOCK), 0);
	EXPECT_TRUE(errno == EWOULDBLOCK || errno == EBUSY);
	check_pages(self, 0, self->pages, 0x5a);
	self->fd = device_open(); /* for the teardown */
}
