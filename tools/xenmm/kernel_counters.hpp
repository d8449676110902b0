// SPDX-License-Identifier: GPL-2.0
// struct xenmm_kernel by name: one list for tables, JSON, CSV and differences. What
// each of them is in full stands in include/uapi/xenmm.h.
// Invariant: the list names every counter of the ABI, in its order.
#pragma once

#include <cstddef>
#include <string_view>

#include "uapi/xenmm.h"

namespace xenmm
{

struct KernelCounter {
	std::string_view name;
	__u64 xenmm_kernel::*value;
	std::string_view part_of; // the sum that it is a part of, or empty
	std::string_view meaning; // a few words

	// Not counted but estimated, at functions that are about to do it.
	bool is_estimate() const { return name.starts_with("traps"); }
};

inline constexpr KernelCounter kKernelCounters[] = {
	{"batches", &xenmm_kernel::batches, "hypercalls", "times that the kernel's queue was sent"},
	{"hypercalls", &xenmm_kernel::hypercalls, "", "entries into Xen that were asked for"},
	{"mmu_update_calls", &xenmm_kernel::mmu_update_calls, "", "calls to mmu_update"},
	{"mmu_updates", &xenmm_kernel::mmu_updates, "", "entries changed by mmu_update"},
	{"mmuext_calls", &xenmm_kernel::mmuext_calls, "", "pins, TLB flushes, new CR3"},
	{"va_mapping_calls", &xenmm_kernel::va_mapping_calls, "", "calls to update_va_mapping"},
	{"other_calls", &xenmm_kernel::other_calls, "", "stack, descriptors, FPU"},
	{"set_pte", &xenmm_kernel::set_pte, "", "L1 entries set"},
	{"set_pte_direct", &xenmm_kernel::set_pte_direct, "set_pte", "by a hypercall each"},
	{"set_pmd", &xenmm_kernel::set_pmd, "", "L2 entries set"},
	{"set_pud", &xenmm_kernel::set_pud, "", "L3 entries set"},
	{"set_p4d", &xenmm_kernel::set_p4d, "", "L4 entries set"},
	{"modify_prot", &xenmm_kernel::modify_prot, "", "L1 entries protected (mprotect)"},
	{"pgd_pin", &xenmm_kernel::pgd_pin, "", "address spaces validated"},
	{"pgd_unpin", &xenmm_kernel::pgd_unpin, "", "and given back"},
	{"table_alloc", &xenmm_kernel::table_alloc, "", "page tables added"},
	{"table_release", &xenmm_kernel::table_release, "", "page tables removed"},
	{"tlb_flush_one", &xenmm_kernel::tlb_flush_one, "", "flushes of one address"},
	{"tlb_flush_multi", &xenmm_kernel::tlb_flush_multi, "", "flushes on several CPUs"},
	{"write_cr3", &xenmm_kernel::write_cr3, "", "switches of address space"},
	{"flush_full", &xenmm_kernel::flush_full, "hypercalls",
	 "batches sent because 32 calls waited"},
	{"flush_arguments", &xenmm_kernel::flush_arguments, "hypercalls",
	 "... because 31 entries waited"},
	{"flush_callback", &xenmm_kernel::flush_callback, "hypercalls",
	 "... because callbacks waited"},
	{"batch_1", &xenmm_kernel::batch_1, "hypercalls", "batches with 1 entry of mmu_update"},
	{"batch_2", &xenmm_kernel::batch_2, "hypercalls", "... with 2"},
	{"batch_4", &xenmm_kernel::batch_4, "hypercalls", "... with 3 or 4"},
	{"batch_8", &xenmm_kernel::batch_8, "hypercalls", "... with 5 to 8"},
	{"batch_16", &xenmm_kernel::batch_16, "hypercalls", "... with 9 to 16"},
	{"batch_32", &xenmm_kernel::batch_32, "hypercalls", "... with more"},
	{"traps", &xenmm_kernel::traps, "", "stores to entries that Xen trapped"},
	{"traps_fork", &xenmm_kernel::traps_fork, "traps", "fork takes write permission away"},
	{"traps_unmap", &xenmm_kernel::traps_unmap, "traps", "munmap and its like"},
	{"traps_copy", &xenmm_kernel::traps_copy, "traps", "copy on write, reclaim"},
	{"traps_move", &xenmm_kernel::traps_move, "traps", "mremap"},
	{"traps_advice", &xenmm_kernel::traps_advice, "traps", "MADV_FREE, MADV_COLD"},
};
static_assert(offsetof(xenmm_kernel, batches) +
		      sizeof(kKernelCounters) / sizeof(*kKernelCounters) * sizeof(__u64) +
		      sizeof(xenmm_kernel::reserved) ==
	      sizeof(xenmm_kernel));

// What happened between two readings; the rest is the later one's.
inline xenmm_kernel difference(const xenmm_kernel &before, const xenmm_kernel &after)
{
	xenmm_kernel result = after;
	for (const KernelCounter &counter : kKernelCounters)
		result.*counter.value = after.*counter.value - before.*counter.value;
	return result;
}

} // namespace xenmm
