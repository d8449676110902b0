// SPDX-License-Identifier: GPL-2.0
/*
 * Xen may refuse any entry of a hypercall, for any reason: every entry of each batch of up to
 * 64, every reason that Xen 4.17 knows, and larger batches at random. What was done and
 * what was not is as reported, and the same call completes it.
 *
 * Each entry meets one reason, each reason all entries; with XENMM_EXHAUSTIVE=1 in the
 * environment each entry meets all, and where XENMM_STEPS says that the guest is slow, some
 * entries none.
 */
#define _GNU_SOURCE
#include <errno.h>

#include "xenmm_inject.h"

#define MOST_PAGES 64
#define NR_RANDOM 400
#define SEED 11

/* What xen/arch/x86/mm.c and what it calls return for page tables; ERESTART stays inside. */
static const int answers[] = {EPERM,  ENOENT, ESRCH,  EINTR,  EAGAIN, ENOMEM,	 EACCES,
			      EFAULT, EBUSY,  EINVAL, ENOSYS, EILSEQ, EOPNOTSUPP};

#define NR_ANSWERS (sizeof(answers) / sizeof(answers[0]))

static bool is_exhaustive(void)
{
	return getenv("XENMM_EXHAUSTIVE");
}

/* Every entry, or one of so many. */
static unsigned int stride(void)
{
	return getenv("XENMM_STEPS") ? 7 : 1;
}

/* An operation, and the one before it that makes it change every page. */
static const struct deed {
	const char *name;
	unsigned long request;
	__u32 prot;
	unsigned long before;
	__u32 prot_before;
	int holds; /* pages that it takes, for each done */
} deeds[] = {
	{"protect ro", XENMM_IOC_PROTECT, XENMM_PROT_READ, XENMM_IOC_PROTECT, 3, 0},
	{"protect rw", XENMM_IOC_PROTECT, XENMM_PROT_READ_WRITE, XENMM_IOC_PROTECT, 1, 0},
	{"unmap", XENMM_IOC_UNMAP, 0, XENMM_IOC_MAP, 0, 0},
	{"map", XENMM_IOC_MAP, 0, XENMM_IOC_UNMAP, 0, 0},
	{"discard", XENMM_IOC_DISCARD, 0, XENMM_IOC_POPULATE, 0, -1},
	{"populate", XENMM_IOC_POPULATE, 0, XENMM_IOC_DISCARD, 0, 1},
};

#define NR_DEEDS (sizeof(deeds) / sizeof(deeds[0]))

struct trial {
	const struct deed *deed;
	struct method method;
	size_t pages;
	unsigned int after; /* the entry that is refused */
	int answer;
};

/* ----------------------------------------------------------------- one refusal */

static int expected_answer(const struct trial *trial)
{
	return trial->method.number == XENMM_METHOD_TRAP ? -EFAULT : -trial->answer;
}

static void expect_protection(const struct arena *arena, const struct trial *trial)
{
	const bool takes = trial->deed->prot == XENMM_PROT_READ;

	if (trial->deed->request != XENMM_IOC_PROTECT)
		return;
	EXPECT_EQ(can_write(page_at(arena, trial->after)), takes);
	if (trial->after)
		EXPECT_EQ(can_write(page_at(arena, trial->after - 1)), !takes);
}

static void expect_refusal(const struct arena *arena, const struct trial *trial,
			   const struct xenmm_op *op, const struct xenmm_stats *before)
{
	const struct xenmm_stats now = read_stats(arena->fd);
	const long long held = held_pages(&now) - held_pages(before);

	EXPECT_EQ(op->hypervisor_error, expected_answer(trial));
	EXPECT_EQ(op->pages_done, trial->after);
	EXPECT_EQ(op->failed_address, (uintptr_t)page_at(arena, trial->after));
	EXPECT_EQ(now.errors - before->errors, 1);
	if (trial->method.number != XENMM_METHOD_MULTICALL) /* which goes on */
		EXPECT_EQ(held, (long long)trial->after * trial->deed->holds);
	expect_protection(arena, trial);
}

static void try_refusal(const struct arena *arena, const struct trial *trial)
{
	struct xenmm_range range = range_of(arena, 0, trial->pages);
	struct xenmm_op op = make_op(&trial->method, &range, 1, trial->deed->prot);
	struct xenmm_stats before;

	test_context("%s by %s, %zu pages, entry %u, errno %d", trial->deed->name,
		     trial->method.name, trial->pages, trial->after, trial->answer);
	ASSERT_EQ(op_pages(arena, trial->deed->before, any_method(), 0, trial->pages,
			   trial->deed->prot_before),
		  0);
	before = read_stats(arena->fd);
	refuse(trial->after, 1, trial->answer);
	EXPECT_EQ(op_raw(arena->fd, trial->deed->request, &op), -EIO);
	expect_refusal(arena, trial, &op, &before);
	ASSERT_EQ(op_raw(arena->fd, trial->deed->request, &op), 0);
	ASSERT_EQ(op.pages_done, trial->pages);
}

static void try_answers(const struct arena *arena, struct trial *trial)
{
	static unsigned int turn;

	if (!is_exhaustive()) {
		trial->answer = answers[turn++ % NR_ANSWERS];
		try_refusal(arena, trial);
		return;
	}
	for (size_t i = 0; i < NR_ANSWERS; i++) {
		trial->answer = answers[i];
		try_refusal(arena, trial);
	}
}

