/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The user interface of /dev/xenmm: memory whose page-table work is batched.
 *
 * An open file is one *arena*. mmap() it once (MAP_SHARED, PROT_READ |
 * PROT_WRITE, offset 0, any number of pages, address a multiple of
 * XENMM_SPAN_BYTES where the caller chooses one) and change its pages with the
 * calls below. An arena belongs to
 * the process that mapped it: the descriptor may be inherited or passed on, but
 * another process can only ask for information.
 *
 * Every reserved field must be zero, else EINVAL. Bad input changes nothing.
 */
#ifndef _UAPI_XENMM_H
#define _UAPI_XENMM_H

#include <linux/ioctl.h>
#include <linux/types.h>

#include "xenmm_methods.h"

#define XENMM_DEVICE_PATH "/dev/xenmm"
#define XENMM_ABI_VERSION 1

/* One L1 table maps this many bytes; an arena starts at a multiple of it. */
#define XENMM_SPAN_BYTES (2UL << 20)
#define XENMM_SPAN_PAGES 512
/* The largest number of updates that one hypercall of `batch` may carry. */
#define XENMM_MAX_BATCH 2048
/* The largest number of ranges in one call. */
#define XENMM_MAX_RANGES (1U << 20)

/*
 * How page-table entries are changed, by the list in xenmm_methods.h: XENMM_METHOD_TRAP
 * and so on. A method that this guest does not offer (see xenmm_info.methods) answers
 * EOPNOTSUPP.
 *
 * REBUILD and FLIP work on whole L1 tables. Where a range covers only a part of a
 * table, or the arena ends inside one, they go by batch (512). AUTO chooses, table
 * by table, the cheapest of flip, rebuild and batch by the price list in debugfs
 * `cost`; where there is one method only, it is that one.
 */
#define XENMM_METHOD(number, NAME, name, ...) XENMM_METHOD_##NAME = (number),
enum xenmm_method { XENMM_METHODS(XENMM_METHOD) };
#undef XENMM_METHOD

/* What XENMM_IOC_PROTECT sets; writing without reading does not exist. */
#define XENMM_PROT_READ 1U
#define XENMM_PROT_READ_WRITE 3U

/**
 * struct xenmm_range - a piece of the arena
 * @start: first address, a multiple of the page size
 * @length: in bytes, a multiple of the page size, not 0
 */
struct xenmm_range {
	__u64 start;
	__u64 length;
};

/**
 * struct xenmm_op - one operation on an array of ranges
 * @ranges: in: user address of @nr_ranges struct xenmm_range, ascending and
 *	without overlap, all inside the caller's mapping of this arena
 * @nr_ranges: in: 1 to XENMM_MAX_RANGES
 * @method: in: enum xenmm_method
 * @batch: in: with XENMM_METHOD_BATCH updates per hypercall, 1 to XENMM_MAX_BATCH;
 *	with XENMM_METHOD_REBUILD the least number of pages asked for in a table,
 *	1 to XENMM_SPAN_PAGES, for which the table is rebuilt, or 0 for whole tables
 *	only; 0 with any other method
 * @prot: in: XENMM_PROT_READ or XENMM_PROT_READ_WRITE with XENMM_IOC_PROTECT;
 *	0 with any other call
 * @reserved: in: 0
 * @pages_done: out: pages, counted from the first range on, that are as asked
 *	for; all of them on success
 * @failed_address: out: first page that is not as asked for; 0 on success
 * @hypervisor_error: out: what Xen answered for @failed_address, a negative
 *	errno; 0 where the error did not come from Xen. Two methods hide Xen's answer:
 *	a refused trap is always -EFAULT, a lost entry of lazy always -EIO
 * @reserved_out: out: 0
 *
 * The out fields are set to 0 once the other fields are found right, and to the
 * outcome at the end, whatever it is. On EFAULT, EPERM, EACCES and EOPNOTSUPP, and on EBUSY,
 * EINVAL, ENOMEM and EINTR with @pages_done 0, no page was changed. (One exception: a
 * struct that cannot be written any more when the work is done, because it lies in a
 * range that this very call makes read-only, or because another thread has seen to it
 * meanwhile, answers EFAULT then.)
 */
