/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A place where raw hypercalls may be tried: spans of the loading process with L1 tables of
 * their own, some pages, and frames of others. Nothing else looks at those tables while
 * somebody is inside, and everything is put back as it was before Linux sees it again.
 *
 *   open (suite_init, in the loading process) .. enter .. reset .. leave .. close (suite_exit)
 *
 * Inside, the mmap lock is held for writing, so no fault and no walk comes by, and a
 * spinlock, which keeps a suspend out; nothing sleeps. No KUNIT_ASSERT in there: it would
 * end the thread with all that.
 */
#ifndef XENMM_RAW_WORLD_H
#define XENMM_RAW_WORLD_H

#include <linux/mm.h>
#include <xen/interface/xen.h>

#include "replay.h"

/* More names of frames, for the suites that FakeXen has no part in. */
enum xenmm_raw_symbol {
	XENMM_RAW_L3 = XENMM_NR_SYMBOLS,
	XENMM_RAW_L4,
	XENMM_RAW_VGA, /* of a device, below 1 MiB, where the machine has memory numbers */
	XENMM_NR_RAW_SYMBOLS,
};

struct xenmm_raw {
	struct mm_struct *mm;
	unsigned long mapping; /* what was mapped, and its part that is used */
	unsigned long start;
	struct page *pages[XENMM_NR_PAGES];
	xenmm_u64 *tables[XENMM_NR_TABLES]; /* in the direct map, their alias */
	xenmm_u64 *l2;			    /* the entry of the first span */
	xenmm_u64 *l3;			    /* the tables above it */
	xenmm_u64 *l4;
	unsigned long mfns[XENMM_NR_RAW_SYMBOLS];
};

/* A suite's suite_init and suite_exit. Errno; nothing is left behind then. */
int xenmm_raw_open(struct xenmm_raw *world);
void xenmm_raw_close(struct xenmm_raw *world);

void xenmm_raw_enter(struct xenmm_raw *world);
void xenmm_raw_leave(struct xenmm_raw *world);
/*
 * Inside: tables empty, hooked, pinned, read-only, whatever they were before. 0, or the
 * first error: then the world is broken, and so are the suites.
 */
int xenmm_raw_reset(struct xenmm_raw *world);

/* Inside. What is watched, frames by their names, or as they are. */
void xenmm_raw_watch(struct xenmm_raw *world, xenmm_u64 *watched);
void xenmm_raw_watch_raw(struct xenmm_raw *world, xenmm_u64 *watched);
/* What is not watched must be empty. */
bool xenmm_raw_is_tidy(struct xenmm_raw *world);
xenmm_u64 xenmm_raw_named(struct xenmm_raw *world, xenmm_u64 entry);

unsigned long xenmm_raw_address(struct xenmm_raw *world, unsigned int span, unsigned int slot);
/* The machine address of entry `slot` of the frame of that name; of the L2, span `slot`. */
xenmm_u64 xenmm_raw_maddr(struct xenmm_raw *world, unsigned int symbol, unsigned int slot);
xenmm_u64 xenmm_raw_value(struct xenmm_raw *world, unsigned int symbol, xenmm_u64 flags);
/* The entry that maps kernel memory; of a table, its alias. */
xenmm_u64 xenmm_alias_value(const void *memory, bool writable);
int xenmm_alias_set(const void *memory, bool writable);
int xenmm_raw_extended(unsigned int command, unsigned long mfn, unsigned int domain);
int xenmm_raw_update(xenmm_u64 ptr, xenmm_u64 value);

/* player.c: carries out steps until one hypercall is complete; answers how many those were. */
unsigned int xenmm_raw_play(struct xenmm_raw *world, const struct xenmm_step *steps, size_t stride,
			    unsigned int count, struct xenmm_answer *answers);

#endif /* XENMM_RAW_WORLD_H */
