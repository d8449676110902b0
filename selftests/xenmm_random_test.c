// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations by random methods agree with a model, while all threads disturb each
 * other (xenmm_random.h). A fifth thread looks on from another vCPU.
 *
 * XENMM_SEED and XENMM_STEPS in the environment choose and lengthen the run.
 */
#include "xenmm_random.h"

#define DEFAULT_SEED 1
#define DEFAULT_STEPS 20000
#define NR_ROUNDS 4 /* each with a new arena */

/* The methods on whole tables were not idle: they may turn to batch at any time. */
static void expect_whole_tables(const struct xenmm_stats *before, const struct xenmm_stats *after)
{
	EXPECT_EQ(after->tables_rebuilt != before->tables_rebuilt,
		  is_offered(XENMM_METHOD_REBUILD));
	EXPECT_EQ(after->tables_flipped != before->tables_flipped, is_offered(XENMM_METHOD_FLIP));
}

TEST(random_operations_agree_with_a_model)
{
	const unsigned long steps = setting("XENMM_STEPS", DEFAULT_STEPS);
	const struct pace pace = {setting("XENMM_SEED", DEFAULT_SEED), steps / NR_ROUNDS, false};
	struct arena arena = arena_make(SHARED_PAGES);
	struct xenmm_stats before = read_stats(arena.fd), after;
	struct tally done = {0};

	printf("# XENMM_SEED=%lu XENMM_STEPS=%lu\n", pace.seed, steps);
	start_onlooker();
	for (unsigned int round = 0; round < NR_ROUNDS; round++) {
		struct arena side = arena_make(SIDE_PAGES);

		run_round(&arena, &side, round, &pace, &done);
		make_anew(&arena, round % 2);
		expect_nothing_held(arena.fd);
	}
	stop_onlooker();
	after = read_stats(arena.fd);
	expect_no_refusals(&before, &after);
	if (steps >= DEFAULT_STEPS) /* a few may happen to pick none */
		expect_whole_tables(&before, &after);
	arena_close(&arena);
}
