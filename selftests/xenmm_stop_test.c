// SPDX-License-Identifier: GPL-2.0
/*
 * Operations that end early, because the process is killed or another thread unmaps a
 * part of the arena: they stop between sections, say how far they came, and nothing
 * behind that was touched; and one that has no reason to. (That Xen refuses a step:
 * xenmm_inject_test.)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "xenmm_test.h"

#define PAGES (16 * SPAN_PAGES) /* 32 MiB: an operation takes milliseconds */
#define MOST_ROUNDS 300

/* In memory that outlives the process. */
struct outcome {
	struct xenmm_op op;
	struct xenmm_range range;
	volatile bool started;
	int answer;
};

static struct outcome *outcome_make(void)
{
	struct outcome *outcome =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(outcome, MAP_FAILED);
	return outcome;
}

static void start_operation(const struct arena *arena, const struct method *method,
			    struct outcome *outcome)
{
	outcome->range = range_of(arena, 0, PAGES);
	outcome->op = make_op(method, &outcome->range, 1, 0);
	outcome->op.pages_done = outcome->op.failed_address = ~0ULL;
	outcome->answer = 1;
	outcome->started = true;
	outcome->answer = op_raw(arena->fd, XENMM_IOC_POPULATE, &outcome->op);
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* How long it takes when nobody ends it: machines differ. */
static __u64 operation_ns(void)
{
	struct arena arena = arena_make(PAGES);
	struct outcome *outcome = outcome_make();
	__u64 began = now_ns();

	start_operation(&arena, any_method(), outcome);
	ASSERT_EQ(outcome->answer, 0);
	began = now_ns() - began;
	arena_close(&arena);
	return began;
}

/*
 * Later each time, from its beginning to its end, until it hits. Does not sleep: a guest may
 * wake up when all is long over.
 */
static void wait_a_while(const struct outcome *outcome, __u64 whole_ns, int round)
{
	__u64 until;

	while (!outcome->started)
		;
	until = now_ns() + whole_ns * (round % 20) / 20;
	while (now_ns() < until)
		;
}

/* Does it say that it ended in the middle? What it says must fit in any case. */
static bool ended_early(const struct outcome *outcome)
{
	const __u64 done = outcome->op.pages_done, failed = outcome->op.failed_address;

	if (done == ~0ULL) /* not even begun */
		return false;
	EXPECT_LE(done, PAGES);
	EXPECT_EQ(outcome->op.hypervisor_error, 0);
	if (done == PAGES)
		EXPECT_EQ(failed, 0);
	else if (failed)
		EXPECT_EQ(failed, outcome->range.start + done * PAGE);
	return failed && done;
}

static void operate_until_killed(const struct method *method, struct outcome *outcome)
{
	struct arena arena = arena_make(PAGES);

	start_operation(&arena, method, outcome);
	pause();
}

/* EINTR itself nobody lives to see; what the call has written before, its parent does. */
TEST(a_fatal_signal_ends_an_operation)
{
	const struct method *some = any_method();
	struct outcome *outcome = outcome_make();
	__u64 whole_ns = operation_ns();
	int hits = 0;

	for (int round = 0; round < MOST_ROUNDS && hits < 3; round++) {
		pid_t child;

		memset(outcome, 0, sizeof(*outcome));
		child = fork();
		ASSERT_GE(child, 0);
		if (!child)
			operate_until_killed(some, outcome);
		wait_a_while(outcome, whole_ns, round);
		kill(child, SIGKILL);
		ASSERT_EQ(waitpid(child, NULL, 0), child);
		hits += ended_early(outcome);
	}
	EXPECT_GE(hits, 1);
}

/* ------------------------------------------- killed while the kernel writes for it */

#define KILL_ROUNDS 5
#define END_MS 10000

/* Holds the arena lock nearly all the time. */
static void *populate_for_ever(void *argument)
{
	const struct arena *arena = argument;

	for (;;) {
		populate(arena, any_method(), 0, PAGES / 2);
		discard(arena, any_method(), 0, PAGES / 2);
	}
	return NULL;
}

/* read() writes into pages that are not there: faults of the kernel's, which wait for the lock. */
static void read_for_ever(struct arena *arena)
{
	const int zero = open("/dev/zero", O_RDONLY);
	pthread_t thread;

	ASSERT_GE(zero, 0);
	ASSERT_EQ(pthread_create(&thread, NULL, populate_for_ever, arena), 0);
	for (;;) {
		for (size_t page = PAGES / 2; page < PAGES; page++)
			ASSERT_EQ(read(zero, page_at(arena, page), PAGE), (ssize_t)PAGE);
		discard(arena, any_method(), PAGES / 2, PAGES / 2);
	}
}

static bool has_ended(pid_t child)
{
	for (int ms = 0; ms < END_MS; ms += 10) {
		if (waitpid(child, NULL, WNOHANG) == child)
			return true;
		usleep(10000);
	}
	return false;
}

/* No signal is looked at in such a fault: one that is only tried again never ends. */
TEST(a_killed_process_ends_while_the_kernel_writes_for_it)
{
	for (int round = 0; round < KILL_ROUNDS; round++) {
		const pid_t child = fork();

		ASSERT_GE(child, 0);
		if (!child) {
			struct arena arena = arena_make(PAGES);

			read_for_ever(&arena);
		}
		usleep(200000 + 50000 * round);
		kill(child, SIGKILL);
		ASSERT_TRUE(has_ended(child));
	}
}

/* ------------------------------------------------------ munmap by another thread */

struct job {
	struct arena arena;
	struct outcome *outcome;
	__u64 whole_ns;
};

static void *operate(void *argument)
{
	struct job *job = argument;

	start_operation(&job->arena, any_method(), job->outcome);
	return NULL;
}

static void expect_said(const struct job *job)
{
	const struct outcome *outcome = job->outcome;
	struct xenmm_stats stats = read_stats(job->arena.fd);
	const size_t done = outcome->op.pages_done;

	if (!outcome->answer)
		EXPECT_EQ(done, PAGES);
	else
		EXPECT_EQ(outcome->answer, -EINVAL);
	EXPECT_EQ(held_pages(&stats), done);
}

/* One round; did the operation notice on its way? The last table is unmapped. */
static bool unmap_meanwhile(struct job *job, int round)
{
	struct arena *arena = &job->arena;
	pthread_t thread;
	bool hit;

	*arena = arena_make(PAGES);
	memset(job->outcome, 0, sizeof(*job->outcome));
	ASSERT_EQ(pthread_create(&thread, NULL, operate, job), 0);
	wait_a_while(job->outcome, job->whole_ns, round);
	ASSERT_EQ(munmap(page_at(arena, PAGES - SPAN_PAGES), XENMM_SPAN_BYTES), 0);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	hit = ended_early(job->outcome);
	expect_said(job);
	arena->pages = PAGES - SPAN_PAGES;
	if (hit)
		use_all_pages(arena);
	arena_close(arena);
	return hit && job->outcome->answer == -EINVAL;
}

TEST(munmap_of_a_part_ends_an_operation)
{
	struct job job = {.outcome = outcome_make(), .whole_ns = operation_ns()};
	int hits = 0;

	for (int round = 0; round < MOST_ROUNDS && hits < 3; round++)
		hits += unmap_meanwhile(&job, round);
	EXPECT_GE(hits, 1);
}

/* ------------------------------------------------------- a move that is refused */

static int refuse_move(const struct arena *arena, void *to)
{
	return ERROR_OF(mremap(page_at(arena, PAGES - SPAN_PAGES), XENMM_SPAN_BYTES,
			       XENMM_SPAN_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, to));
}

/* While the operation is at work; how often? Where they would go nothing is mapped, nor will be. */
static int move_meanwhile(struct job *job)
{
	pthread_t thread;
	int moves = 0;
	void *to;

	job->arena = arena_make(PAGES);
	memset(job->outcome, 0, sizeof(*job->outcome));
	ASSERT_EQ(pthread_create(&thread, NULL, operate, job), 0);
	while (!job->outcome->started)
		;
	to = free_space(XENMM_SPAN_BYTES);
	for (; job->outcome->answer > 0; moves++)
		ASSERT_EQ(refuse_move(&job->arena, to), EINVAL);
	ASSERT_EQ(pthread_join(thread, NULL), 0);
	EXPECT_EQ(job->outcome->answer, 0);
	EXPECT_EQ(job->outcome->op.pages_done, PAGES);
	use_all_pages(&job->arena);
	arena_close(&job->arena);
	return moves;
}

/* The kernel opens and closes an area where it wanted to go: of the arena nothing is lost. */
TEST(a_refused_move_ends_no_operation)
{
	struct job job = {.outcome = outcome_make()};
	int moves = 0;

	for (int round = 0; round < 20; round++)
		moves += move_meanwhile(&job);
	EXPECT_GE(moves, 20);
}
