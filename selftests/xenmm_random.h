/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The random-operation test in parts: what to do next (xenmm_random_pick.c), what the
 * pages must be like then (xenmm_random_model.c), what another vCPU sees of them
 * (xenmm_random_onlooker.c), and the threads that do it (xenmm_random_test.c). Picks
 * depend on the dice alone, never on what was found, so that a seed repeats them.
 */
#ifndef XENMM_RANDOM_H
#define XENMM_RANDOM_H

#include "xenmm_test.h"

/* ---------------------------------------------------------------------- model */

/*
 * A fault may map pages around the touched one, and whether it did cannot be seen
 * from user space: such a page is a MAYBE, until it is touched itself.
 */
enum existence { ABSENT, MAYBE, PRESENT };

struct page {
	enum existence existence;
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
void pick_action(uint64_t *dice, const struct share *share, struct action *action);
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

#endif /* XENMM_RANDOM_H */