static void restore(struct arena *arena)
{
	populate(arena, any_method(), 0, arena->pages);
	protect(arena, any_method(), 0, arena->pages, XENMM_PROT_READ_WRITE);
	use_all_pages(arena);
}

/* ---------------------------------------------------------------- small batches */

/* All of the pages in one hypercall: any of its entries. */
static void try_batches(struct arena *arena, const struct deed *deed)
{
	for (size_t pages = 1; pages <= MOST_PAGES; pages++)
		for (unsigned int after = pages % stride(); after < pages; after += stride()) {
			struct trial trial = {
				deed, {"batch", XENMM_METHOD_BATCH, pages}, pages, after, 0};

			try_answers(arena, &trial);
		}
}

static void need_batches(struct arena *arena)
{
	need_injection();
	if (!is_offered(XENMM_METHOD_BATCH))
		test_skip("no hypervisor owns the tables of this guest");
	alarm(20 * timeout_seconds());
	restore(arena);
}

TEST_ARENA(any_entry_of_a_batch_for_any_reason)
{
	need_batches(self);
	for (size_t i = 0; i < NR_DEEDS; i++) {
		try_batches(self, &deeds[i]);
		restore(self);
	}
}

/* Hypercalls of one entry each, and multicalls of 32. */
TEST_ARENA(any_single_update_for_any_reason)
{
	static const struct method single[] = {{"trap", XENMM_METHOD_TRAP, 0},
					       {"hypercall", XENMM_METHOD_HYPERCALL, 0},
					       {"va_mapping", XENMM_METHOD_VA_MAPPING, 0},
					       {"multicall", XENMM_METHOD_MULTICALL, 0}};

	need_batches(self);
	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		for (size_t deed = 0; deed < NR_DEEDS; deed++)
			for (unsigned int after = 0; after < MOST_PAGES; after += 3) {
				struct trial trial = {&deeds[deed], single[i], MOST_PAGES, after,
						      0};

				try_answers(self, &trial);
			}
	restore(self);
}

/* --------------------------------------------------------------- larger batches */

TEST_ARENA(entries_of_large_batches_at_random)
{
	unsigned int dice = SEED;

	need_batches(self);
	for (unsigned int i = 0; i < NR_RANDOM; i++) {
		const size_t pages =
			MOST_PAGES + 1 + rand_r(&dice) % (XENMM_MAX_BATCH - MOST_PAGES);
		struct trial trial = {
			.deed = &deeds[rand_r(&dice) % NR_DEEDS],
			.method = {"batch", XENMM_METHOD_BATCH,
				   1 + rand_r(&dice) % XENMM_MAX_BATCH},
			.pages = pages,
			.after = rand_r(&dice) % pages,
			.answer = answers[rand_r(&dice) % NR_ANSWERS],
		};

		/* The last one may have been discard. */
		populate(self, any_method(), 0, self->pages);
		try_refusal(self, &trial);
	}
	restore(self);
}

/* ----------------------------------------------------------------- whole tables */

/* Refused at each step: complete or undone, and the reason is told. */
static void try_table(struct arena *arena, const struct method *method, const struct deed *deed,
		      unsigned int after, int answer)
{
	struct xenmm_range range = range_of(arena, 0, SPAN_PAGES);
	struct xenmm_op op = make_op(method, &range, 1, deed->prot);
	int error;

	test_context("%s by %s, step %u, errno %d", deed->name, method->name, after, answer);
	ASSERT_EQ(op_pages(arena, deed->before, any_method(), 0, SPAN_PAGES, deed->prot_before), 0);
	refuse(after, 1, answer);
	error = op_raw(arena->fd, deed->request, &op);
	refuse(0, 0, 0);
	EXPECT_EQ(error, op.pages_done == SPAN_PAGES ? 0 : -EIO);
	EXPECT_EQ(op.hypervisor_error, error ? -answer : 0);
	ASSERT_EQ(op_raw(arena->fd, deed->request, &op), 0);
	ASSERT_EQ(op.pages_done, SPAN_PAGES);
}

#define REBUILD_STEPS 6 /* 4 where Linux does not pin single tables: two work then */

TEST_ARENA(any_step_of_a_rebuild_for_any_reason)
{
	static const struct method rebuild = {"rebuild", XENMM_METHOD_REBUILD, 0};

	need_batches(self);
	for (size_t deed = 0; deed < NR_DEEDS; deed++)
		for (unsigned int after = 0; after < REBUILD_STEPS; after++)
			for (size_t i = 0; i < NR_ANSWERS; i++)
				try_table(self, &rebuild, &deeds[deed], after, answers[i]);
	restore(self);
}

TEST_ARENA(any_step_of_a_flip_for_any_reason)
{
	static const struct method flip = {"flip", XENMM_METHOD_FLIP, 0};

	need_batches(self);
	for (size_t deed = 0; deed < 2; deed++)
		for (unsigned int after = 0; after < 2; after++)
			for (size_t i = 0; i < NR_ANSWERS; i++)
				try_table(self, &flip, &deeds[deed], after, answers[i]);
	restore(self);
}
