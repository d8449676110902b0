// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that touch, protect and discard at once; above all that no stale TLB
 * entry lets an access through after the call that took the right away has
 * returned (hazards.md, rules 6 and 20).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "xenmm_test.h"

#define NR_THREADS 4

/* What a thread gets. stop ends its loop. */
struct job {
	pthread_t thread;
	const struct arena *arena;
	const struct method *method;
	unsigned int number;
	volatile bool stop;
	volatile unsigned long rounds;
};

static void start(struct job *job, void *(*body)(void *))
{
	ASSERT_EQ(pthread_create(&job->thread, NULL, body, job), 0);
}

static void finish(struct job *job)
{
	job->stop = true;
	ASSERT_EQ(pthread_join(job->thread, NULL), 0);
}

static void start_all(struct job *jobs, const struct arena *arena, const struct method *method,
		      void *(*body)(void *))
{
	memset(jobs, 0, NR_THREADS * sizeof(*jobs));
	for (unsigned int i = 0; i < NR_THREADS; i++) {
		jobs[i].arena = arena;
		jobs[i].method = method;
		jobs[i].number = i;
		start(&jobs[i], body);
	}
}

static void join_all(struct job *jobs)
{
	for (unsigned int i = 0; i < NR_THREADS; i++)
		ASSERT_EQ(pthread_join(jobs[i].thread, NULL), 0);
}

/* Two vCPUs, where there are: only there another TLB can be stale. */
static void run_on(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void wait_for_rounds(struct job *job, unsigned long rounds)
{
	unsigned long from = job->rounds;

	/* cppcheck-suppress duplicateExpression // another thread counts on */
	while (job->rounds - from < rounds)
		sched_yield();
}

/* ---------------------------------------------------------------- stale entries */

#define HOT_PAGES 64
#define ROUNDS 40

static volatile uint64_t *word_of(const struct arena *arena, size_t page)
{
	return (volatile uint64_t *)page_at(arena, page);
}

/* SIGSEGV sends the writer back to the start of its loop. */
static sigjmp_buf writer_start;

static void restart_writer(int number)
{
	(void)number;
	siglongjmp(writer_start, 1);
}

static void *write_for_ever(void *argument)
{
	struct job *job = argument;

	run_on(1);
	sigsetjmp(writer_start, 1);
	while (!job->stop) {
		job->rounds++;
		for (size_t page = 0; page < HOT_PAGES; page++)
			++*word_of(job->arena, page);
	}
	return NULL;
}

static void expect_frozen(const struct arena *arena, struct job *writer)
{
	uint64_t words[HOT_PAGES];

	for (size_t page = 0; page < HOT_PAGES; page++)
		words[page] = *word_of(arena, page);
	wait_for_rounds(writer, 3); /* each ends with SIGSEGV at page 0 */
	for (size_t page = 0; page < HOT_PAGES; page++)
		ASSERT_EQ(*word_of(arena, page), words[page]);
}

/* The writer has just written every page, so its TLB knows them as writable. */
TEST_METHODS(no_write_lands_after_protect)
{
	struct job writer = {.arena = self, .method = method};

	signal(SIGSEGV, restart_writer);
	populate(self, method, 0, self->pages);
	start(&writer, write_for_ever);
	run_on(0);
	for (int round = 0; round < ROUNDS; round++) {
		wait_for_rounds(&writer, 2);
		protect(self, method, 0, HOT_PAGES, XENMM_PROT_READ);
		expect_frozen(self, &writer);
		protect(self, method, 0, HOT_PAGES, XENMM_PROT_READ_WRITE);
	}
	finish(&writer);
	EXPECT_NE(*word_of(self, HOT_PAGES - 1), 0);
}

/* Says what it saw of page 0, and in which epoch. */
struct watch {
	struct job job;
	volatile unsigned int epoch;
	volatile unsigned int seen_epoch;
	volatile uint64_t seen_word;
};

static void *read_for_ever(void *argument)
{
	struct watch *watch = argument;

	run_on(1);
	while (!watch->job.stop) {
		unsigned int epoch = watch->epoch;

		__sync_synchronize();
		watch->seen_word = *word_of(watch->job.arena, 0);
		__sync_synchronize();
		watch->seen_epoch = epoch;
	}
	return NULL;
}

static uint64_t word_seen_in(struct watch *watch, unsigned int epoch)
{
	watch->epoch = epoch;
	while (watch->seen_epoch != epoch)
		sched_yield();
	return watch->seen_word;
}

/* A stale entry would show the reader a page that has been freed. */
TEST_METHODS(no_old_page_is_seen_after_discard)
{
	struct watch reader = {.job.arena = self, .job.method = method};

	populate(self, method, 0, 512);
	ASSERT_EQ(pthread_create(&reader.job.thread, NULL, read_for_ever, &reader), 0);
	run_on(0);
	for (unsigned int round = 1; round <= ROUNDS; round++) {
		fill_pages(self, 0, 1, round);
		ASSERT_NE(word_seen_in(&reader, 2 * round), 0);
		discard(self, method, 0, 512);
		ASSERT_EQ(word_seen_in(&reader, 2 * round + 1), 0);
	}
	finish(&reader.job);
}

/* ------------------------------------------------------------- the same pages */

static pthread_barrier_t barrier;

/* Each thread adds 1 to every page, from a place of its own. */
static void *add_to_all(void *argument)
{
	struct job *job = argument;
	size_t pages = job->arena->pages, from = job->number * (pages / NR_THREADS) / 2;

	pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < pages; i++)
		__sync_fetch_and_add(word_of(job->arena, (from + i) % pages), 1);
	return NULL;
}

