// SPDX-License-Identifier: GPL-2.0
/*
 * The module's trace events, as trace-cmd, perf and bpftrace see them: through tracefs. Each
 * tells what the counters count, at the right address; off, there is nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "xenmm_test.h"

#define TRACEFS "/sys/kernel/tracing"
#define INJECT_PATH "/sys/kernel/debug/xenmm/inject"
#define EVENTS TRACEFS "/events/xenmm"
#define PAGES (2 * SPAN_PAGES)

static char text[1 << 20];

static bool is_pv(void)
{
	return read_info().guest == XENMM_GUEST_XEN_PV;
}

/* To open it for writing anew is what empties it. */
static void clear(void)
{
	int fd = open(TRACEFS "/trace", O_WRONLY | O_TRUNC);

	ASSERT_GE(fd, 0);
	close(fd);
}

/* An empty trace, with all events of the module. */
static void start(void)
{
	mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	if (access(EVENTS, F_OK))
		test_skip("this kernel has no trace events");
	clear();
	ASSERT_EQ(write_text(EVENTS "/enable", "1"), 0);
}

static void stop(void)
{
	ASSERT_EQ(write_text(EVENTS "/enable", "0"), 0);
	ASSERT_GE(read_text(TRACEFS "/trace", text, sizeof(text)), 1);
}

/* How many events of this name there are; the sum of one of their fields. */
static unsigned long events(const char *name, const char *field, long *sum)
{
	char start_of[64], key[32];
	unsigned long seen = 0;
	const char *at = text;

	snprintf(start_of, sizeof(start_of), " %s: ", name);
	snprintf(key, sizeof(key), "%s=", field);
	*sum = 0;
	while ((at = strstr(at, start_of))) {
		at = strstr(at, key);
		ASSERT_TRUE(at);
		*sum += strtol(at + strlen(key), NULL, 0);
		seen++;
	}
	return seen;
}

/* What this process did to a populated arena of PAGES, by `request` and a method. */
static struct xenmm_stats traced(struct arena *arena, unsigned long request, __u32 method,
				 __u32 batch, __u32 prot)
{
	struct xenmm_range range = range_of(arena, 0, PAGES);
	struct xenmm_op op = {
		.ranges = (uintptr_t)&range,
		.nr_ranges = 1,
		.method = method,
		.batch = batch,
		.prot = prot,
	};
	struct xenmm_stats before, after;

	start();
	before = read_stats(arena->fd);
	ASSERT_EQ(op_raw(arena->fd, request, &op), 0);
	after = read_stats(arena->fd);
	stop();
	before.mmu_updates = after.mmu_updates - before.mmu_updates;
	before.tables_rebuilt = after.tables_rebuilt - before.tables_rebuilt;
	before.tables_flipped = after.tables_flipped - before.tables_flipped;
	return before;
}

static struct arena populated(void)
{
	struct arena arena = arena_make(PAGES);

	use_all_pages(&arena);
	return arena;
}

TEST(a_batch_begins_and_is_committed)
{
	struct arena arena = populated();
	struct xenmm_stats counted;
	long updates, done, errors;
	unsigned long begun;

	if (!is_pv())
		test_skip("no batch without Xen PV");
	counted = traced(&arena, XENMM_IOC_PROTECT, XENMM_METHOD_BATCH, 64, XENMM_PROT_READ);
	begun = events("xenmm_batch_begin", "updates", &updates);
	EXPECT_GE(begun, 1);
	EXPECT_EQ(updates, (long)counted.mmu_updates);
	EXPECT_EQ(events("xenmm_batch_commit", "done", &done), begun);
	EXPECT_EQ(done, updates);
	events("xenmm_batch_commit", "error", &errors);
	EXPECT_EQ(errors, 0);
	EXPECT_EQ(events("xenmm_batch_partial", "done", &done), 0);
}

