// SPDX-License-Identifier: GPL-2.0
/*
 * Xen itself refuses chosen entries and steps (XENMM_INJECT=1): each page keeps its content
 * and its old or new protection, and the operation succeeds when tried again. Where nothing
 * helps the arena is dead; its end leaves nothing behind, nor a word in the kernel's log.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xenmm_inject.h"

#define TABLES 3
#define PAGES (TABLES * SPAN_PAGES)
#define FLIP_STEPS TABLES

static const struct method rebuild = {"rebuild", XENMM_METHOD_REBUILD, 0};
static const struct method flip = {"flip", XENMM_METHOD_FLIP, 0};

struct left {
	unsigned int after, times;
};

static struct left still_to_come(void)
{
	char text[48];
	struct left left;
	int found;

	ASSERT_GE(read_text(INJECT_PATH, text, sizeof(text)), 1);
	found = sscanf(text, "%u %u", &left.after, &left.times);
	ASSERT_EQ(found, 2);
	return left;
}

/* An operation and what it takes for it to change every page. */
struct step {
	const char *name;
	unsigned long request;
	__u32 prot;
	unsigned long before; /* 0: nothing */
	__u32 prot_before;
};

static const struct step steps[] = {
	{"unmap", XENMM_IOC_UNMAP, 0, 0, 0},
	{"map", XENMM_IOC_MAP, 0, XENMM_IOC_UNMAP, 0},
	{"protect ro", XENMM_IOC_PROTECT, XENMM_PROT_READ, 0, 0},
	{"protect rw", XENMM_IOC_PROTECT, XENMM_PROT_READ_WRITE, XENMM_IOC_PROTECT,
	 XENMM_PROT_READ},
};

static struct arena fresh_arena(const struct step *step)
{
	struct arena arena = arena_make(PAGES);

	populate(&arena, &rebuild, 0, PAGES);
	fill_pages(&arena, 0, PAGES, 3);
	if (step && step->before)
		ASSERT_EQ(op_pages(&arena, step->before, &rebuild, 0, PAGES, step->prot_before), 0);
	return arena;
}

static struct xenmm_op run_all(const struct arena *arena, const struct method *method,
			       unsigned long request, __u32 prot, int *answer)
{
	struct xenmm_range range = range_of(arena, 0, PAGES);
	struct xenmm_op op = make_op(method, &range, 1, prot);

	*answer = op_raw(arena->fd, request, &op);
	return op;
}

/* Pages in front of the one that failed have the new protection, the others the old. */
static void expect_protection(const struct arena *arena, size_t done, bool new_is_writable)
{
	for (size_t page = 0; page < PAGES; page += 73)
		EXPECT_EQ(can_write(page_at(arena, page)), (page < done) == new_is_writable);
}

static void expect_outcome(const struct arena *arena, const struct step *step,
			   const struct xenmm_op *op, int answer)
{
	EXPECT_EQ(answer, op->pages_done == PAGES ? 0 : -EIO);
	EXPECT_EQ(op->hypervisor_error, answer ? -ENOSYS : 0);
	if (step->request == XENMM_IOC_PROTECT)
		expect_protection(arena, op->pages_done, step->prot != XENMM_PROT_READ);
	check_pages(arena, 0, PAGES, 3);
}

/*
 * Of one table: unhook, unpin, alias, alias, pin, hook; without unpin and pin where
 * Linux pins no single tables (NR_CPUS below 4).
 */
static unsigned int count_rebuild_steps(void)
{
	struct arena arena = fresh_arena(NULL);
	unsigned int count;

	refuse(1000, 1, 0);
	protect(&arena, &rebuild, 0, PAGES, XENMM_PROT_READ);
	count = (1000 - still_to_come().after) / TABLES;
	refuse(0, 0, 0);
	arena_close(&arena);
	ASSERT_EQ(count == 4 || count == 6, true);
	return count;
}

/* The first step of it that comes after the stores. */
static unsigned int put_back_of_second_table(void)
{
	return count_rebuild_steps() * 3 / 2;
}

static void refuse_rebuild(const struct step *step, unsigned int after, unsigned int times)
{
	struct arena arena = fresh_arena(step);
	struct xenmm_stats before = read_stats(arena.fd);
	struct xenmm_op op;
	int answer;

	test_context("%s, steps %u to %u refused", step->name, after, after + times - 1);
	refuse(after, times, 0);
	op = run_all(&arena, &rebuild, step->request, step->prot, &answer);
	EXPECT_EQ(still_to_come().times, 0);
	expect_outcome(&arena, step, &op, answer);
	EXPECT_GE(read_stats(arena.fd).repairs, before.repairs + 1);
	run_all(&arena, &rebuild, step->request, step->prot, &answer);
	EXPECT_EQ(answer, 0);
	protect(&arena, &rebuild, 0, PAGES, XENMM_PROT_READ_WRITE);
	use_all_pages(&arena);
	arena_close(&arena);
}