struct xenmm_op {
	__u64 ranges;
	__u32 nr_ranges;
	__u32 method;
	__u32 batch;
	__u32 prot;
	__u64 reserved[2];
	__u64 pages_done;
	__u64 failed_address;
	__s32 hypervisor_error;
	__u32 reserved_out;
};

/* The largest number of ranges that one XENMM_IOC_COLLECT tells. */
#define XENMM_MAX_COLLECT 65536U

/**
 * struct xenmm_collect - which pages were written?
 * @start: in: first address of the range to look at, a multiple of the page size
 * @length: in: in bytes, a multiple of the page size, not 0
 * @ranges: in: user address of room for @max_ranges struct xenmm_range; out: ranges of
 *	written pages, ascending and apart
 * @max_ranges: in: 1 to XENMM_MAX_COLLECT
 * @flags: in: 0
 * @nr_ranges: out: how many there are
 * @hypervisor_error: out: as in struct xenmm_op, for the page at @resume
 * @pages: out: pages in @ranges
 * @resume: out: up to here all is told: the end of the range, or where the next call has to
 *	begin because there was no more room, or Xen refused (EIO)
 * @reserved: in: 0
 */
struct xenmm_collect {
	__u64 start;
	__u64 length;
	__u64 ranges;
	__u32 max_ranges;
	__u32 flags;
	__u32 nr_ranges;
	__s32 hypervisor_error;
	__u64 pages;
	__u64 resume;
	__u64 reserved[2];
};

/**
 * struct xenmm_fork - what was done ahead of a fork
 * @flags: in: 0
 * @pages: out: entries that are read-only now
 * @tables: out: tables that were rewritten as a whole for it
 * @reserved: in: 0
 */
struct xenmm_fork {
	__u64 flags;
	__u64 pages;
	__u64 tables;
	__u64 reserved[2];
};

/* Guest kinds, as far as page tables are concerned. */
enum xenmm_guest {
	XENMM_GUEST_NATIVE = 0, /* no Xen: bare metal, KVM, others */
	XENMM_GUEST_XEN_PV = 1,
	XENMM_GUEST_XEN_HVM = 2, /* PVH and HVM: Xen without PV page tables */
};

/**
 * struct xenmm_info - what this module is and can do here
 * @abi_version: XENMM_ABI_VERSION of the module
 * @guest: enum xenmm_guest
 * @methods: bit (1 << method) is set for each method that works in this guest;
 *	bit 0, XENMM_METHOD_AUTO, in every one
 * @max_batch: largest xenmm_op.batch of the method batch, where it is offered
 * @fault_window: pages that a demand fault maps at once, at most
 * @initial_domain: 1 in Xen's dom0, else 0
 * @features: XENMM_FEATURE_*, a bit for each addition to this interface
 * @module_version: NUL-terminated
 */
#define XENMM_FEATURE_KERNEL (1ULL << 0) /* XENMM_IOC_KERNEL */
#define XENMM_FEATURE_TRACK (1ULL << 1)	 /* XENMM_IOC_TRACK, _UNTRACK, _COLLECT, _NOTIFY */
#define XENMM_FEATURE_FORK (1ULL << 2)	 /* XENMM_IOC_FORK */

struct xenmm_info {
	__u32 abi_version;
	__u32 guest;
	__u32 methods;
	__u32 max_batch;
	__u32 fault_window;
	__u32 initial_domain;
	__u64 features;
	char module_version[32];
};

