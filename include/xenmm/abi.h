/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The border between the C++ core and the C glue, in both directions.
 *
 * xenmm_*   entry points of the core, called by the glue
 * xenmm_k_* kernel services that the glue provides, one call each, no policy
 *
 * Plain C types only: kernel headers cannot be included from C++, and the core
 * also runs on the host. Errors are negative errno values.
 */
#ifndef XENMM_ABI_H
#define XENMM_ABI_H

#include "xenmm/abi_counts.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The glue's side of an open file: its mm, its locks. Opaque to the core. */
struct xenmm_host;
/* The core's side of it. Opaque to the glue. */
struct xenmm_arena;
/* The core's side of what another module maps with. Opaque to the glue. */
struct xenmm_mapper_core;
/* The pages that it maps. Opaque to the core. */
struct xenmm_page_list;

/* An ioctl's range; the layout of struct xenmm_range in the uapi. */
struct xenmm_piece {
	xenmm_u64 start;  /* virtual address */
	xenmm_u64 length; /* bytes */
};

enum xenmm_action {
	XENMM_POPULATE,
	XENMM_DISCARD,
	XENMM_PROTECT,
	XENMM_MAP,
	XENMM_UNMAP,
	XENMM_TRACK,
	XENMM_UNTRACK,
};

/* struct xenmm_op of the uapi, decoded: fields have the same meaning there. */
struct xenmm_request {
	enum xenmm_action action;
	xenmm_u32 nr_pieces;
	xenmm_u32 method;
	xenmm_u32 batch;
	xenmm_u32 prot;
	xenmm_u64 reserved; /* all reserved fields, or-ed */
	int exclusive;	    /* the mmap lock is held for writing */
	xenmm_u64 pages_done;
	xenmm_u64 failed_address;
	xenmm_s32 hypervisor_error;
};

/* What XENMM_IOC_COLLECT asks, and the answer. */
struct xenmm_harvest {
	struct xenmm_piece range;   /* where to look */
	struct xenmm_piece *found;  /* out: written pages, ascending, apart */
	xenmm_u32 max_found;	    /* how many fit, at least 1 */
	xenmm_u32 nr_found;	    /* out */
	xenmm_u64 pages;	    /* out: sum of what was found */
	xenmm_u64 resume;	    /* out: from here on nobody has looked; its end: all is told */
	xenmm_s32 hypervisor_error; /* out: as in struct xenmm_request */
	xenmm_u64 mapping;	    /* out: which mapping of the file it was found in */
};

/* What became of other memory's entries ahead of a fork. */
struct xenmm_shielded {
	xenmm_u64 pages;  /* made read-only */
	xenmm_u64 tables; /* of them by whole tables, so many */
	xenmm_u64 lost;	  /* entries, or a table, that Xen did not take back */
};

/* One L1 table, locked. */
struct xenmm_table {
	xenmm_u64 *entries; /* its 512 entries; read-only memory under Xen PV */
	xenmm_u64 maddr;    /* machine address of entries[0]; 0 without Xen PV */
	void *lock;	    /* what table_unlock releases; may be NULL */
	void *vma;	    /* the area the table was asked for */
};

/*
 * Where and how a table hangs in the address space, as machine addresses: valid as
 * long as the table lock under which they were asked for is held.
 */
struct xenmm_hooks {
	xenmm_u64 l2_maddr; /* of the L2 entry that hooks the table; 0: it is a twin */
	xenmm_u64 l2_value; /* of that entry when it does */
	xenmm_u64 mfn;	    /* of the table */
	xenmm_u64 alias;    /* virtual address of the table in the direct map */
	xenmm_u64 alias_ro; /* its L1 entry, read-only */
	xenmm_u64 alias_rw; /* and writable */
	int is_pinned;	    /* Linux pins each L1 table on its own here */
};

/* The most tables that are exchanged in one critical section. */
#define XENMM_MAX_FLIPS 16

