// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations by random methods agree with a model. Four threads have a share
 * each of one arena and do all at once what disturbs others: operations, faults, fork,
 * and mapping and unmapping of another arena. A fifth looks on from another vCPU.
 *
 * XENMM_SEED and XENMM_STEPS in the environment choose and lengthen the run.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xenmm_random.h"

#define NR_THREADS 4
#define SHARE_PAGES (8 * SPAN_PAGES)
#define SHARED_PAGES (NR_THREADS * SHARE_PAGES - 100) /* the last table is not whole */
#define SIDE_PAGES (3 * SPAN_PAGES + 77)

#define DEFAULT_SEED 1
#define DEFAULT_STEPS 20000 /* of all threads */
#define NR_ROUNDS 4	    /* each with a new arena */
#define FULL_CHECK_STEPS 500
#define NR_SAMPLES 16
#define LEAST_STEPS_A_SECOND 50 /* emulated, beside other work */

#define DEFAULT_WINDOW 16

static unsigned long seed;

struct worker {
	pthread_t thread;
	unsigned int round, number, step, nr_steps;
	uint64_t dice;
	struct share share; /* of the arena of all */
	struct share *side; /* an arena of its own, or NULL */
	bool is_watched;
};

static struct worker workers[NR_THREADS];

/* -------------------------------------------------------------------- one step */

static void describe_step(const struct worker *worker, const struct share *share,
			  const struct action *action)
{
	char text[400];

	describe_action(action, text, sizeof(text));
	test_context("seed %lu, round %u, thread %u, step %u, %s: %s", seed, worker->round,
		     worker->number, worker->step, share == worker->side ? "side" : "shared", text);
}

static void check_if_inside(struct share *share, size_t page)
{
	if (page - share->first < share->pages)
		check_page(share, page);
}

static void check_edges(struct share *share, const struct action *action)
{
	for (const struct run *run = action->runs; run < action->runs + action->nr_runs; run++) {
		check_if_inside(share, run->first - 1);
		check_page(share, run->first);
		check_page(share, run->first + run->pages - 1);
		check_if_inside(share, run->first + run->pages);
	}
}

static bool takes_rights(const struct operation *operation)
{
	return operation->request == XENMM_IOC_DISCARD || operation->prot == XENMM_PROT_READ;
}

/* Watching costs the time of a vCPU: only what may leave a stale entry is worth it. */
static void do_step(struct worker *worker, struct share *share)
{
	struct action action;
	const bool watch = worker->is_watched && !below(&worker->dice, 12);

	do
		pick_action(&worker->dice, share, &action);
	while (watch && !takes_rights(action.operation));
	describe_step(worker, share, &action);
	if (watch)
		begin_watch(share, action.runs[0].first);
	do_action(share, &action);
	if (watch)
		end_watch(share, action.runs[0].first);
	check_edges(share, &action);
	for (int i = 0; i < NR_SAMPLES; i++)
		check_page(share, share->first + below(&worker->dice, share->pages));
}

/* ------------------------------------------------- what one of the threads does too */

/* Runs in a child: the parent's arena is not there. */
static void expect_no_arena(struct arena *arena)
{
	const size_t pages[] = {0, 1, arena->pages / 2, arena->pages - 1};

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		ASSERT_EQ(probe_read(page_at(arena, pages[i])).signal, SIGSEGV);
		ASSERT_EQ(probe_write(page_at(arena, pages[i]), 1).signal, SIGSEGV);
	}
}

/* Take all of an arena away and make a new one, of the same open file or another. */
static void make_anew(struct arena *arena, bool reopen)
{
	ASSERT_EQ(munmap(arena->base, arena->pages * PAGE), 0);
	if (reopen) {
		ASSERT_EQ(close(arena->fd), 0);
		arena->fd = device_open();
	}
	arena->base = device_map(arena->fd, arena->pages * PAGE);
	ASSERT_NE(arena->base, MAP_FAILED);
}

static bool is_all_gone(const struct share *share)
{
	for (size_t page = share->first; page < share->first + share->pages; page += SPAN_PAGES)
		if (!model_of(share, page)->gone)
			return false;
	return true;
}

/* A part is replaced, not only unmapped: else another mapping might come to lie there. */
static void lose_tables(struct worker *worker)
{
	struct share *side = worker->side;
	const size_t first = below(&worker->dice, SIDE_PAGES) & -SPAN_PAGES;
	const size_t wanted = (1 + below(&worker->dice, 2)) * SPAN_PAGES;
	const size_t pages = wanted < SIDE_PAGES - first ? wanted : SIDE_PAGES - first;
	void *start = page_at(&side->arena, first);

	ASSERT_EQ(mmap(start, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		       0),
		  start);
	for (size_t page = first; page < first + pages; page++)
		model_of(side, page)->gone = true;
}