/* By the module in which Xen can be made to refuse entries. */
TEST(what_xen_refuses_in_part_says_how_far_it_came)
{
	struct arena arena;
	struct xenmm_range range;
	struct xenmm_op op = {
		.nr_ranges = 1,
		.method = XENMM_METHOD_BATCH,
		.batch = 64,
		.prot = XENMM_PROT_READ,
	};
	long done, error;

	if (access(INJECT_PATH, W_OK) || !is_pv())
		test_skip("this module was built without fault injection");
	arena = populated();
	range = range_of(&arena, 0, PAGES);
	op.ranges = (uintptr_t)&range;
	start();
	ASSERT_EQ(write_text(INJECT_PATH, "100 1"), 0);
	EXPECT_EQ(op_raw(arena.fd, XENMM_IOC_PROTECT, &op), -EIO);
	stop();
	EXPECT_EQ(events("xenmm_batch_partial", "done", &done), 1);
	EXPECT_EQ(done, 100);
	events("xenmm_batch_partial", "error", &error);
	EXPECT_EQ(error, op.hypervisor_error);
	EXPECT_LE(error, -1);
}

TEST(tables_that_are_rebuilt_are_named)
{
	struct arena arena = populated();
	struct xenmm_stats counted;
	long changed, addresses;

	if (!is_pv())
		test_skip("no table is rebuilt without Xen PV");
	counted = traced(&arena, XENMM_IOC_PROTECT, XENMM_METHOD_REBUILD, 0, XENMM_PROT_READ);
	EXPECT_EQ(counted.tables_rebuilt, 2);
	EXPECT_EQ(events("xenmm_table_rebuilt", "changed", &changed), counted.tables_rebuilt);
	EXPECT_EQ(changed, (long)PAGES);
	events("xenmm_table_rebuilt", "address", &addresses);
	EXPECT_EQ(addresses, (long)(2 * (unsigned long)arena.base + SPAN_PAGES * PAGE));
}

TEST(tables_that_are_flipped_are_named)
{
	struct arena arena = populated();
	struct xenmm_stats counted;
	unsigned long flips;
	long tables, address;

	if (!is_pv())
		test_skip("no table is flipped without Xen PV");
	traced(&arena, XENMM_IOC_PROTECT, XENMM_METHOD_FLIP, 0, XENMM_PROT_READ); /* makes twins */
	counted = traced(&arena, XENMM_IOC_PROTECT, XENMM_METHOD_FLIP, 0, XENMM_PROT_READ_WRITE);
	EXPECT_EQ(counted.tables_flipped, 2);
	flips = events("xenmm_tables_flipped", "tables", &tables);
	EXPECT_EQ(tables, 2);
	events("xenmm_tables_flipped", "address", &address);
	/* One by one where the arena spans two L2 tables. */
	if (flips == 2)
		EXPECT_EQ(address, (long)(2 * (unsigned long)arena.base + SPAN_PAGES * PAGE));
	else
		EXPECT_EQ(address, (long)arena.base);
	EXPECT_GE(flips, 1);
	EXPECT_LE(flips, 2);
}

TEST(a_fault_is_named)
{
	struct arena arena = arena_make(PAGES);
	long address, write, errors;

	start();
	*(volatile unsigned char *)page_at(&arena, 100) = 1;
	stop();
	EXPECT_EQ(events("xenmm_fault", "address", &address), 1);
	EXPECT_EQ(address, (long)page_at(&arena, 100));
	events("xenmm_fault", "write", &write);
	EXPECT_EQ(write, 1);
	events("xenmm_fault", "error", &errors);
	EXPECT_EQ(errors, 0);
}

TEST(off_there_is_nothing)
{
	struct arena arena = arena_make(PAGES);

	start();
	stop();
	use_all_pages(&arena);
	ASSERT_GE(read_text(TRACEFS "/trace", text, sizeof(text)), 1);
	EXPECT_TRUE(!strstr(text, "xenmm_"));
}

TEST(who_is_not_root_sees_none)
{
	start();
	stop();
	become_nobody();
	EXPECT_EQ(read_text(TRACEFS "/trace", text, sizeof(text)), -EACCES);
}