/**
 * struct xenmm_stats - counters of all arenas since load or the last reset
 * @hypercalls: hypercalls that carried page-table updates; a multicall is one.
 *	TLB flushes that went alone and the kernel's own lazy queue are not here
 * @mmu_updates: entries handed to mmu_update and applied, those of L2 tables
 *	(two for each table rebuilt or flipped) among them
 * @traps: stores into live tables that Xen emulated
 * @va_mappings: entries changed by update_va_mapping
 * @multicalls: multicalls of single updates (method multicall)
 * @lazy_updates: entries handed to the kernel's lazy MMU mode
 * @native_stores: entries changed where no hypervisor owns the tables
 * @tlb_flushes: flushes asked for, alone or fused into a multicall: one for an
 *	operation that took rights away (discard, unmap, protect read-only) from at
 *	least one page; with method native one for each range and table zapped
 * @faults: demand faults served
 * @fault_around_pages: pages mapped by faults beyond the one touched
 * @pages_mapped: entries that became present
 * @pages_unmapped: entries that became empty, munmap and exit not included
 * @pages_protected: present entries whose protection was written; those of tables
 *	that were flipped are not counted, see @tables_flipped
 * @pages_allocated: pages taken from the kernel
 * @pages_freed: pages given back; allocated - freed is what arenas hold now
 * @errors: operations and faults that ended with an error from Xen
 * @partial_batches: hypercalls that applied some of their updates and failed
 * @hypercall_cycles: TSC cycles spent inside those hypercalls
 * @trap_cycles: TSC cycles spent in trapping stores
 * @tables_rebuilt: L1 tables unhooked, rewritten and hooked back
 * @tables_flipped: exchanges of an L1 table with its twin
 * @twins_made: twin tables put into use; each holds one page until it is dropped
 * @twins_dropped: twin tables given back; made - dropped is what twins hold now,
 *	in pages
 * @twin_updates: entries of twin tables written; not in pages_mapped and its like
 * @teardown_pages: entries cleared just before munmap, so that the kernel has no
 *	trap to take for them
 * @repairs: rebuilds and flips in which Xen refused a step and all was put right
 * @writes_noted: first writes to tracked pages, each noted by a fault
 * @reserved: 0
 */
struct xenmm_stats {
	__u64 hypercalls;
	__u64 mmu_updates;
	__u64 traps;
	__u64 va_mappings;
	__u64 multicalls;
	__u64 lazy_updates;
	__u64 native_stores;
	__u64 tlb_flushes;
	__u64 faults;
	__u64 fault_around_pages;
	__u64 pages_mapped;
	__u64 pages_unmapped;
	__u64 pages_protected;
	__u64 pages_allocated;
	__u64 pages_freed;
	__u64 errors;
	__u64 partial_batches;
	__u64 hypercall_cycles;
	__u64 trap_cycles;
	__u64 tables_rebuilt;
	__u64 tables_flipped;
	__u64 twins_made;
	__u64 twins_dropped;
	__u64 twin_updates;
	__u64 teardown_pages;
	__u64 repairs;
	__u64 writes_noted;
	__u64 reserved[5];
};

/* What XENMM_IOC_KERNEL does to the counting. */
#define XENMM_KERNEL_OFF 0U
#define XENMM_KERNEL_ON 1U
#define XENMM_KERNEL_LEAVE 2U
#define XENMM_KERNEL_RESET (1U << 0) /* a flag: begin at 0 again */

/**
 * struct xenmm_kernel - what Linux itself does to page tables, in the whole guest
 * @counting: in: XENMM_KERNEL_OFF, _ON or _LEAVE; out: 1 while counting, else 0.
 *	Off after load; then it costs nothing. The counters below count while it is on,
 *	since load or the last reset, what all processes and the kernel do. The changes
 *	that arenas make by the methods of this module are not among them, those of the
 *	method lazy excepted
 * @flags: in: XENMM_KERNEL_RESET or 0; out: the same
 * @estimating: out: 1: @traps and its parts were estimated when it was on last; 0: this
 *	kernel lacks the function tracer or one of the functions, and they are 0
 * @reserved_word: in: 0; out: 0
 * @batches: times that the kernel's queue was sent: a hypercall each, a multicall if it
 *	holds more than one call
 * @hypercalls: @batches and @set_pte_direct. What the tracepoints do not show is not
 *	here: hypercalls past the queue that are no set_pte (few, most at boot)
 * @mmu_update_calls: mmu_update calls, within multicalls or alone
 * @mmu_updates: entries in them
 * @mmuext_calls: mmuext_op calls in the queue: pins, TLB flushes, new CR3
 * @va_mapping_calls: update_va_mapping calls in the queue
 * @other_calls: other calls in the queue: stack, descriptors, FPU at a task switch
 * @set_pte: L1 entries set
 * @set_pte_direct: of those, the ones outside of lazy MMU mode: one hypercall each
 * @set_pmd: L2 entries set
 * @set_pud: L3 entries set
 * @set_p4d: L4 entries set
 * @modify_prot: L1 entries whose protection was changed (mprotect)
 * @pgd_pin: address spaces pinned: all their tables validated
 * @pgd_unpin: and unpinned
 * @table_alloc: page tables added to an address space
 * @table_release: and taken from it
 * @tlb_flush_one: flushes of one address
 * @tlb_flush_multi: flushes on several CPUs
 * @write_cr3: switches of address space, and flushes of all
 * @flush_full: the queue was sent because it was full (32 calls)
 * @flush_arguments: because there was no more room for arguments (31 entries)
 * @flush_callback: because there was no more room for callbacks
 * @batch_1: times the queue was sent with 1 entry of mmu_update in it
 * @batch_2: with 2
 * @batch_4: with 3 or 4
 * @batch_8: with 5 to 8
 * @batch_16: with 9 to 16
 * @batch_32: with more; 31 is what fits in
 * @traps: an estimate of the stores that Xen trapped, the sum of the next five. Stores
 *	by aging, as pages are reclaimed, are not in it
 * @traps_fork: entries made read-only by fork, counted in the tables when it begins;
 *	in areas of more than 64 MiB from a sample of 32 tables
 * @traps_unmap: entries of pages cleared by munmap, MADV_DONTNEED, truncation, migration
 * @traps_copy: entries cleared to put another page in: copy on write, reclaim
 * @traps_move: entries moved by mremap, as @traps_fork
 * @traps_advice: entries that MADV_FREE, MADV_COLD and MADV_PAGEOUT make clean or old
 * @reserved: in: 0; out: 0
 */
