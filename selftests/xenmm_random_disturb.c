// SPDX-License-Identifier: GPL-2.0
/*
 * What goes on beside the operations of all threads: fork, partial munmap, mapping anew,
 * an mremap, which is refused, and a debugger that looks at the arena from outside.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xenmm_random.h"

/* ------------------------------------------------------------------------- fork */

/* Runs in a child: the parent's arena is not there. */
static void expect_no_arena(struct arena *arena)
{
	const size_t pages[] = {0, 1, arena->pages / 2, arena->pages - 1};

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		ASSERT_EQ(probe_read(page_at(arena, pages[i])).signal, SIGSEGV);
		ASSERT_EQ(probe_write(page_at(arena, pages[i]), 1).signal, SIGSEGV);
	}
}

static void fork_beside(struct worker *worker)
{
	struct arena *arena = below(&worker->dice, 2) ? &worker->share.arena : &worker->side->arena;
	struct xenmm_fork fork = {};

	if (below(&worker->dice, 2))
		ASSERT_EQ(hint_fork(&fork), is_offered(XENMM_METHOD_FLIP) ? 0 : -EOPNOTSUPP);
	ASSERT_EQ(run_child(expect_no_arena, arena), 0);
	worker->tally.forks++;
}

/* ----------------------------------------------------------------------- munmap */

void make_anew(struct arena *arena, bool reopen)
{
	ASSERT_EQ(munmap(arena->base, arena->pages * PAGE), 0);
	if (reopen) {
		ASSERT_EQ(close(arena->fd), 0);
		arena->fd = device_open();
	}
	arena->base = device_map(arena->fd, arena->pages * PAGE);
	ASSERT_NE(arena->base, MAP_FAILED);
}

static void make_side_anew(struct worker *worker)
{
	make_anew(&worker->side->arena, below(&worker->dice, 2));
	forget_pages(worker->side);
	worker->tally.munmaps++;
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
	worker->tally.munmaps++;
	if (is_all_gone(side))
		make_side_anew(worker);
}

/* ----------------------------------------------------------------------- mremap */

/* 4 MiB of nothing. */
static unsigned char *reserve(void)
{
	unsigned char *space =
		mmap(NULL, 2 * XENMM_SPAN_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(space, MAP_FAILED);
	return space;
}

/*
 * Of a table that other threads use, to a place that is taken until the kernel itself
 * clears it. It is refused when the entries have moved, and they move back.
 */
static void move(struct worker *worker)
{
	const size_t page = below(&worker->dice, SHARE_PAGES) & -SPAN_PAGES;
	unsigned char *space = reserve(), *end = space + 2 * XENMM_SPAN_BYTES;
	unsigned char *to =
		(unsigned char *)(((uintptr_t)space + XENMM_SPAN_BYTES - 1) & -XENMM_SPAN_BYTES);

	ASSERT_EQ(ERROR_OF(mremap(page_at(&worker->share.arena, page), XENMM_SPAN_BYTES,
				  XENMM_SPAN_BYTES, MREMAP_MAYMOVE | MREMAP_FIXED, to)),
		  EINVAL);
	if (to != space)
		ASSERT_EQ(munmap(space, to - space), 0);
	if (to + XENMM_SPAN_BYTES != end)
		ASSERT_EQ(munmap(to + XENMM_SPAN_BYTES, end - to - XENMM_SPAN_BYTES), 0);
	worker->tally.moves++;
}

/* --------------------------------------------------------------------- debugger */

/* A thread that is stopped meanwhile is not one of those that work: its memory is. */
static volatile pid_t idle_tid;

static void *idle(void *unused)
{
	idle_tid = syscall(SYS_gettid);
	for (;;)
		pause();
	return unused;
}

static void need_idle_thread(void)
{
	pthread_t thread;

	if (idle_tid)
		return;
	ASSERT_EQ(pthread_create(&thread, NULL, idle, NULL), 0);
	while (!idle_tid)
		usleep(100);
}

/* Runs in a child. */
static void debug_arena(struct arena *arena)
{
	const pid_t tid = idle_tid;
	int status;

	ASSERT_EQ(ptrace(PTRACE_ATTACH, tid, NULL, NULL), 0);
	ASSERT_EQ(waitpid(tid, &status, __WALL), tid);
	for (size_t page = 0; page < arena->pages; page += arena->pages / 8) {
		errno = 0;
		ASSERT_EQ(ptrace(PTRACE_PEEKDATA, tid, page_at(arena, page), NULL), -1);
		ASSERT_EQ(errno, EIO);
		ASSERT_EQ(ptrace(PTRACE_POKEDATA, tid, page_at(arena, page), 1), -1);
	}
	ASSERT_EQ(ptrace(PTRACE_DETACH, tid, NULL, NULL), 0);
}

static void look_as_debugger(struct worker *worker)
{
	need_idle_thread();
	ASSERT_EQ(run_child(debug_arena, &worker->share.arena), 0);
	worker->tally.debuggers++;
}

/* ------------------------------------------------------------------------- picks */

static const struct disturbance {
	const char *name;
	void (*disturb)(struct worker *worker);
} disturbances[] = {
	{"fork", fork_beside}, {"munmap of a part", lose_tables}, {"mmap anew", make_side_anew},
	{"mremap", move},      {"a debugger", look_as_debugger},
};

#define NR_DISTURBANCES (sizeof(disturbances) / sizeof(disturbances[0]))

void disturb(struct worker *worker)
{
	const size_t rarity = worker->pace->soaks ? 48 : 16;
	const size_t pick = below(&worker->dice, rarity * NR_DISTURBANCES);

	if (pick >= NR_DISTURBANCES)
		return;
	test_context("seed %lu, round %u, thread %u, after step %u: %s", worker->pace->seed,
		     worker->round, worker->number, worker->step, disturbances[pick].name);
	disturbances[pick].disturb(worker);
}
