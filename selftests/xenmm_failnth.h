/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel fails the n-th allocation, or copy from or to user space, of one call of
 * this task (/proc/self/fail-nth), for n = 1, 2, 3 ... until a call has no n-th one.
 */
#ifndef XENMM_FAILNTH_H
#define XENMM_FAILNTH_H

#include "xenmm_test.h"

/* An arena, a call on it, and what came of it. */
struct scene {
	struct arena arena;
	const struct method *method;
	struct xenmm_stats before; /* the call */
	struct xenmm_op op;
	int answer; /* 0 or -errno */
	int signal;
};

/*
 * prepare: a scene in which the call makes all its allocations; nothing fails
 * run:     the call alone; its answer into the scene
 * failed:  what a failed call must have left
 * done:    what a call must have done, be it the second one; scene_end follows
 * errors:  what it may answer, ends with 0
 */
struct failing_call {
	const char *name;
	void (*prepare)(struct scene *scene);
	void (*run)(struct scene *scene);
	void (*failed)(struct scene *scene);
	void (*done)(struct scene *scene);
	int errors[4];
};

/* Skips the test where the kernel injects nothing. */
void need_failures(void);
/* From now on no page can be had by this task; or again. */
void fail_all_pages(bool fail);
/* Each failure in turn; afterwards the arenas hold what they held before. */
void fail_each(const struct failing_call *call, const struct method *method);

#define ALL_PAGES (2 * SPAN_PAGES)

/* Scenes of ALL_PAGES: nothing there; everything, filled with 1. And their end. */
void new_arena(struct scene *scene);
void full_arena(struct scene *scene);
void end_scene(struct scene *scene);

#endif /* XENMM_FAILNTH_H */