TEST(rebuild_refused_at_any_step)
{
	unsigned int rebuild_steps;

	need_injection();
	rebuild_steps = count_rebuild_steps();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		for (unsigned int after = 0; after < TABLES * rebuild_steps; after++)
			refuse_rebuild(&steps[i], after, 1);
}

/* Two and more: the repair fails in turn, its second attempt may not. */
TEST(rebuild_and_its_repair_refused)
{
	unsigned int put_back;

	need_injection();
	put_back = put_back_of_second_table();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		for (unsigned int times = 2; times < 6; times++)
			refuse_rebuild(&steps[i], put_back, times);
}

/* ------------------------------------------------------------ single entries */

/* What Xen says, as far as the method hears of it; 0: there is nothing to inject. */
static int hypervisor_error_of(const struct method *method)
{
	switch (method->number) {
	case XENMM_METHOD_TRAP:
		return -EFAULT;
	case XENMM_METHOD_VA_MAPPING:
		return -EINVAL;
	case XENMM_METHOD_HYPERCALL:
	case XENMM_METHOD_MULTICALL:
	case XENMM_METHOD_BATCH:
		return -ENOSYS;
	}
	return 0;
}

static void refuse_entry(const struct arena *arena, const struct method *method, unsigned int after)
{
	struct xenmm_stats before = read_stats(arena->fd);
	struct xenmm_op op;
	int answer;

	test_context("%s, entry %u", method->name, after);
	refuse(after, 1, 0);
	op = run_all(arena, method, XENMM_IOC_PROTECT, XENMM_PROT_READ, &answer);
	EXPECT_EQ(answer, -EIO);
	EXPECT_EQ(op.hypervisor_error, hypervisor_error_of(method));
	EXPECT_EQ(op.pages_done, after);
	EXPECT_EQ(op.failed_address, (uintptr_t)page_at(arena, after));
	EXPECT_EQ(read_stats(arena->fd).errors - before.errors, 1);
	EXPECT_TRUE(can_write(page_at(arena, after)));
	if (method->number != XENMM_METHOD_MULTICALL) /* which goes on */
		expect_protection(arena, after, false);
	check_pages(arena, 0, PAGES, 3);
	protect(arena, method, 0, PAGES, XENMM_PROT_READ);
	expect_protection(arena, PAGES, false);
	protect(arena, method, 0, PAGES, XENMM_PROT_READ_WRITE);
}

TEST(any_entry_refused)
{
	static const unsigned int entries[] = {0, 1, 31, 32, 511, 512, 1000, PAGES - 1};
	struct arena arena;

	need_injection();
	arena = fresh_arena(NULL);
	for (size_t i = 0; i < nr_methods; i++)
		for (size_t j = 0; j < sizeof(entries) / sizeof(entries[0]); j++)
			if (hypervisor_error_of(&methods[i]))
				refuse_entry(&arena, &methods[i], entries[j]);
	arena_close(&arena);
}

/* A signal, nothing kept that was not mapped, and the next touch is served. */
TEST_ARENA(a_fault_refused)
{
	need_injection();
	for (unsigned int after = 0; after < 16; after++) {
		struct xenmm_stats before = read_stats(self->fd), now;

		test_context("entry %u of the window", after);
		refuse(after, 1, 0);
		EXPECT_EQ(probe_write(page_at(self, 40), 1).signal, SIGBUS);
		now = read_stats(self->fd);
		EXPECT_EQ(held_pages(&now) - held_pages(&before), after);
		EXPECT_EQ(now.errors - before.errors, 1);
		fill_pages(self, 0, SPAN_PAGES, 1);
		check_pages(self, 0, SPAN_PAGES, 1);
		discard(self, any_method(), 0, SPAN_PAGES);
	}
}

/* ------------------------------------------------------------------- flips */

static struct arena arena_with_twins(void)
{
	struct arena arena = fresh_arena(NULL);

	protect(&arena, &flip, 0, PAGES, XENMM_PROT_READ);
	protect(&arena, &flip, 0, PAGES, XENMM_PROT_READ_WRITE);
	return arena;
}

