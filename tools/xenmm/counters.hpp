// SPDX-License-Identifier: GPL-2.0
// struct xenmm_stats by name: one list for tables, JSON and differences.
// Invariant: the list names every counter of the ABI, in its order.
#pragma once

#include <string_view>

#include "uapi/xenmm.h"

namespace xenmm
{

struct NamedCounter {
	std::string_view name;
	__u64 xenmm_stats::*value;
};

inline constexpr NamedCounter kCounters[] = {
	{"hypercalls", &xenmm_stats::hypercalls},
	{"mmu_updates", &xenmm_stats::mmu_updates},
	{"traps", &xenmm_stats::traps},
	{"va_mappings", &xenmm_stats::va_mappings},
	{"multicalls", &xenmm_stats::multicalls},
	{"lazy_updates", &xenmm_stats::lazy_updates},
	{"native_stores", &xenmm_stats::native_stores},
	{"tlb_flushes", &xenmm_stats::tlb_flushes},
	{"faults", &xenmm_stats::faults},
	{"fault_around_pages", &xenmm_stats::fault_around_pages},
	{"pages_mapped", &xenmm_stats::pages_mapped},
	{"pages_unmapped", &xenmm_stats::pages_unmapped},
	{"pages_protected", &xenmm_stats::pages_protected},
	{"pages_allocated", &xenmm_stats::pages_allocated},
	{"pages_freed", &xenmm_stats::pages_freed},
	{"errors", &xenmm_stats::errors},
	{"partial_batches", &xenmm_stats::partial_batches},
	{"hypercall_cycles", &xenmm_stats::hypercall_cycles},
	{"trap_cycles", &xenmm_stats::trap_cycles},
	{"tables_rebuilt", &xenmm_stats::tables_rebuilt},
	{"tables_flipped", &xenmm_stats::tables_flipped},
	{"twins_made", &xenmm_stats::twins_made},
	{"twins_dropped", &xenmm_stats::twins_dropped},
	{"twin_updates", &xenmm_stats::twin_updates},
	{"teardown_pages", &xenmm_stats::teardown_pages},
	{"repairs", &xenmm_stats::repairs},
	{"writes_noted", &xenmm_stats::writes_noted},
};
static_assert(sizeof(kCounters) / sizeof(*kCounters) * sizeof(__u64) +
		      sizeof(xenmm_stats::reserved) ==
	      sizeof(xenmm_stats));

// What happened between two readings.
inline xenmm_stats difference(const xenmm_stats &before, const xenmm_stats &after)
{
	xenmm_stats result = {};
	for (const NamedCounter &counter : kCounters)
		result.*counter.value = after.*counter.value - before.*counter.value;
	return result;
}

} // namespace xenmm