TEST_ARENA(faults_on_the_same_pages)
{
	static const unsigned int windows[] = {1, 16, 512};
	struct job jobs[NR_THREADS];

	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		struct xenmm_stats before = read_stats(self->fd), after;

		test_context("window %u", windows[i]);
		ASSERT_EQ(set_fault_window(windows[i]), 0);
		pthread_barrier_init(&barrier, NULL, NR_THREADS);
		start_all(jobs, self, NULL, add_to_all);
		join_all(jobs);
		after = read_stats(self->fd);
		EXPECT_EQ(after.pages_allocated - before.pages_allocated, self->pages);
		EXPECT_EQ(after.pages_mapped - before.pages_mapped, self->pages);
		for (size_t page = 0; page < self->pages; page++)
			ASSERT_EQ(*word_of(self, page), NR_THREADS);
		discard(self, any_method(), 0, self->pages);
	}
	ASSERT_EQ(set_fault_window(16), 0);
}

static void *populate_all(void *argument)
{
	struct job *job = argument;

	pthread_barrier_wait(&barrier);
	populate(job->arena, job->method, 0, job->arena->pages);
	return NULL;
}

TEST_METHODS(populate_of_the_same_pages)
{
	struct xenmm_stats before = read_stats(self->fd), after;
	struct job jobs[NR_THREADS];

	pthread_barrier_init(&barrier, NULL, NR_THREADS);
	start_all(jobs, self, method, populate_all);
	join_all(jobs);
	after = read_stats(self->fd);
	EXPECT_EQ(after.pages_allocated - before.pages_allocated, self->pages);
	EXPECT_EQ(after.pages_mapped - before.pages_mapped, self->pages);
	use_all_pages(self);
}

/* ------------------------------------------------------------- different pages */

static void *work_on_a_quarter(void *argument)
{
	struct job *job = argument;
	const struct arena *arena = job->arena;
	const size_t pages = arena->pages / NR_THREADS - 100,
		     first = job->number * (pages + 100) + 50;

	for (unsigned int round = 1; round <= 3; round++) {
		populate(arena, job->method, first, pages);
		fill_pages(arena, first, pages, 10 * round + job->number);
		protect(arena, job->method, first, pages, XENMM_PROT_READ);
		check_pages(arena, first, pages, 10 * round + job->number);
		expect_read_only(page_at(arena, first));
		expect_read_only(page_at(arena, first + pages - 1));
		unmap(arena, job->method, first, pages);
		check_pages(arena, first, pages, 10 * round + job->number);
		protect(arena, job->method, first, pages, XENMM_PROT_READ_WRITE);
		discard(arena, job->method, first, pages);
		check_zero(arena, first, pages);
	}
	return NULL;
}

/* Quarters share no page; windows and tables at their edges they do. */
TEST_METHODS(operations_on_different_pages)
{
	struct job jobs[NR_THREADS];

	start_all(jobs, self, method, work_on_a_quarter);
	join_all(jobs);
	use_all_pages(self);
}

/* ----------------------------------------------------------------- all at once */

static void *do_anything(void *argument)
{
	static const unsigned long requests[] = {XENMM_IOC_POPULATE, XENMM_IOC_DISCARD,
						 XENMM_IOC_MAP, XENMM_IOC_UNMAP, XENMM_IOC_PROTECT};
	struct job *job = argument;
	unsigned int random = 12345 + job->number;

	for (int round = 0; round < 80; round++) {
		size_t first = rand_r(&random) % 1500, pages = 1 + rand_r(&random) % 500;
		unsigned long request = requests[rand_r(&random) % 5];
		__u32 prot = request != XENMM_IOC_PROTECT ? 0 : rand_r(&random) % 2 ? 1 : 3;

		EXPECT_EQ(op_pages(job->arena, request, job->method, first, pages, prot), 0);
		probe_write(page_at(job->arena, first), 1);
		probe_read(page_at(job->arena, first + pages - 1));
	}
	return NULL;
}

TEST_METHODS(any_operations_on_the_same_pages)
{
	struct xenmm_stats before = read_stats(self->fd), after;
	struct job jobs[NR_THREADS];

	start_all(jobs, self, method, do_anything);
	join_all(jobs);
	after = read_stats(self->fd);
	EXPECT_EQ(after.errors, before.errors);
	EXPECT_EQ(status_kb("VmPin"), (after.pages_allocated - before.pages_allocated -
				       after.pages_freed + before.pages_freed) *
					      (PAGE / 1024));
	protect(self, method, 0, self->pages, XENMM_PROT_READ_WRITE);
	use_all_pages(self);
}

static void *operate_for_ever(void *argument)
{
	struct job *job = argument;
	int answer = 0;

	while (!answer) {
		job->rounds++;
		answer = op_pages(job->arena, XENMM_IOC_POPULATE, job->method, 0, SPAN_PAGES, 0);
		probe_write(job->arena->base, 1);
	}
	EXPECT_EQ(answer, -EINVAL);
	return NULL;
}

TEST(munmap_during_operations)
{
	for (int round = 0; round < 20; round++) {
		struct arena arena = arena_make(SPAN_PAGES);
		struct job jobs[NR_THREADS];

		start_all(jobs, &arena, any_method(), operate_for_ever);
		wait_for_rounds(&jobs[0], 3);
		ASSERT_EQ(munmap(arena.base, SPAN_PAGES * PAGE), 0);
		join_all(jobs);
		ASSERT_EQ(close(arena.fd), 0);
	}
}
