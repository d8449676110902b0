/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A test's world: an arena in the address space of the process that loads the module,
 * what must be true of each of its pages, and a look at its live page tables that
 * shares no code with the module.
 *
 * Operations go in by the file's ioctl, with their arguments in user memory, as a
 * program's do: the locks, the order of checks and the twins are the product's own then,
 * and nothing here has to imitate chardev.c.
 *
 * A case runs in a kernel thread, which borrows the address space for each operation
 * alone. No assertion may fail meanwhile: the thread would end with it.
 */
#ifndef XENMM_WORLD_H
#define XENMM_WORLD_H

#include <linux/fs.h>
#include <linux/mm_types.h>
#include <asm/pgtable_types.h>

#include "glue.h"
#include "rows.h"

#define XENMM_TABLE_PAGES 512u

/* Pages of an arena, counted from its first one. */
struct xenmm_pages {
	u32 first;
	u32 pages; /* 0 ends a list */
};

#define XENMM_MOST_PAGES 8

/* What must be true of a page. */
struct xenmm_page {
	u64 pfn; /* 0: not seen yet */
	u64 tag; /* its first and its last word */
	u64 accessed_dirty;
	bool has_page;
	bool is_mapped;
	bool is_read_only;
};

struct xenmm_world {
	struct mm_struct *mm;
	struct file *file;
	unsigned long base;   /* of the arena */
	unsigned long memory; /* user memory for arguments */
	u32 pages;
	struct xenmm_page *page;
};

/* A way to call. */
struct xenmm_way {
	const char *name;
	u32 method;
	u32 batch;
};

extern const struct xenmm_way xenmm_ways[];
extern const size_t xenmm_nr_ways;
#define XENMM_WAYS                                                  \
	{                                                           \
		xenmm_ways, sizeof(struct xenmm_way), XENMM_NR_WAYS \
	}
#define XENMM_ONE_MORE(number, NAME, name, ...) 1 +
#define XENMM_NR_WAYS (XENMM_ENTRY_METHODS(XENMM_ONE_MORE) 8)
extern const struct xenmm_way xenmm_plain_way; /* batch of 512 */
bool xenmm_way_flips(const struct xenmm_way *way);

struct xenmm_deed {
	const char *name;
	unsigned int command; /* XENMM_IOC_* */
	u32 prot;
};

extern const struct xenmm_deed xenmm_populate, xenmm_discard, xenmm_map, xenmm_unmap,
	xenmm_protect_ro, xenmm_protect_rw;

/* ------------------------------------------------------------- world.c */

/* For suites: before the first case, and after each. */
int xenmm_world_suite_init(struct kunit_suite *suite);
void xenmm_world_close(struct kunit *test);

/* An arena of so many pages. Ends the test when there is none. */
struct xenmm_world *xenmm_world_open(struct kunit *test, u32 pages);
struct xenmm_host *xenmm_world_host(const struct xenmm_world *world);
unsigned long xenmm_world_address(const struct xenmm_world *world, u32 page);

/* Borrow the address space, unless it is the thread's own; give leave() the answer. */
bool xenmm_world_enter(const struct xenmm_world *world);
void xenmm_world_leave(const struct xenmm_world *world, bool entered);

/* An ioctl with its arguments put into user memory. Answers as ioctl(2), negative. */
int xenmm_world_ioctl(struct xenmm_world *world, unsigned int command, struct xenmm_op *op,
		      const struct xenmm_range *ranges);
/*
 * What a program would see: -EFAULT instead of a signal. Not where an entry is known to be
 * wrong: the kernel tries a write for ever that the arena allows and the entry does not.
 */
int xenmm_world_read(struct xenmm_world *world, u32 page, u64 *value);
int xenmm_world_write(struct xenmm_world *world, u32 page, u64 value);

/* ------------------------------------------------------------- model.c */

/* Do it, expect success, and what must be true afterwards is known. */
void xenmm_do(struct kunit *test, const struct xenmm_deed *deed, const struct xenmm_way *way,
	      const struct xenmm_pages *pages);
/* The same for each page of the arena that is `rest` modulo `n`. */
void xenmm_do_each(struct kunit *test, const struct xenmm_deed *deed, u32 n, u32 rest);
/* The model alone. */
void xenmm_model(struct xenmm_world *world, const struct xenmm_deed *deed,
		 const struct xenmm_pages *pages);
/* Would its entry change? */
bool xenmm_changes(const struct xenmm_page *page, const struct xenmm_deed *deed);
bool xenmm_revokes(const struct xenmm_deed *deed);
/* Give pages their tags: even ones by a program's write, where it may. */
void xenmm_tag_pages(struct kunit *test);

/* -------------------------------------------------------------- walk.c */

struct xenmm_table_seen {
	u64 hook;     /* the L2 entry; 0: no table */
	u64 *entries; /* raw */
};

/* mmap lock held. */
void xenmm_walk(struct mm_struct *mm, unsigned long address, struct xenmm_table_seen *seen);
/* The L2 entry of a table of the arena, without its accessed bit. Takes the mmap lock. */
u64 xenmm_hook(const struct xenmm_world *world, u32 table);
/* The table that an L2 entry of this value hooks, or would; 0: no table. */
void xenmm_look_behind(u64 hook, struct xenmm_table_seen *seen);

/*
 * Every entry of the arena, read back: present or exactly 0, its frame, its rights, its
 * other flags, accessed and dirty as they were; the page's content; each table pinned.
 * Pages not seen before must be zero and no other page's. A flip leaves accessed and
 * dirty bits behind: `whole_tables`, where those of whole tables are not known.
 */
void xenmm_check(struct kunit *test, const struct xenmm_pages *whole_tables);
/* Accessed and dirty bits as they are now. */
void xenmm_note_accessed_dirty(struct xenmm_world *world);
/* All raw entries and L2 entries, for a comparison to the bit. */
u64 *xenmm_snapshot(struct kunit *test, unsigned long base, size_t *words);
/* What the kernel believes that the process has of them. */
unsigned long xenmm_table_bytes(const struct xenmm_world *world);
/* The table of address is one that Xen protects: pinned, its alias read-only. */
bool xenmm_is_protected(const struct xenmm_table_seen *seen);

/* ------------------------------------------------------------- growth.c */

/*
 * What the counters must have grown by, from what the deed changes in which table: call
 * before the deed is done, compare after.
 */
void xenmm_expect_growth(const struct xenmm_world *world, const struct xenmm_deed *deed,
			 const struct xenmm_way *way, const struct xenmm_pages *pages,
			 struct xenmm_counts *growth);
/* Only the counters of `mask`, a bit each. */
void xenmm_check_growth(struct kunit *test, const struct xenmm_counts *before,
			const struct xenmm_counts *growth, u64 mask);
extern const u64 xenmm_all_counters;	/* but the cycles */
extern const u64 xenmm_effect_counters; /* what happened to pages, not how */

#endif /* XENMM_WORLD_H */