/* The L2 entries of some consecutive tables, locked. */
struct xenmm_flips {
	xenmm_u64 l2_maddr; /* of the first; 8 bytes each on */
	xenmm_u64 l2_value[XENMM_MAX_FLIPS];
	xenmm_u64 l2_flags[XENMM_MAX_FLIPS]; /* of an entry that hooks another table there */
	int is_pinned;			     /* as in struct xenmm_hooks */
	void *lock;			     /* what flips_unlock releases */
};

enum xenmm_guest_kind {
	XENMM_KIND_NATIVE,
	XENMM_KIND_XEN_PV,
	XENMM_KIND_XEN_HVM,
};

/* ------------------------------------------------- core, called by the glue */

/* Bit (1 << method) for each method of a guest. Any context. */
xenmm_u32 xenmm_methods(enum xenmm_guest_kind kind);

/* The name of a counter as in debugfs; static. Any context. */
const char *xenmm_counter_name(xenmm_u32 counter);

/* The name of one of the kernel's counters as in debugfs; static. Any context. */
const char *xenmm_kernel_counter_name(xenmm_u32 counter);

/*
 * Complete what the probes counted. An entry in the queue is a set_pte, a change of protection or
 * of an upper table; a set_pte that is not there was a hypercall of its own, of one entry. What is
 * in a queue at this moment counts as such until it is sent. Any context.
 */
void xenmm_kernel_complete(struct xenmm_kernel_counts *counts);

/* The name of a price as in debugfs; static. Any context. */
const char *xenmm_cost_name(xenmm_u32 item);
/* The built-in price list. Any context. */
void xenmm_cost_default(struct xenmm_cost *cost);

/* May sleep. -ENOMEM; nothing is left behind then. */
int xenmm_arena_create(struct xenmm_host *host, enum xenmm_guest_kind kind,
		       struct xenmm_arena **arena);
/* May sleep; the arena must be detached. */
void xenmm_arena_destroy(struct xenmm_arena *arena);

/*
 * The arena now covers length bytes from base, which is a multiple of 2 MiB.
 * Arena lock held, may sleep. -EINVAL, -EBUSY (attached already), -ENOMEM.
 */
int xenmm_arena_attach(struct xenmm_arena *arena, xenmm_u64 base, xenmm_u64 length);
/*
 * The page tables of [from, to) are about to go, by munmap: clear what the arena has in
 * them, and in their twins, at the price of a batch. Nothing but the caller can reach the
 * tables by a fault or a walk. Arena lock held; allocates nothing. What Xen refuses is left
 * to the kernel.
 */
void xenmm_arena_retire(struct xenmm_arena *arena, xenmm_u64 from, xenmm_u64 to);
/*
 * Likewise, or the mm is about to go: the twins of [from, to) leave, and the kernel's own
 * tables are hooked there again. Always to be called before the kernel frees the tables.
 * No arena lock (twin_removal.hpp says why none is needed); may sleep, allocates nothing.
 */
void xenmm_arena_oust(struct xenmm_arena *arena, xenmm_u64 from, xenmm_u64 to);
/*
 * The mm is about to go: a dead arena's table, if one is nowhere hooked, is put back,
 * so that the kernel frees it. Arena lock held, atomic.
 */
void xenmm_arena_mend(struct xenmm_arena *arena);
/*
 * No entry of the arena is left in any page table: give all pages back.
 * Arena lock held, may sleep. Cannot fail; nothing to do when not attached.
 */
void xenmm_arena_detach(struct xenmm_arena *arena);

/*
 * Is the request well formed for this guest? Looks at everything but the
 * pieces. Any context, no lock. -EINVAL, -EOPNOTSUPP.
 */
int xenmm_request_check(const struct xenmm_request *request, enum xenmm_guest_kind kind);

/*
 * Does a checked request need the mmap lock for writing, because it may take whole
 * tables out of the address space? A guess from the pieces' lengths alone, which need
 * not be checked; without it the request is carried out by other methods. No lock.
 */
