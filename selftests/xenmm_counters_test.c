// SPDX-License-Identifier: GPL-2.0
/*
 * What 4096 pages cost by each method, exactly, by the ioctl and by debugfs; the
 * histogram; reset. Nothing else may use the module meanwhile.
 */
#define _GNU_SOURCE
#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xenmm_test.h"

#define N ARENA_PAGES
#define NR_TABLES (N / SPAN_PAGES)
#define NR_BUCKETS 12

/*
 * Hypercalls of `batch` for N pages. One that is no power of two does not fill
 * tables evenly: at most one more a table.
 */
static void expect_batch_hypercalls(__u32 batch, __u64 seen)
{
	EXPECT_GE(seen, (N + batch - 1) / batch);
	if (batch & (batch - 1))
		EXPECT_LE(seen, N / batch + 1 + NR_TABLES);
	else
		EXPECT_EQ(seen, N / batch);
}

/* The updates alone of N entries, the effect and the flush left out. */
static struct xenmm_stats update_growth(const struct method *method, __u64 seen_hypercalls)
{
	struct xenmm_stats growth = {};

	switch (is_native(method) ? XENMM_METHOD_NATIVE : method->number) {
	case XENMM_METHOD_TRAP:
		growth.traps = N;
		break;
	case XENMM_METHOD_HYPERCALL:
		growth.hypercalls = growth.mmu_updates = N;
		break;
	case XENMM_METHOD_VA_MAPPING:
		growth.hypercalls = growth.va_mappings = N;
		break;
	case XENMM_METHOD_MULTICALL: /* of 32 */
		growth.hypercalls = growth.multicalls = N / 32;
		growth.mmu_updates = N;
		break;
	case XENMM_METHOD_LAZY:
		growth.lazy_updates = N;
		break;
	case XENMM_METHOD_BATCH:
		expect_batch_hypercalls(method->batch, seen_hypercalls);
		growth.hypercalls = seen_hypercalls;
		growth.mmu_updates = N;
		break;
	case XENMM_METHOD_NATIVE:
		growth.native_stores = N;
		break;
	case XENMM_METHOD_AUTO:	   /* which takes the cheapest, for whole tables of anything */
	case XENMM_METHOD_REBUILD: /* unhooked and hooked */
		growth.hypercalls = growth.mmu_updates = 2 * NR_TABLES;
		growth.tables_rebuilt = NR_TABLES;
		break;
	}
	return growth;
}

/* Taking rights away costs a flush; on native the kernel does all, a table each. */
static void add_revocation(const struct method *method, struct xenmm_stats *growth)
{
	growth->tlb_flushes = is_native(method) ? NR_TABLES : 1;
	if (is_native(method))
		growth->native_stores = 0;
}

static void expect_update(const struct arena *arena, const struct method *wanted,
			  const struct xenmm_stats *before, struct xenmm_stats effect, bool revokes)
{
	const struct method *method = method_for(wanted, 0);
	struct xenmm_stats now = read_stats(arena->fd);
	struct xenmm_stats growth = update_growth(method, now.hypercalls - before->hypercalls);
	bool calls = growth.hypercalls;

	if (revokes)
		add_revocation(method, &growth);
	growth.pages_mapped = effect.pages_mapped;
	growth.pages_unmapped = effect.pages_unmapped;
	growth.pages_protected = effect.pages_protected;
	growth.pages_allocated = effect.pages_allocated;
	growth.pages_freed = effect.pages_freed;
	expect_growth(arena->fd, before, &growth);
	EXPECT_EQ(now.hypercall_cycles != before->hypercall_cycles, calls);
	EXPECT_EQ(now.trap_cycles != before->trap_cycles, growth.traps != 0);
}

TEST_BATCHES(populate_and_discard)
{
	struct xenmm_stats before = read_stats(self->fd);

	populate(self, method, 0, N);
	expect_update(self, method, &before,
		      (struct xenmm_stats){.pages_mapped = N, .pages_allocated = N}, false);
	before = read_stats(self->fd);
	discard(self, method, 0, N);
	expect_update(self, method, &before,
		      (struct xenmm_stats){.pages_unmapped = N, .pages_freed = N}, true);
}

TEST_BATCHES(map_and_unmap)
{
	struct xenmm_stats before;

	populate(self, method, 0, N);
	before = read_stats(self->fd);
	unmap(self, method, 0, N);
	expect_update(self, method, &before, (struct xenmm_stats){.pages_unmapped = N}, true);
	before = read_stats(self->fd);
	map(self, method, 0, N);
	expect_update(self, method, &before, (struct xenmm_stats){.pages_mapped = N}, false);
}

/*
 * Twins are made when a table is flipped for the first time: one hypercall for each, which
 * pins it, and where Linux pins no single tables one for the kernel's own. All tables go in one
 * hypercall, unless the arena spans two L2 tables.
 */
