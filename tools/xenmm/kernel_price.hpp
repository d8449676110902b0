// SPDX-License-Identifier: GPL-2.0
// What the hypervisor's part of page-table work took, estimated: what was counted, each
// at its calibrated price (debugfs `cost`). It is a lower bound: what Xen does to validate
// tables at a pin, for a TLB flush and for a task switch has no price.
#pragma once

#include <optional>

#include "debugfs.hpp"
#include "uapi/xenmm.h"

namespace xenmm
{

// All in ticks of the TSC.
struct KernelPrice {
	double traps, hypercalls, entries;
	bool calibrated; // by prices that were measured here

	double total() const { return traps + hypercalls + entries; }
};

// Nothing where the price list lacks one. `prices` are those of debugfs `cost`.
std::optional<KernelPrice> kernel_price(const xenmm_kernel &counts, const Numbers &prices);

} // namespace xenmm
