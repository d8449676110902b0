// SPDX-License-Identifier: GPL-2.0
/*
 * Random system calls, right and wrong, by three threads on the same two arenas: each
 * answer is one that the uapi knows, Xen refuses nothing, memory beside the arenas stays as
 * it is, and afterwards nothing is held and a new arena works. Where the kernel has KCOV,
 * calls that reach new code are kept and varied.
 *
 * XENMM_SEED and XENMM_SECONDS in the environment choose and lengthen the run.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "xenmm_fuzz.h"

#define NR_THREADS 3
#define MAX_CORPUS 4096
#define WITNESS_PAGES 256
#define ROUND_SECONDS 10 /* with the same world */

static struct fuzz_world world;
static time_t round_end;

static struct {
	pthread_mutex_t lock;
	struct input inputs[MAX_CORPUS];
	unsigned int count;
} corpus = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct fuzzer {
	pthread_t thread;
	unsigned int number, dice;
	unsigned long calls;
};

static void keep(const struct input *input)
{
	pthread_mutex_lock(&corpus.lock);
	if (corpus.count < MAX_CORPUS)
		corpus.inputs[corpus.count++] = *input;
	pthread_mutex_unlock(&corpus.lock);
}

/* Half of them are like ones that reached something. */
static void next_input(unsigned int *dice, struct input *input)
{
	struct input model;
	bool found;

	pthread_mutex_lock(&corpus.lock);
	found = corpus.count && rand_r(dice) % 2;
	if (found)
		model = corpus.inputs[rand_r(dice) % corpus.count];
	pthread_mutex_unlock(&corpus.lock);
	if (found)
		mutate(dice, &model, input);
	else
		invent(dice, input);
}

static void *fuzz(void *argument)
{
	struct fuzzer *fuzzer = argument;
	struct input input;
	char text[400];

	cover_begin();
	while (time(NULL) < round_end) {
		next_input(&fuzzer->dice, &input);
		describe_input(&input, text, sizeof(text));
		test_context("thread %u, call %lu: %s", fuzzer->number, fuzzer->calls, text);
		cover_start();
		carry_out(&world, &input);
		if (cover_stop())
			keep(&input);
		fuzzer->calls++;
	}
	cover_end();
	return NULL;
}

static unsigned long run_threads(unsigned int seed)
{
	struct fuzzer fuzzers[NR_THREADS];
	unsigned long calls = 0;

	for (unsigned int i = 0; i < NR_THREADS; i++) {
		fuzzers[i] = (struct fuzzer){.number = i, .dice = seed * NR_THREADS + i};
		ASSERT_EQ(pthread_create(&fuzzers[i].thread, NULL, fuzz, &fuzzers[i]), 0);
	}
	for (unsigned int i = 0; i < NR_THREADS; i++) {
		ASSERT_EQ(pthread_join(fuzzers[i].thread, NULL), 0);
		calls += fuzzers[i].calls;
	}
	return calls;
}

/* ---------------------------------------------------------- what must not change */

static uint64_t *make_witness(void)
{
	uint64_t *words = mmap(NULL, WITNESS_PAGES * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(words, MAP_FAILED);
	for (size_t i = 0; i < WITNESS_PAGES * PAGE / sizeof(*words); i++)
		words[i] = i * 0x9e3779b97f4a7c15;
	return words;
}

static void expect_untouched(const uint64_t *words)
{
	for (size_t i = 0; i < WITNESS_PAGES * PAGE / sizeof(*words); i++)
		ASSERT_EQ(words[i], i * 0x9e3779b97f4a7c15);
}

static void expect_usable(const struct xenmm_stats *before)
{
	struct arena arena = arena_make(ARENA_PAGES);
	struct xenmm_stats now = read_stats(arena.fd);

	EXPECT_EQ(held_pages(&now), 0);
	EXPECT_EQ(held_twins(&now), 0);
	expect_no_refusals(before, &now);
	use_all_pages(&arena);
	arena_close(&arena);
}

static unsigned long fuzz_for(unsigned long seconds, unsigned int seed)
{
	const uint64_t *witness = make_witness();
	const time_t end = time(NULL) + seconds;
	const int fd = device_open();
	unsigned long calls = 0;

	while (time(NULL) < end) {
		struct xenmm_stats before = read_stats(fd);

		round_end = time(NULL) + ROUND_SECONDS < end ? time(NULL) + ROUND_SECONDS : end;
		alarm(timeout_seconds() + ROUND_SECONDS);
		open_world(&world);
		calls += run_threads(seed++);
		close_world(&world);
		test_context("after %lu calls", calls);
		expect_untouched(witness);
		expect_usable(&before);
	}
	close(fd);
	return calls;
}

TEST(any_call_has_a_documented_answer)
{
	const unsigned int seed = setting("XENMM_SEED", 1);
	unsigned long calls;

	printf("# XENMM_SEED=%u\n", seed);
	calls = fuzz_for(setting("XENMM_SECONDS", 10), seed);
	printf("# fuzz: calls=%lu coverage=%u corpus=%u\n", calls, cover_total(), corpus.count);
}