int xenmm_request_is_exclusive(const struct xenmm_request *request,
			       const struct xenmm_piece *pieces, enum xenmm_guest_kind kind);

/*
 * Carry out a checked request. mmap lock of the arena's mm and arena lock held,
 * in that order; may sleep. Errors as in the uapi; out fields are written when
 * the answer is 0, -EIO, -ENOMEM or -EINTR, and -EINVAL where pages_done is not 0.
 */
int xenmm_arena_run(struct xenmm_arena *arena, struct xenmm_request *request,
		    const struct xenmm_piece *pieces);

/*
 * The pages written since they were tracked, or collected last, are told once, and from
 * now on writes to them are noted again. Locks as for run, of which no one else is let
 * in between. -EINVAL the range is not in this arena; -EIO: what was found up to there
 * is told, all else is as it was.
 */
int xenmm_arena_collect(struct xenmm_arena *arena, struct xenmm_harvest *harvest);
/*
 * What was found could not be told: the pages that are still tracked count as written again.
 * Nothing where the file was mapped anew since.
 */
void xenmm_arena_uncollect(struct xenmm_arena *arena, const struct xenmm_harvest *harvest);

/*
 * Ahead of a fork: take the right to write from the present entries of these pieces, which are
 * private anonymous memory of the host's mm, by batches and whole tables. mmap lock held
 * for writing, and arena lock; nothing is mapped from this file. -EBUSY, -ENOMEM; -EINTR; -EIO
 * Xen refused something: with `lost` not 0 the process has lost memory.
 */
int xenmm_arena_shield(struct xenmm_arena *arena, const struct xenmm_piece *pieces,
		       xenmm_u32 nr_pieces, struct xenmm_shielded *shielded);

/*
 * Serve a demand fault at address, mapping up to window pages (a power of two,
 * at most 512) around it but none outside [from, to). Locks as for run.
 * 0; -EACCES a write to a read-only page; -ENOMEM; -EIO Xen refused.
 */
int xenmm_arena_fault(struct xenmm_arena *arena, xenmm_u64 address, int write, xenmm_u32 window,
		      xenmm_u64 from, xenmm_u64 to);

/*
 * A write to a present entry that is read-only. Locks as for run. 0: it may be tried
 * again; -EACCES the page is read-only; -EIO Xen refused.
 */
int xenmm_arena_write(struct xenmm_arena *arena, xenmm_u64 address);

/* May sleep. -ENOMEM; nothing is left behind then. The host is one of its own. */
int xenmm_mapper_core_create(struct xenmm_host *host, enum xenmm_guest_kind kind,
			     struct xenmm_mapper_core **core);
/* May sleep. */
void xenmm_mapper_core_destroy(struct xenmm_mapper_core *core);
/*
 * Map page i of the list at page i behind address, with these flag bits, wherever there is an
 * empty entry. results[i]: 0; -EBUSY the entry is not empty; what Xen said; or, for all that
 * follow, -ENOMEM, -EINTR, -EINVAL. mmap lock held, one caller at a time, may sleep. How many
 * were mapped.
 */
xenmm_u32 xenmm_mapper_map(struct xenmm_mapper_core *core, xenmm_u64 address, xenmm_u32 count,
			   xenmm_u64 flags, const struct xenmm_page_list *list, int *results);
/* Clear entries, and flush. Locks as for map. -EINTR, -EIO Xen refused: the rest is there still. */
int xenmm_mapper_clear(struct xenmm_mapper_core *core, xenmm_u64 address, xenmm_u32 count);

/* --------------------------------------- kernel services, called by the core */

/*
 * Zeroed, charged to the caller's memory cgroup. May sleep. NULL when there is none,
 * without waking the OOM killer.
 */
void *xenmm_k_zalloc(xenmm_u64 bytes);
void xenmm_k_free(void *memory);

/*
 * One zeroed page, charged likewise. May sleep. -ENOMEM without waking the OOM
 * killer; an optional page is given up early.
 */
