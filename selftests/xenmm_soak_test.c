// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations without an end (xenmm_random.h): for XENMM_SECONDS, and where XENMM_UNTIL
 * names a file, until it is there. Most are small, 64 pages on average, and few pages
 * are looked at between them; all are at the end of a round. What was done is printed.
 *
 * XENMM_SEED in the environment chooses, XENMM_STEPS is the length of a round.
 */
#define _GNU_SOURCE
#include <time.h>
#include <unistd.h>

#include "xenmm_random.h"

#define DEFAULT_SECONDS 20
#define DEFAULT_STEPS 8000

static bool is_over(time_t begin)
{
	const char *file = getenv("XENMM_UNTIL");

	if (file && !access(file, F_OK))
		return true;
	return time(NULL) - begin >= (time_t)setting("XENMM_SECONDS", DEFAULT_SECONDS);
}

/* Nobody resets them: not even where the guest was saved and restored meanwhile. */
static void expect_monotonic(const struct xenmm_stats *before, const struct xenmm_stats *after)
{
	const __u64 *old = (const __u64 *)before, *new = (const __u64 *)after;

	for (size_t i = 0; i < NR_COUNTERS; i++)
		EXPECT_GE(new[i], old[i]);
}

/* A line of name=value pairs, for selftests/soak. */
static void print_tally(const struct tally *done, unsigned int rounds, time_t seconds)
{
	printf("# soak: rounds=%u seconds=%ld operations=%lu pages=%lu pages_each=%lu touches=%lu "
	       "checks=%lu forks=%lu munmaps=%lu moves=%lu debuggers=%lu\n",
	       rounds, (long)seconds, done->operations, done->pages,
	       done->pages / (done->operations + !done->operations), done->touches, done->checks,
	       done->forks, done->munmaps, done->moves, done->debuggers);
}

static void soak(struct arena *arena, unsigned int round, const struct pace *pace,
		 struct tally *done)
{
	struct arena side = arena_make(SIDE_PAGES);
	struct xenmm_stats before = read_stats(arena->fd), after;

	run_round(arena, &side, round, pace, done);
	make_anew(arena, round % 2);
	expect_nothing_held(arena->fd);
	after = read_stats(arena->fd);
	expect_no_refusals(&before, &after);
	expect_monotonic(&before, &after);
}

TEST(operations_without_an_end)
{
	const struct pace pace = {setting("XENMM_SEED", 1), setting("XENMM_STEPS", DEFAULT_STEPS),
				  true};
	const time_t begin = time(NULL);
	struct arena arena = arena_make(SHARED_PAGES);
	struct tally done = {0};
	unsigned int round = 0;

	start_onlooker();
	do {
		soak(&arena, round++, &pace, &done);
		print_tally(&done, round, time(NULL) - begin);
	} while (!is_over(begin));
	stop_onlooker();
	arena_close(&arena);
}