static void expect_flips(const struct arena *arena, const struct xenmm_stats *before, bool is_first)
{
	__u64 hypercalls = read_stats(arena->fd).hypercalls - before->hypercalls;
	struct xenmm_stats growth = {
		.hypercalls = hypercalls,
		.mmu_updates = NR_TABLES,
		.tables_flipped = NR_TABLES,
		.tlb_flushes = 1,
	};

	if (is_first) {
		growth.twins_made = NR_TABLES;
		growth.twin_updates = N;
	}
	EXPECT_GE(hypercalls, 1 + growth.twins_made);
	EXPECT_LE(hypercalls, 2 + 2 * growth.twins_made);
	expect_growth(arena->fd, before, &growth);
}

static void protect_counts_flips(const struct arena *arena, const struct method *method)
{
	populate(arena, method, 0, N);
	for (int round = 0; round < 4; round++) {
		struct xenmm_stats before = read_stats(arena->fd);

		protect(arena, method, 0, N, round % 2 ? XENMM_PROT_READ_WRITE : XENMM_PROT_READ);
		expect_flips(arena, &before, !round);
	}
}

TEST_BATCHES(protect_and_back)
{
	struct xenmm_stats before;

	if (may_flip(method))
		return protect_counts_flips(self, method);
	populate(self, method, 0, N);
	before = read_stats(self->fd);
	protect(self, method, 0, N, XENMM_PROT_READ);
	expect_update(self, method, &before, (struct xenmm_stats){.pages_protected = N}, true);
	map(self, method, 0, N); /* native took the entries away */
	before = read_stats(self->fd);
	protect(self, method, 0, N, XENMM_PROT_READ_WRITE);
	expect_update(self, method, &before, (struct xenmm_stats){.pages_protected = N}, false);
}

/* Ahead of munmap entries are cleared, where they would trap one by one. */
TEST(munmap_counts_cleared_entries_and_freed_pages)
{
	struct arena arena = arena_make(N);
	struct xenmm_stats before, growth = {.pages_freed = N};

	if (!is_native(any_method())) {
		growth.teardown_pages = N;
		growth.hypercalls = growth.mmu_updates = 2 * NR_TABLES;
		growth.tables_rebuilt = growth.tlb_flushes = NR_TABLES;
	}
	populate(&arena, any_method(), 0, N);
	before = read_stats(arena.fd);
	ASSERT_EQ(munmap(arena.base, N * PAGE), 0);
	expect_growth(arena.fd, &before, &growth);
	ASSERT_EQ(close(arena.fd), 0);
}

/* -------------------------------------------------------------- histogram */

/* `size count` a line to the end, each size twice the last. */
static void read_sizes(char *at, __u64 size, unsigned int lines, __u64 *counts)
{
	for (unsigned int i = 0; i < lines; i++) {
		ASSERT_EQ(strtoull(at, &at, 10), size << i);
		ASSERT_EQ(*at, ' ');
		counts[i] = strtoull(at, &at, 10);
		ASSERT_EQ(*at++, '\n');
	}
	ASSERT_EQ(*at, '\0');
}

static void read_histogram(__u64 *buckets)
{
	char text[1024];

	ASSERT_GE(read_text(HISTOGRAM_PATH, text, sizeof(text)), 1);
	read_sizes(text, 1, NR_BUCKETS, buckets);
}

/* The bucket of the updates that most hypercalls of a method carry. */
static int bucket_of(const struct method *method)
{
	switch (method->number) {
	case XENMM_METHOD_HYPERCALL:
	case XENMM_METHOD_VA_MAPPING:
		return 0;
	case XENMM_METHOD_MULTICALL:
		return 5;
	case XENMM_METHOD_BATCH:
		return (method->batch & (method->batch - 1)) ? -1 : __builtin_ctz(method->batch);
	}
	return -1;
}

TEST_BATCHES(histogram_has_every_hypercall)
{
	__u64 before[NR_BUCKETS], after[NR_BUCKETS], sum = 0;
	struct xenmm_stats stats = read_stats(self->fd);
	int bucket = bucket_of(method);

	read_histogram(before);
	populate(self, method, 0, N);
	unmap(self, method, 0, N);
	read_histogram(after);
	for (int i = 0; i < NR_BUCKETS; i++)
		sum += after[i] - before[i];
	EXPECT_EQ(sum, read_stats(self->fd).hypercalls - stats.hypercalls);
	if (bucket >= 0)
		EXPECT_EQ(after[bucket] - before[bucket], sum);
}

/* ------------------------------------------------------- preemption that is off */

#define NR_SECTIONS 20

struct sections {
	__u64 longest, count[NR_SECTIONS];
};

static void read_sections(struct sections *sections)
{
	char text[1024], *at = text + strlen("longest ");

	ASSERT_GE(read_text(SECTIONS_PATH, text, sizeof(text)), 1);
	ASSERT_EQ(strncmp(text, "longest ", strlen("longest ")), 0);
	sections->longest = strtoull(at, &at, 10);
	ASSERT_EQ(*at++, '\n');
	read_sizes(at, 1024, NR_SECTIONS, sections->count);
}

