/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is counted, and what is priced: lists that both sides of the border make enums,
 * names and fields of. Integers have the same name on both sides, too.
 */
#ifndef XENMM_ABI_COUNTS_H
#define XENMM_ABI_COUNTS_H

typedef __UINT32_TYPE__ xenmm_u32;
typedef __UINT64_TYPE__ xenmm_u64;
typedef __INT32_TYPE__ xenmm_s32;

/* Counters, in the order of struct xenmm_stats. X(name) */
#define XENMM_COUNTERS(X)     \
	X(hypercalls)         \
	X(mmu_updates)        \
	X(traps)              \
	X(va_mappings)        \
	X(multicalls)         \
	X(lazy_updates)       \
	X(native_stores)      \
	X(tlb_flushes)        \
	X(faults)             \
	X(fault_around_pages) \
	X(pages_mapped)       \
	X(pages_unmapped)     \
	X(pages_protected)    \
	X(pages_allocated)    \
	X(pages_freed)        \
	X(errors)             \
	X(partial_batches)    \
	X(hypercall_cycles)   \
	X(trap_cycles)        \
	X(tables_rebuilt)     \
	X(tables_flipped)     \
	X(twins_made)         \
	X(twins_dropped)      \
	X(twin_updates)       \
	X(teardown_pages)     \
	X(repairs)            \
	X(writes_noted)

#define XENMM_COUNTER_ENUM(name) XENMM_COUNTER_##name,
enum xenmm_counter { XENMM_COUNTERS(XENMM_COUNTER_ENUM) XENMM_NR_COUNTERS };
#undef XENMM_COUNTER_ENUM

/*
 * What Linux does to page tables in the whole guest, as its own tracepoints tell, in the
 * order of struct xenmm_kernel, where each is described. X(name)
 */
#define XENMM_KERNEL_COUNTERS(X) \
	X(batches)               \
	X(hypercalls)            \
	X(mmu_update_calls)      \
	X(mmu_updates)           \
	X(mmuext_calls)          \
	X(va_mapping_calls)      \
	X(other_calls)           \
	X(set_pte)               \
	X(set_pte_direct)        \
	X(set_pmd)               \
	X(set_pud)               \
	X(set_p4d)               \
	X(modify_prot)           \
	X(pgd_pin)               \
	X(pgd_unpin)             \
	X(table_alloc)           \
	X(table_release)         \
	X(tlb_flush_one)         \
	X(tlb_flush_multi)       \
	X(write_cr3)             \
	X(flush_full)            \
	X(flush_arguments)       \
	X(flush_callback)        \
	X(batch_1)               \
	X(batch_2)               \
	X(batch_4)               \
	X(batch_8)               \
	X(batch_16)              \
	X(batch_32)              \
	X(traps)                 \
	X(traps_fork)            \
	X(traps_unmap)           \
	X(traps_copy)            \
	X(traps_move)            \
	X(traps_advice)

#define XENMM_KERNEL_ENUM(name) XENMM_KERNEL_##name,
enum xenmm_kernel_counter { XENMM_KERNEL_COUNTERS(XENMM_KERNEL_ENUM) XENMM_NR_KERNEL };
#undef XENMM_KERNEL_ENUM

/*
 * The same as the probes count: only what went through the kernel's queue is in mmu_update_calls
 * and mmu_updates; hypercalls, set_pte_direct and traps are 0.
 */
struct xenmm_kernel_counts {
	xenmm_u64 counter[XENMM_NR_KERNEL];
	xenmm_u64 upper_queued; /* entries of L2 to L4 tables in the queue */
};

/* The price list, of the planner but for trap, described in the ABI document of debugfs. X(name) */
#define XENMM_COSTS(X) \
	X(hypercall)   \
	X(map)         \
	X(unmap)       \
	X(protect)     \
	X(rebuild)     \
	X(validate)    \
	X(devalidate)  \
	X(flip)        \
	X(trap)

#define XENMM_COST_ENUM(name) XENMM_COST_##name,
enum xenmm_cost_item { XENMM_COSTS(XENMM_COST_ENUM) XENMM_NR_COSTS };
#undef XENMM_COST_ENUM

struct xenmm_cost {
	xenmm_u32 ticks[XENMM_NR_COSTS]; /* 1 to XENMM_MAX_COST each */
};

#define XENMM_MAX_COST 0xffffff

/* Updates per hypercall by power of two: bucket i counts 2^(i-1)+1 .. 2^i. */
#define XENMM_NR_BUCKETS 12

struct xenmm_counts {
	xenmm_u64 counter[XENMM_NR_COUNTERS];
	xenmm_u64 bucket[XENMM_NR_BUCKETS];
};

#endif /* XENMM_ABI_COUNTS_H */