TEST(flip_refused_at_each_position)
{
	struct arena arena;

	need_injection();
	arena = arena_with_twins();
	for (unsigned int after = 0; after < FLIP_STEPS; after++) {
		struct xenmm_op op;
		int answer;

		test_context("position %u", after);
		refuse(after, 1, 0);
		op = run_all(&arena, &flip, XENMM_IOC_PROTECT, XENMM_PROT_READ, &answer);
		EXPECT_EQ(answer, -EIO);
		EXPECT_EQ(op.pages_done, after * SPAN_PAGES);
		EXPECT_EQ(op.hypervisor_error, -ENOSYS);
		expect_protection(&arena, op.pages_done, false);
		check_pages(&arena, 0, PAGES, 3);
		protect(&arena, &flip, 0, PAGES, XENMM_PROT_READ);
		expect_protection(&arena, PAGES, false);
		protect(&arena, &flip, 0, PAGES, XENMM_PROT_READ_WRITE);
		expect_protection(&arena, PAGES, true);
	}
	check_pages(&arena, 0, PAGES, 3);
	arena_close(&arena);
}

/* -------------------------------------------------------------------- death */

static void expect_dead(const struct arena *arena)
{
	EXPECT_EQ(op_pages(arena, XENMM_IOC_MAP, &rebuild, 0, 1, 0), -EIO);
	EXPECT_EQ(op_pages(arena, XENMM_IOC_DISCARD, &rebuild, 0, PAGES, 0), -EIO);
}

/* The table of span 1 is out and Xen takes it back no more, for now. */
static struct arena dead_by_rebuild(void)
{
	struct arena arena = fresh_arena(NULL);
	struct xenmm_op op;
	int answer;

	refuse(put_back_of_second_table(), 100, 0);
	op = run_all(&arena, &rebuild, XENMM_IOC_PROTECT, XENMM_PROT_READ, &answer);
	EXPECT_EQ(answer, -EIO);
	EXPECT_EQ(op.pages_done, SPAN_PAGES);
	refuse(0, 0, 0);
	expect_dead(&arena);
	check_pages(&arena, 0, SPAN_PAGES, 3);
	EXPECT_EQ(probe_read(page_at(&arena, SPAN_PAGES)).signal, SIGBUS);
	return arena;
}

/* The same while the tables that hang are ours, and the kernel's own are the twins. */
static struct arena dead_with_twins(void)
{
	struct arena arena = arena_with_twins();
	int answer;

	protect(&arena, &flip, 0, PAGES, XENMM_PROT_READ);
	refuse(put_back_of_second_table(), 100, 0);
	run_all(&arena, &rebuild, XENMM_IOC_PROTECT, XENMM_PROT_READ_WRITE, &answer);
	EXPECT_EQ(answer, -EIO);
	refuse(0, 0, 0);
	expect_dead(&arena);
	check_pages(&arena, 0, SPAN_PAGES, 3);
	return arena;
}

static void die_by_rebuild(struct arena *unused)
{
	(void)unused;
	dead_by_rebuild();
}

static void die_with_twins(struct arena *unused)
{
	(void)unused;
	dead_with_twins();
}

static void expect_nothing_left(const struct xenmm_stats *before)
{
	int fd = device_open();
	struct xenmm_stats now = read_stats(fd);

	EXPECT_EQ(held_pages(&now), held_pages(before));
	EXPECT_EQ(held_twins(&now), held_twins(before));
	close(fd);
}

TEST(dead_arenas_end_by_exit_without_a_trace)
{
	struct xenmm_stats before;

	need_injection();
	before = read_stats(device_open());
	EXPECT_EQ(run_child(die_by_rebuild, NULL), 0);
	EXPECT_EQ(run_child(die_with_twins, NULL), 0);
	expect_nothing_left(&before);
}

TEST(dead_arenas_end_by_munmap_without_a_trace)
{
	struct xenmm_stats before;
	struct arena arena;

	need_injection();
	before = read_stats(device_open());
	arena = dead_by_rebuild();
	arena_close(&arena);
	arena = dead_with_twins();
	arena_close(&arena);
	expect_nothing_left(&before);
}

/* Refused for good: the table and what it maps are lost, the guest goes on. */
static void lose_a_table(struct arena *unused)
{
	struct arena arena = fresh_arena(NULL);
	int answer;

	(void)unused;
	refuse(put_back_of_second_table(), 1000000, 0);
	run_all(&arena, &rebuild, XENMM_IOC_PROTECT, XENMM_PROT_READ, &answer);
	EXPECT_EQ(answer, -EIO);
}

TEST(a_lost_table_costs_its_pages_and_nothing_else)
{
	struct xenmm_stats before, now;
	struct arena arena;

	need_injection();
	before = read_stats(device_open());
	EXPECT_EQ(run_child(lose_a_table, NULL), 0);
	now = read_stats(device_open());
	EXPECT_EQ(held_pages(&now), held_pages(&before) + SPAN_PAGES);
	arena = fresh_arena(NULL);
	use_all_pages(&arena);
	arena_close(&arena);
}