struct xenmm_kernel {
	__u32 counting;
	__u32 flags;
	__u32 estimating;
	__u32 reserved_word;
	__u64 batches;
	__u64 hypercalls;
	__u64 mmu_update_calls;
	__u64 mmu_updates;
	__u64 mmuext_calls;
	__u64 va_mapping_calls;
	__u64 other_calls;
	__u64 set_pte;
	__u64 set_pte_direct;
	__u64 set_pmd;
	__u64 set_pud;
	__u64 set_p4d;
	__u64 modify_prot;
	__u64 pgd_pin;
	__u64 pgd_unpin;
	__u64 table_alloc;
	__u64 table_release;
	__u64 tlb_flush_one;
	__u64 tlb_flush_multi;
	__u64 write_cr3;
	__u64 flush_full;
	__u64 flush_arguments;
	__u64 flush_callback;
	__u64 batch_1;
	__u64 batch_2;
	__u64 batch_4;
	__u64 batch_8;
	__u64 batch_16;
	__u64 batch_32;
	__u64 traps;
	__u64 traps_fork;
	__u64 traps_unmap;
	__u64 traps_copy;
	__u64 traps_move;
	__u64 traps_advice;
	__u64 reserved[8];
};

#define XENMM_IOC_MAGIC 0xBC

/*
 * Information; any holder of the descriptor may ask.
 *   EFAULT: bad pointer
 */
#define XENMM_IOC_INFO _IOR(XENMM_IOC_MAGIC, 0x01, struct xenmm_info)
#define XENMM_IOC_STATS _IOR(XENMM_IOC_MAGIC, 0x02, struct xenmm_stats)

/*
 * Counting of what the kernel does; any holder of the descriptor may ask.
 *   EFAULT      bad pointer
 *   EINVAL      a field is wrong
 *   EPERM       to switch or to reset needs CAP_SYS_ADMIN
 *   EOPNOTSUPP  to switch it on: this guest does not ask a hypervisor to change its tables
 *   ENOENT      to switch it on: this kernel has not got the tracepoints
 * A call that fails changes nothing.
 */
#define XENMM_IOC_KERNEL _IOWR(XENMM_IOC_MAGIC, 0x03, struct xenmm_kernel)