int xenmm_k_page_alloc(int optional, xenmm_u64 *pfn);
void xenmm_k_page_free(xenmm_u64 pfn);

/* RLIMIT_MEMLOCK of the arena's mm, counted in its pinned_vm. -ENOMEM. */
int xenmm_k_charge(struct xenmm_host *host, xenmm_u64 pages);
void xenmm_k_uncharge(struct xenmm_host *host, xenmm_u64 pages);

/*
 * The part of the arena's visible mapping that holds address, as [from, to).
 * mmap lock held; held for writing, faults are kept out of that part from now on
 * (may sleep). -EINVAL when address is not in this arena's visible mapping.
 */
int xenmm_k_extent(struct xenmm_host *host, xenmm_u64 address, xenmm_u64 *from, xenmm_u64 *to);

/*
 * Make sure that there is an L1 table for address. mmap lock held, may sleep. -ENOMEM;
 * -EINVAL not this arena's area: a table in a hole would never be freed.
 */
int xenmm_k_table_make(struct xenmm_host *host, xenmm_u64 address);

/*
 * Look the area up again, walk to the L1 table and take its lock, nested inside
 * `depth` others taken in ascending order of address, the last one `previous`
 * (NULL for the first). mmap lock held; until unlock no sleeping.
 * -ENOENT no table; -EINVAL not this arena's area; -EIO table not pinned.
 */
int xenmm_k_table_lock(struct xenmm_host *host, xenmm_u64 address, xenmm_u32 depth,
		       const struct xenmm_table *previous, struct xenmm_table *table);
void xenmm_k_table_unlock(struct xenmm_table *table);

/*
 * How the table that is locked hangs at address. mmap lock held for writing, or the
 * area is being unmapped. -EOPNOTSUPP: it may not be taken out, because its 2 MiB
 * hold more than the arena or the address space is not pinned.
 */
int xenmm_k_table_hooks(struct xenmm_host *host, xenmm_u64 address, const struct xenmm_table *table,
			struct xenmm_hooks *hooks);
/*
 * The same for a table that is nowhere hooked, with these entries; locks it. It belongs at
 * address, or is the twin there (VirtAddr::twin()).
 * -ENOENT: there is no L2 table at address.
 */
int xenmm_k_orphan_lock(struct xenmm_host *host, xenmm_u64 address, xenmm_u64 *entries,
			struct xenmm_table *table, struct xenmm_hooks *hooks);
/* Xen has refused to take a table back, for now at least. Logs once. Atomic. */
void xenmm_k_arena_died(void);
/*
 * Trace events, next to nothing while they are off. Atomic. A batch of updates begins at the page
 * of this address, and is over: `done` of them took effect, error is 0 or what Xen said.
 */
void xenmm_k_trace_batch_begin(xenmm_u64 address, xenmm_u32 updates);
void xenmm_k_trace_batch_end(xenmm_u64 address, xenmm_u32 updates, xenmm_u32 done, int error);
/* A table was rebuilt, with so many entries changed. */
void xenmm_k_trace_rebuilt(xenmm_u64 address, xenmm_u32 changed);
/* So many tables from this address on were exchanged with their twins. */
void xenmm_k_trace_flipped(xenmm_u64 address, xenmm_u32 tables);
/* A write to a tracked page was let through. Arena lock held. */
void xenmm_k_write_noted(struct xenmm_host *host);
/* An L1 table cannot be given back: it is lost. Corrects the mm's books, logs once. */
void xenmm_k_table_lost(struct xenmm_host *host);

/*
 * A zeroed page that can be hooked as an L1 table of the mm: with a page-table lock as the
 * table at address has one. Ordinary, writable memory until Xen pins it; whoever pins it
 * makes it read-only. mmap lock held for writing, may sleep. -ENOMEM; -ENOENT no table
 * there; -EOPNOTSUPP this kernel tells nobody of munmap.
 */
