/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random operations in parts: what to do next (xenmm_random_pick.c), what the pages must
 * be like then (xenmm_random_model.c), what another vCPU sees of them
 * (xenmm_random_onlooker.c), what happens beside (xenmm_random_disturb.c), and the
 * threads that do it (xenmm_random_workers.c). Two tests use them: xenmm_random_test looks
 * closely at few operations, xenmm_soak_test less closely at many. Picks depend on the
 * dice alone, never on what was found, so that a seed repeats them.
 */
#ifndef XENMM_RANDOM_H
#define XENMM_RANDOM_H

#include <pthread.h>

#include "xenmm_test.h"

/* ---------------------------------------------------------------------- model */

/*
 * A fault may map pages around the touched one, and whether it did cannot be seen
 * from user space: such a page is a MAYBE, until it is touched itself.
 */
enum existence { ABSENT, MAYBE, PRESENT };

/*
 * What a tracked page must be told as. A page that may exist counts as written when it is
 * discarded, if it did.
 */
enum noted { NOT_NOTED, MAYBE_NOTED, NOTED };

struct page {
	enum existence existence;
	enum noted noted;
	bool tracked;
	uint16_t stamp; /* seed of its content, 0: zeroes */
	bool read_only;
	bool gone; /* by munmap of its table; it exists until all are gone */
};

/* Whole tables of an arena, used by one thread alone; only the last may end early. */
struct share {
	struct arena arena;
	size_t first, pages; /* numbers of the arena's pages */
	struct page *model;  /* of page `first` and those behind it */
	unsigned int window; /* pages that a fault maps, at most */
	uint16_t last_stamp;
};

struct count {
	size_t least, most;
};

struct page *model_of(const struct share *share, size_t page);
void forget_pages(struct share *share); /* after mmap there is none, all are writable */
struct count count_pages(const struct share *share);

/* Somebody has touched the page: it exists. */
void note_touch(struct share *share, size_t page);
/* Somebody has written to it. */
void note_write(struct share *share, size_t page);
/* Content and protection, by touching. */
void check_page(struct share *share, size_t page);
void check_share(struct share *share);

/* -------------------------------------------------------------------- actions */

#define MAX_RUNS 48

struct operation {
	const char *name;
	unsigned long request; /* 0: pages are touched */
	__u32 prot;	       /* of PROTECT */
	bool writes;	       /* a touch */
};

struct action {
	const struct operation *operation;
	struct method method;
	struct run {
		size_t first, pages;
	} runs[MAX_RUNS];
	size_t nr_runs;
};

uint64_t dice_of(uint64_t seed, unsigned int round, unsigned int thread);
size_t below(uint64_t *dice, size_t limit); /* 0 to limit - 1 */
/* soaks: ranges of 64 pages on average. */
void pick_action(uint64_t *dice, const struct share *share, bool soaks, struct action *action);
void describe_action(const struct action *action, char *text, size_t size);
/* Do it, and let the model follow. */
void do_action(struct share *share, const struct action *action);

/* ------------------------------------------------------------------- onlooker */

/* One more thread, that looks at a page for one of the others at a time. */
void start_onlooker(void);
void stop_onlooker(void);
/* Around an operation: its effect must be seen when it has returned. */
void begin_watch(struct share *share, size_t page);
void end_watch(struct share *share, size_t page);

/* -------------------------------------------------------------------- workers */

#define NR_WORKERS 4
#define SHARE_PAGES (8 * SPAN_PAGES)
#define SHARED_PAGES (NR_WORKERS * SHARE_PAGES - 100) /* the last table is not whole */
#define SIDE_PAGES (3 * SPAN_PAGES + 77)

/* What was done; a test that only fails says nothing of how hard it tried. */
struct tally {
	unsigned long operations, pages; /* calls, and the pages that they named */
	unsigned long touches, checks;	 /* pages */
	unsigned long forks, munmaps, moves, debuggers;
};

void add_tally(struct tally *sum, const struct tally *term);

/* How a round is done. */
struct pace {
	unsigned long seed, steps; /* of all threads */
	bool soaks;
};

struct worker {
	pthread_t thread;
	const struct pace *pace;
	unsigned int round, number, step, nr_steps;
	uint64_t dice;
	struct share share; /* of the arena of all */
	struct share *side; /* an arena of its own, or NULL */
	bool is_watched;
	struct tally tally;
};

/* An arena for all, and one aside, with nothing in them; the latter is gone afterwards. */
void run_round(const struct arena *arena, const struct arena *side, unsigned int round,
	       const struct pace *pace, struct tally *sum);
void expect_nothing_held(int fd);

/* ------------------------------------------------------------------ disturbance */

/* Now and then, by the one with a side arena: what the kernel or another process does. */
void disturb(struct worker *worker);
/* Take all of an arena away and make a new one, of the same open file or another. */
void make_anew(struct arena *arena, bool reopen);

#endif /* XENMM_RANDOM_H */