static void disturb(struct worker *worker)
{
	const size_t pick = below(&worker->dice, 64);

	if (pick > 3)
		return;
	test_context("seed %lu, round %u, thread %u, after step %u: %s", seed, worker->round,
		     worker->number, worker->step, pick < 2 ? "fork" : "munmap, mmap");
	switch (pick) {
	case 0:
		ASSERT_EQ(run_child(expect_no_arena, &worker->share.arena), 0);
		break;
	case 1:
		ASSERT_EQ(run_child(expect_no_arena, &worker->side->arena), 0);
		break;
	case 2:
		lose_tables(worker);
		if (!is_all_gone(worker->side))
			break;
		/* fall through */
	case 3:
		make_anew(&worker->side->arena, below(&worker->dice, 2));
		forget_pages(worker->side);
		break;
	}
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
		if (worker->step % FULL_CHECK_STEPS)
			continue;
		check_share(&worker->share);
		if (worker->side)
			check_share(worker->side);
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
			  unsigned long steps)
{
	for (unsigned int i = 0; i < NR_THREADS; i++) {
		const size_t first = i * SHARE_PAGES;

		workers[i] = (struct worker){
			.round = round,
			.number = i,
			.nr_steps = steps / NR_THREADS,
			.dice = dice_of(seed, round, i),
			.share = make_share(arena, shared_model + first, first, SHARE_PAGES,
					    side->window),
			.side = i == 0 ? side : NULL,
			.is_watched = i == 1,
		};
		ASSERT_EQ(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
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

	for (unsigned int i = 0; i < NR_THREADS; i++) {
		sum.least += count_pages(&workers[i].share).least;
		sum.most += count_pages(&workers[i].share).most;
	}
	EXPECT_GE(held_pages(&stats), sum.least);
	EXPECT_LE(held_pages(&stats), sum.most);
	EXPECT_GE(pinned_pages(), held_pages(&stats));
	EXPECT_LE(pinned_pages(), held_pages(&stats) + held_twins(&stats));
}

static void expect_nothing_held(int fd)
{
	struct xenmm_stats stats = read_stats(fd);

	EXPECT_EQ(held_pages(&stats), 0);
	EXPECT_EQ(held_twins(&stats), 0);
	EXPECT_EQ(pinned_pages(), 0);
}

static void expect_no_refusals(const struct xenmm_stats *before, const struct xenmm_stats *after)
{
	EXPECT_EQ(after->errors, before->errors);
	EXPECT_EQ(after->partial_batches, before->partial_batches);
	EXPECT_EQ(after->repairs, before->repairs);
}

/* The methods on whole tables were not idle: they may turn to batch at any time. */
static void expect_whole_tables(const struct xenmm_stats *before, const struct xenmm_stats *after)
{
	EXPECT_EQ(after->tables_rebuilt != before->tables_rebuilt,
		  is_offered(XENMM_METHOD_REBUILD));
	EXPECT_EQ(after->tables_flipped != before->tables_flipped, is_offered(XENMM_METHOD_FLIP));
}

/* ------------------------------------------------------------------------ the test */

/* A fresh arena for all, and one aside, with nothing in them. */
static void run_round(const struct arena *arena, const struct arena *side_arena, unsigned int round,
		      unsigned long steps)
{
	static const unsigned int windows[] = {1, DEFAULT_WINDOW, 1, SPAN_PAGES};
	const unsigned int window = windows[round % 4];
	struct share side = make_share(side_arena, side_model, 0, SIDE_PAGES, window);

	ASSERT_EQ(set_fault_window(window), 0);
	start_workers(arena, &side, round, steps);
	for (unsigned int i = 0; i < NR_THREADS; i++)
		ASSERT_EQ(pthread_join(workers[i].thread, NULL), 0);

	test_context("seed %lu, end of round %u", seed, round);
	expect_held(&side);
	for (unsigned int i = 0; i < NR_THREADS; i++)
		check_share(&workers[i].share);
	check_share(&side);
	expect_held(&side);
	arena_close(&side.arena);
}

/* An access that faults for ever, or a call that does not return, has its steps too. */
static void report_hang(int number)
{
	for (unsigned int i = 0; i < NR_THREADS; i++)
		dprintf(STDOUT_FILENO, "# seed %lu, round %u, thread %u was at step %u of %u\n",
			seed, workers[i].round, i, workers[i].step, workers[i].nr_steps);
	signal(number, SIG_DFL);
	raise(number);
}

/* Twenty thousand steps need more than the harness gives. */
static void ask_for_time(unsigned long steps)
{
	signal(SIGALRM, report_hang);
	alarm(timeout_seconds() + steps / LEAST_STEPS_A_SECOND);
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);
	char *end = "";
	unsigned long value = text ? strtoul(text, &end, 0) : otherwise;

	if (*end)
		printf("# %s=%s is no number: give one or unset it\n", name, text);
	ASSERT_EQ(*end, '\0');
	return value;
}

TEST(random_operations_agree_with_a_model)
{
	const unsigned long steps = setting("XENMM_STEPS", DEFAULT_STEPS);
	struct arena arena = arena_make(SHARED_PAGES);
	struct xenmm_stats before = read_stats(arena.fd), after;

	seed = setting("XENMM_SEED", DEFAULT_SEED);
	printf("# XENMM_SEED=%lu XENMM_STEPS=%lu\n", seed, steps);
	ask_for_time(steps);
	start_onlooker();
	for (unsigned int round = 0; round < NR_ROUNDS; round++) {
		struct arena side = arena_make(SIDE_PAGES);

		run_round(&arena, &side, round, steps / NR_ROUNDS);
		make_anew(&arena, round % 2);
		expect_nothing_held(arena.fd);
	}
	stop_onlooker();
	after = read_stats(arena.fd);
	expect_no_refusals(&before, &after);
	if (steps >= DEFAULT_STEPS) /* a few may happen to pick none */
		expect_whole_tables(&before, &after);
	arena_close(&arena);
	set_fault_window(DEFAULT_WINDOW);
}