static __u64 sum_of_sections(const struct sections *sections)
{
	__u64 sum = 0;

	for (unsigned int i = 0; i < NR_SECTIONS; i++)
		sum += sections->count[i];
	return sum;
}

/* One for four tables at least. How long they are depends on the machine. */
TEST_METHODS(sections_are_noted)
{
	struct sections before, after;

	read_sections(&before);
	populate(self, method, 0, ARENA_PAGES);
	unmap(self, method, 0, ARENA_PAGES);
	read_sections(&after);
	EXPECT_GE(sum_of_sections(&after) - sum_of_sections(&before),
		  2 * ARENA_PAGES / SPAN_PAGES / 4);
	EXPECT_NE(after.longest, 0);
}

/* ---------------------------------------------------------------- debugfs */

/* `name value` a line, in the order of struct xenmm_stats. */
static void read_debugfs(struct xenmm_stats *stats)
{
	char text[4096], *at = text, *end;
	__u64 *values = (__u64 *)stats;

	memset(stats, 0, sizeof(*stats));
	ASSERT_GE(read_text(STATS_PATH, text, sizeof(text)), 1);
	for (size_t i = 0; i < NR_COUNTERS; i++, at = end) {
		size_t length = strlen(counter_names[i]);

		test_context("%s", counter_names[i]);
		ASSERT_EQ(strncmp(at, counter_names[i], length), 0);
		ASSERT_EQ(at[length], ' ');
		values[i] = strtoull(at + length, &end, 10);
		ASSERT_EQ(*end++, '\n');
	}
	ASSERT_EQ(*at, '\0');
	test_context("%s", "");
}

static void expect_debugfs_is_ioctl(int fd)
{
	struct xenmm_stats by_ioctl = read_stats(fd), by_debugfs;

	read_debugfs(&by_debugfs);
	EXPECT_EQ(memcmp(&by_ioctl, &by_debugfs, sizeof(by_ioctl)), 0);
}

TEST_ARENA(debugfs_says_what_the_ioctl_says)
{
	expect_debugfs_is_ioctl(self->fd);
	use_all_pages(self);
	expect_debugfs_is_ioctl(self->fd);
	discard(self, any_method(), 0, N);
	expect_debugfs_is_ioctl(self->fd);
}

/* Each field of the uapi struct has its name in debugfs, at its place. */
TEST(debugfs_names_every_counter)
{
	static_assert(offsetof(struct xenmm_stats, reserved) == NR_COUNTERS * sizeof(__u64),
		      "a name each");
#define EXPECT_NAME(field)                                                                   \
	EXPECT_EQ(strcmp(counter_names[offsetof(struct xenmm_stats, field) / sizeof(__u64)], \
			 #field),                                                            \
		  0)
	EXPECT_NAME(hypercalls);
	EXPECT_NAME(mmu_updates);
	EXPECT_NAME(traps);
	EXPECT_NAME(va_mappings);
	EXPECT_NAME(multicalls);
	EXPECT_NAME(lazy_updates);
	EXPECT_NAME(native_stores);
	EXPECT_NAME(tlb_flushes);
	EXPECT_NAME(faults);
	EXPECT_NAME(fault_around_pages);
	EXPECT_NAME(pages_mapped);
	EXPECT_NAME(pages_unmapped);
	EXPECT_NAME(pages_protected);
	EXPECT_NAME(pages_allocated);
	EXPECT_NAME(pages_freed);
	EXPECT_NAME(errors);
	EXPECT_NAME(partial_batches);
	EXPECT_NAME(hypercall_cycles);
	EXPECT_NAME(trap_cycles);
	EXPECT_NAME(tables_rebuilt);
	EXPECT_NAME(tables_flipped);
	EXPECT_NAME(twins_made);
	EXPECT_NAME(twins_dropped);
	EXPECT_NAME(twin_updates);
	EXPECT_NAME(teardown_pages);
	EXPECT_NAME(repairs);
	EXPECT_NAME(writes_noted);
}

/* Arenas that hold pages would end up with more freed than allocated: none here. */
TEST(reset_zeroes_everything)
{
	struct arena arena = arena_make(N);
	struct xenmm_stats zero = {}, now;
	__u64 buckets[NR_BUCKETS];
	struct sections sections;

	use_all_pages(&arena);
	discard(&arena, any_method(), 0, N);
	EXPECT_NE(read_stats(arena.fd).pages_mapped, 0);
	ASSERT_EQ(write_text(RESET_PATH, "1"), 0);
	now = read_stats(arena.fd);
	EXPECT_EQ(memcmp(&now, &zero, sizeof(now)), 0);
	expect_debugfs_is_ioctl(arena.fd);
	read_histogram(buckets);
	for (int i = 0; i < NR_BUCKETS; i++)
		EXPECT_EQ(buckets[i], 0);
	read_sections(&sections);
	EXPECT_EQ(sum_of_sections(&sections), 0);
	EXPECT_EQ(sections.longest, 0);
	populate(&arena, any_method(), 0, 5);
	EXPECT_EQ(read_stats(arena.fd).pages_allocated, 5);
	arena_close(&arena);
}