/*
 * Operations on pages; only the process that mapped the arena may ask.
 *   EFAULT      bad pointer
 *   EINVAL      a field or a range is wrong, or not in this arena's mapping; with
 *               pages_done not 0, another thread unmapped a part of the arena
 *   EPERM       the arena is mapped by another process
 *   EBUSY       PROTECT of a tracked page (failed_address): UNTRACK it first. With pages_done
 *               not 0, another thread has tracked it meanwhile
 *   EACCES      TRACK or UNTRACK of a page that PROTECT made read-only (failed_address)
 *   EOPNOTSUPP  this guest does not offer the method
 *   ENOMEM      no memory, memory cgroup or RLIMIT_MEMLOCK exhausted
 *   EINTR       a fatal signal arrived
 *   EIO         Xen refused an update, see xenmm_op.hypervisor_error; or it once
 *               refused to take a table back and the arena is dead (touches are
 *               SIGBUS): unmap it
 *
 * POPULATE  allocate zeroed pages where there are none, and map all
 * DISCARD   unmap and free: a later touch finds zeroes. Protection stays
 * PROTECT   set the protection of each page, populated or not. Method native
 *           empties the entries when it takes the right to write away: the next
 *           touch maps the page again. Methods flip and auto may keep a second
 *           table (the twin) for each 2 MiB, a page that is charged like the arena's
 * MAP       make the entries of populated pages present; allocates nothing
 * UNMAP     clear the entries; pages keep their content, a touch maps them
 * TRACK     from now on the first write to each page is noted: it faults, the page becomes
 *           writable, and COLLECT tells of it. Populated or not; methods as for PROTECT.
 *           Pages that are tracked already stay so, with what was noted. A write may
 *           go unnoticed while another thread protects the same pages
 * UNTRACK   writes are noted no more, and what was noted is forgotten
 */
#define XENMM_IOC_POPULATE _IOWR(XENMM_IOC_MAGIC, 0x10, struct xenmm_op)
#define XENMM_IOC_DISCARD _IOWR(XENMM_IOC_MAGIC, 0x11, struct xenmm_op)
#define XENMM_IOC_PROTECT _IOWR(XENMM_IOC_MAGIC, 0x12, struct xenmm_op)
#define XENMM_IOC_MAP _IOWR(XENMM_IOC_MAGIC, 0x13, struct xenmm_op)
#define XENMM_IOC_UNMAP _IOWR(XENMM_IOC_MAGIC, 0x14, struct xenmm_op)
#define XENMM_IOC_TRACK _IOWR(XENMM_IOC_MAGIC, 0x15, struct xenmm_op)
#define XENMM_IOC_UNTRACK _IOWR(XENMM_IOC_MAGIC, 0x16, struct xenmm_op)

/*
 * The pages of a range that were written since they were tracked, or collected last; from
 * then on their writes are noted again. A write that is not told was done before it was
 * tracked, or will be told next time. DISCARD of a populated page counts as a write of
 * zeroes. Costs grow with the written pages: nothing else is looked at but 32 bytes for
 * each 2 MiB.
 *   EFAULT      bad pointer; what was not told counts as written still
 *   EINVAL      a field or the range is wrong, or not in this arena's mapping
 *   EPERM       the arena is mapped by another process
 *   ENOMEM, EINTR  nothing was collected
 * Where one of these comes when something was told already, the answer is 0, and resume
 * says where the next call will meet it.
 *   EIO         Xen refused an update: what is below resume was collected; or the arena is
 *               dead, then nr_ranges is 0
 */
#define XENMM_IOC_COLLECT _IOWR(XENMM_IOC_MAGIC, 0x17, struct xenmm_collect)

/*
 * The eventfd to which 1 is added whenever a write to a tracked page is noted; -1 for none.
 * It replaces the one before, and is held until the arena is closed.
 *   EBADF, EINVAL  not a descriptor, not an eventfd; EINVAL: the arena is not mapped, too
 *   EPERM       the arena is mapped by another process
 *   EFAULT      bad pointer
 */
#define XENMM_IOC_NOTIFY _IOW(XENMM_IOC_MAGIC, 0x18, __s32)

/*
 * The caller is about to fork: what fork does to each writable page of private anonymous
 * memory, a trap each, is done now by batches and whole tables. Nothing that the program
 * can see changes, whether it forks or not: a page that is written first is given back
 * by a fault. Left alone are shared memory, files, devices, hugetlbfs, areas of userfaultfd,
 * and what fork does not copy. Takes an open file of its own, from which nothing is mapped; it
 * belongs to the process that uses it first.
 *   EFAULT      bad pointer
 *   EINVAL      a field is not 0
 *   EBUSY       an arena is mapped from this file
 *   EPERM       the file belongs to another process
 *   EOPNOTSUPP  no Xen PV guest: fork has no traps here
 *   ENOMEM, EINTR  some pages may be read-only already
 *   EIO         Xen refused an update; where it gave back less than it took, which no
 *               Xen does, the process is killed
 */
#define XENMM_IOC_FORK _IOWR(XENMM_IOC_MAGIC, 0x19, struct xenmm_fork)

#endif /* _UAPI_XENMM_H */