int xenmm_k_twin_alloc(struct xenmm_host *host, xenmm_u64 address, xenmm_u64 *pfn);
/* It is hooked nowhere, not pinned, and writable again. Freed when no CPU walks it. Atomic. */
void xenmm_k_twin_free(xenmm_u64 pfn);
/*
 * As table_lock, for the table of this pfn, which is hooked nowhere and belongs to the span
 * at address. -EINVAL not this arena's area (any more).
 */
int xenmm_k_twin_lock(struct xenmm_host *host, xenmm_u64 address, xenmm_u64 pfn, xenmm_u32 depth,
		      const struct xenmm_table *previous, struct xenmm_table *table);
/*
 * As table_hooks: l2_maddr is 0, and each twin is pinned on its own. Preemption off. Answers
 * its entries.
 */
xenmm_u64 *xenmm_k_twin_hooks(xenmm_u64 pfn, struct xenmm_hooks *hooks);

/*
 * Walk to the L2 entries of `count` tables from address on, all of one L2 table, and lock
 * it. mmap lock held for writing, and the arena holds all of these tables' bytes; or,
 * leaving, the area is being unmapped: then an entry may be empty. Until unlock no
 * sleeping. -ENOENT a table is missing; -EINVAL not this arena's area; -EIO not pinned.
 */
int xenmm_k_flips_lock(struct xenmm_host *host, xenmm_u64 address, xenmm_u32 count, int leaving,
		       struct xenmm_flips *flips);
void xenmm_k_flips_unlock(struct xenmm_flips *flips);
/* The pfn of the table that an L2 entry of this value hooks. Preemption off. */
xenmm_u64 xenmm_k_table_pfn(xenmm_u64 l2_value);

/* The price list in force. Any context. */
void xenmm_k_cost(struct xenmm_cost *cost);

/* Flag bits of a present entry of this arena, frame number left out. */
xenmm_u64 xenmm_k_pte_flags(struct xenmm_host *host, int writable);

/* The pfn of a page of the list. Any context. */
xenmm_u64 xenmm_k_list_pfn(const struct xenmm_page_list *list, xenmm_u32 index);

/* The pfn to mfn table and its length; length 0 without Xen PV. */
const unsigned long *xenmm_k_p2m(xenmm_u64 *length);

/* Plain store into a live table. -EFAULT when it was refused. Table locked. */
int xenmm_k_store(xenmm_u64 *entry, xenmm_u64 value);

/* Hypercalls, as Xen's public headers define them. Atomic. */
int xenmm_k_mmu_update(void *updates, xenmm_u32 count, xenmm_u32 *done);
int xenmm_k_update_va_mapping(xenmm_u64 address, xenmm_u64 value, xenmm_u64 flags);
int xenmm_k_multicall(void *calls, xenmm_u32 count);
int xenmm_k_mmuext_op(void *ops, xenmm_u32 count);

/* The kernel's lazy MMU mode. Table locked; enter and leave pair up. */
void xenmm_k_lazy_enter(void);
void xenmm_k_lazy_set(const struct xenmm_table *table, xenmm_u64 address, xenmm_u64 value,
		      int preserve_ad);
void xenmm_k_lazy_leave(void);

/*
 * Where no hypervisor owns the tables: clear a piece's entries, flush and tell
 * the notifiers. mmap lock held, may sleep, no table locked.
 */
void xenmm_k_zap(struct xenmm_host *host, xenmm_u64 start, xenmm_u64 length);

/*
 * Give the CPU away if someone wants it; with `yields`, inside an ioctl alone, the
 * locks, too, if someone waits for the mmap lock. -EINTR when the caller is being
 * killed; -EINVAL when a part of the arena was unmapped meanwhile.
 */
int xenmm_k_breathe(struct xenmm_host *host, int yields);

/* TSC. Any context. */
xenmm_u64 xenmm_k_cycles(void);

/* Add to this CPU's counters. Any context but NMI. */
void xenmm_k_count(const struct xenmm_counts *counts);

#ifdef __cplusplus
}
#endif

#endif /* XENMM_ABI_H */
