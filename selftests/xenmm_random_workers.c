// SPDX-License-Identifier: GPL-2.0
/*
 * Four threads have a share each of one arena and do all at once what disturbs others:
 * operations, faults, and what xenmm_random_disturb.c does beside. A round begins and ends
 * with arenas that hold nothing, and the counters agree with the model at its end.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>

#include "xenmm_random.h"

#define FULL_CHECK_STEPS 500
#define DEFAULT_WINDOW 16
#define LEAST_STEPS_A_SECOND 20 /* emulated, on a busy host */

static struct worker workers[NR_WORKERS];

void add_tally(struct tally *sum, const struct tally *term)
{
	unsigned long *to = (unsigned long *)sum;
	const unsigned long *from = (const unsigned long *)term;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

/* -------------------------------------------------------------------- one step */

static void describe_step(const struct worker *worker, const struct share *share,
			  const struct action *action)
{
	char text[400];

	describe_action(action, text, sizeof(text));
	test_context("seed %lu, round %u, thread %u, step %u, %s: %s", worker->pace->seed,
		     worker->round, worker->number, worker->step,
		     share == worker->side ? "side" : "shared", text);
}

static void check_if_inside(struct worker *worker, struct share *share, size_t page)
{
	if (page - share->first >= share->pages)
		return;
	check_page(share, page);
	worker->tally.checks++;
}

static void check_edges(struct worker *worker, struct share *share, const struct action *action)
{
	const struct run *run = action->runs;

	if (worker->pace->soaks) {
		run += below(&worker->dice, action->nr_runs);
		check_if_inside(worker, share, run->first);
		check_if_inside(worker, share, run->first + run->pages);
		return;
	}
	for (; run < action->runs + action->nr_runs; run++) {
		check_if_inside(worker, share, run->first - 1);
		check_if_inside(worker, share, run->first);
		check_if_inside(worker, share, run->first + run->pages - 1);
		check_if_inside(worker, share, run->first + run->pages);
	}
}

static void check_samples(struct worker *worker, struct share *share)
{
	for (int i = 0; i < (worker->pace->soaks ? 1 : 16); i++)
		check_if_inside(worker, share, share->first + below(&worker->dice, share->pages));
}

static void check_all(struct worker *worker, struct share *share)
{
	check_share(share);
	worker->tally.checks += share->pages;
}

static bool takes_rights(const struct operation *operation)
{
	return operation->request == XENMM_IOC_DISCARD || operation->request == XENMM_IOC_TRACK ||
	       operation->prot == XENMM_PROT_READ;
}

static void count_action(struct tally *tally, const struct action *action)
{
	unsigned long pages = 0;

	for (size_t i = 0; i < action->nr_runs; i++)
		pages += action->runs[i].pages;
	if (!action->operation->request) {
		tally->touches += pages;
		return;
	}
	tally->operations++;
	tally->pages += pages;
}

/* Watching costs the time of a vCPU: only what may leave a stale entry is worth it. */
static void do_step(struct worker *worker, struct share *share)
{
	struct action action;
	const bool watch =
		worker->is_watched && !below(&worker->dice, worker->pace->soaks ? 48 : 12);

	do
		pick_action(&worker->dice, share, worker->pace->soaks, &action);
	while (watch && !takes_rights(action.operation));
	describe_step(worker, share, &action);
	if (watch)
		begin_watch(share, action.runs[0].first);
	do_action(share, &action);
	if (watch)
		end_watch(share, action.runs[0].first);
	count_action(&worker->tally, &action);
	check_edges(worker, share, &action);
	check_samples(worker, share);
}

/* ---------------------------------------------------------------------- threads */

static void *work(void *argument)
{
	struct worker *worker = argument;

	for (worker->step = 1; worker->step <= worker->nr_steps; worker->step++) {
		bool aside = worker->side && !below(&worker->dice, 4);

		do_step(worker, aside ? worker->side : &worker->share);
		if (worker->side)
			disturb(worker);
		if (worker->pace->soaks || worker->step % FULL_CHECK_STEPS)
			continue;
		check_all(worker, &worker->share);
		if (worker->side)
			check_all(worker, worker->side);
	}
	return NULL;
}

static struct page shared_model[SHARED_PAGES], side_model[SIDE_PAGES];

static struct share make_share(const struct arena *arena, struct page *model, size_t first,
			       size_t pages, unsigned int window)
{
	struct share share = {*arena, first, pages, model, window, 0};

	if (share.pages > arena->pages - first)
		share.pages = arena->pages - first;
	forget_pages(&share);
	return share;
}

static void start_workers(const struct arena *arena, struct share *side, unsigned int round,
			  const struct pace *pace)
{
	for (unsigned int i = 0; i < NR_WORKERS; i++) {
		const size_t first = i * SHARE_PAGES;

		workers[i] = (struct worker){
			.pace = pace,
			.round = round,
			.number = i,
			.nr_steps = pace->steps / NR_WORKERS,
			.dice = dice_of(pace->seed, round, i),
			.share = make_share(arena, shared_model + first, first, SHARE_PAGES,
					    side->window),
			.side = i == 0 ? side : NULL,
			.is_watched = i == 1,
		};
		ASSERT_EQ(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
}

/* An access that faults for ever, or a call that does not return, has its steps too. */
static void report_hang(int number)
{
	for (unsigned int i = 0; i < NR_WORKERS; i++)
		dprintf(STDOUT_FILENO, "# seed %lu, round %u, thread %u was at step %u of %u\n",
			workers[i].pace->seed, workers[i].round, i, workers[i].step,
			workers[i].nr_steps);
	signal(number, SIG_DFL);
	raise(number);
}

/* Thousands of steps need more than the harness gives. */
static void ask_for_time(unsigned long steps)
{
	signal(SIGALRM, report_hang);
	alarm(timeout_seconds() + steps / LEAST_STEPS_A_SECOND);
}

/* ----------------------------------------------------------- what the counters say */

static __u64 pinned_pages(void)
{
	return status_kb("VmPin") * 1024 / PAGE;
}

/* Exactly what the model says where faults map one page at a time. */
static void expect_held(const struct share *side)
{
	struct xenmm_stats stats = read_stats(side->arena.fd);
	struct count sum = count_pages(side);

	for (unsigned int i = 0; i < NR_WORKERS; i++) {
		sum.least += count_pages(&workers[i].share).least;
		sum.most += count_pages(&workers[i].share).most;
	}
	EXPECT_GE(held_pages(&stats), sum.least);
	EXPECT_LE(held_pages(&stats), sum.most);
	EXPECT_EQ(pinned_pages(), held_pages(&stats) + held_twins(&stats));
}

void expect_nothing_held(int fd)
{
	struct xenmm_stats stats = read_stats(fd);

	EXPECT_EQ(held_pages(&stats), 0);
	EXPECT_EQ(held_twins(&stats), 0);
	EXPECT_EQ(pinned_pages(), 0);
}

/* --------------------------------------------------------------------- a round */

static void finish_round(struct share *side, struct tally *sum)
{
	expect_held(side);
	for (unsigned int i = 0; i < NR_WORKERS; i++) {
		check_all(&workers[i], &workers[i].share);
		if (workers[i].side)
			check_all(&workers[i], side);
		add_tally(sum, &workers[i].tally);
	}
	expect_held(side);
	arena_close(&side->arena);
}

void run_round(const struct arena *arena, const struct arena *side_arena, unsigned int round,
	       const struct pace *pace, struct tally *sum)
{
	static const unsigned int windows[] = {1, DEFAULT_WINDOW, 1, SPAN_PAGES};
	const unsigned int window = windows[round % 4];
	struct share side = make_share(side_arena, side_model, 0, SIDE_PAGES, window);

	ask_for_time(pace->steps);
	ASSERT_EQ(set_fault_window(window), 0);
	start_workers(arena, &side, round, pace);
	for (unsigned int i = 0; i < NR_WORKERS; i++)
		ASSERT_EQ(pthread_join(workers[i].thread, NULL), 0);
	test_context("seed %lu, end of round %u", pace->seed, round);
	finish_round(&side, sum);
	ASSERT_EQ(set_fault_window(DEFAULT_WINDOW), 0);
}
