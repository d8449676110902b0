// SPDX-License-Identifier: GPL-2.0
/*
 * munmap and mremap of an arena or parts of it: whole tables may go, anything else
 * is refused and leaves the arena as it was (hazards.md, rules 6 and 7).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include "xenmm_test.h"

/* -------------------------------------------------------------------- mremap */

TEST_ARENA(mremap_is_refused)
{
	const size_t length = self->pages * PAGE;
	unsigned char *space = free_space(2 * length);
	const int move = MREMAP_MAYMOVE | MREMAP_FIXED;

	prepare(self);
	EXPECT_TRUE(ERROR_OF(mremap(self->base, length, length, move, space)));
	expect_intact(self);
	EXPECT_TRUE(ERROR_OF(mremap(self->base, length, length, move, space + PAGE)));
	EXPECT_TRUE(ERROR_OF(mremap(self->base, XENMM_SPAN_BYTES, XENMM_SPAN_BYTES, move, space)));
	EXPECT_TRUE(ERROR_OF(mremap(self->base + PAGE, PAGE, PAGE, move, space)));
	EXPECT_TRUE(ERROR_OF(mremap(self->base, length, length, move | MREMAP_DONTUNMAP, space)));
	expect_intact(self);
	EXPECT_TRUE(ERROR_OF(mremap(self->base, length, length + PAGE, 0)));
	EXPECT_TRUE(ERROR_OF(mremap(self->base, length, 2 * length, MREMAP_MAYMOVE)));
	EXPECT_TRUE(ERROR_OF(mremap(self->base, 0, length, MREMAP_MAYMOVE)));
	EXPECT_TRUE(ERROR_OF(mremap(self->base, 0, length, move, space)));
	expect_intact(self);
	EXPECT_EQ(ERROR_OF(mremap(self->base, length, length - PAGE, 0)), EINVAL);
	EXPECT_EQ(ERROR_OF(mremap(self->base, length, PAGE, MREMAP_MAYMOVE)), EINVAL);
	expect_intact(self);
}

/* ----------------------------------------------------------- munmap of a part */

TEST_ARENA(munmap_inside_a_table_is_refused)
{
	const size_t length = self->pages * PAGE;

	prepare(self);
	EXPECT_EQ(ERROR_OF(munmap(self->base, PAGE)), EINVAL);
	EXPECT_EQ(ERROR_OF(munmap(self->base + PAGE, PAGE)), EINVAL);
	EXPECT_EQ(ERROR_OF(munmap(self->base + length - PAGE, PAGE)), EINVAL);
	EXPECT_EQ(ERROR_OF(munmap(self->base, XENMM_SPAN_BYTES + PAGE)), EINVAL);
	EXPECT_EQ(ERROR_OF(munmap(self->base + PAGE, XENMM_SPAN_BYTES)), EINVAL);
	EXPECT_EQ(ERROR_OF(munmap(self->base + XENMM_SPAN_BYTES - PAGE, 2 * PAGE)), EINVAL);
	/* A mapping over a part of it; 6.1 makes ENOMEM of it. */
	EXPECT_TRUE(ERROR_OF(mmap(self->base + PAGE, PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)));
	expect_intact(self);
}

static void expect_hole(const struct arena *arena, size_t first, size_t pages)
{
	EXPECT_TRUE(!can_read(page_at(arena, first)));
	EXPECT_TRUE(!can_read(page_at(arena, first + pages - 1)));
	EXPECT_EQ(op_pages(arena, XENMM_IOC_POPULATE, any_method(), first, pages, 0), -EINVAL);
	EXPECT_EQ(op_pages(arena, XENMM_IOC_DISCARD, any_method(), first - 1, 2, 0), -EINVAL);
	EXPECT_EQ(op_pages(arena, XENMM_IOC_UNMAP, any_method(), first + pages - 1, 2, 0), -EINVAL);
	EXPECT_EQ(op_pages(arena, XENMM_IOC_MAP, any_method(), 0, arena->pages, 0), -EINVAL);
}

static void expect_usable(const struct arena *arena, size_t first, size_t pages)
{
	check_pages(arena, first, pages, 1);
	protect(arena, any_method(), first, pages, XENMM_PROT_READ);
	expect_read_only(page_at(arena, first));
	expect_read_only(page_at(arena, first + pages - 1));
	protect(arena, any_method(), first, pages, XENMM_PROT_READ_WRITE);
	unmap(arena, any_method(), first, pages);
	check_pages(arena, first, pages, 1);
	discard(arena, any_method(), first, pages);
	check_zero(arena, first, pages);
	fill_pages(arena, first, pages, 1);
}

/* Two holes; then the areas go one by one, and with the last one the pages. */
TEST_ARENA(munmap_of_whole_tables)
{
	struct xenmm_stats before = read_stats(self->fd), after;

	prepare(self);
	ASSERT_EQ(munmap(page_at(self, 1024), 512 * PAGE), 0);
	expect_hole(self, 1024, 512);
	expect_usable(self, 0, 1024);
	expect_usable(self, 1536, 2560);
	ASSERT_EQ(munmap(page_at(self, 2560), 1024 * PAGE), 0);
	expect_hole(self, 2560, 1024);
	expect_usable(self, 0, 1024);
	expect_usable(self, 1536, 1024);
	expect_usable(self, 3584, 512);
	EXPECT_EQ(ERROR_OF(device_map(self->fd, PAGE)), EBUSY);
	ASSERT_EQ(munmap(self->base, 1024 * PAGE), 0);
	expect_usable(self, 1536, 1024);
	ASSERT_EQ(munmap(page_at(self, 3584), 512 * PAGE), 0);
	expect_usable(self, 1536, 1024);
	ASSERT_EQ(munmap(page_at(self, 1536), 1024 * PAGE), 0);
	after = read_stats(self->fd);
	EXPECT_EQ(after.pages_allocated - before.pages_allocated,
		  after.pages_freed - before.pages_freed);
	EXPECT_EQ(status_kb("VmPin"), 0);
	self->base = device_map(self->fd, self->pages * PAGE);
	check_zero(self, 0, self->pages);
	use_all_pages(self);
}

/* Both areas at a hole's edges take faults with the largest window. */
TEST_ARENA(faults_beside_a_hole)
{
	ASSERT_EQ(munmap(page_at(self, 512), 512 * PAGE), 0);
	ASSERT_EQ(set_fault_window(512), 0);
	EXPECT_TRUE(can_write(page_at(self, 511)));
	EXPECT_TRUE(can_write(page_at(self, 1024)));
	EXPECT_TRUE(!can_read(page_at(self, 512)));
	EXPECT_TRUE(!can_read(page_at(self, 1023)));
	expect_present(self, 0, 512);
	expect_present(self, 1024, 512);
	expect_absent(self, 1536, self->pages - 1536);
	ASSERT_EQ(set_fault_window(16), 0);
}

TEST_ARENA(mremap_shrinks_by_whole_tables)
{
	prepare(self);
	EXPECT_EQ(mremap(self->base, self->pages * PAGE, 2 * XENMM_SPAN_BYTES, 0), self->base);
	expect_hole(self, 1024, self->pages - 1024);
	expect_usable(self, 0, 1024);
}
