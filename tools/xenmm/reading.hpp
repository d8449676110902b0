// SPDX-License-Identifier: GPL-2.0
// What the guest has done to page tables until now, and what between two such moments:
// the kernel's own work, that of arenas, and the time that passed.
#pragma once

#include "device.hpp"

namespace xenmm
{

// The kernel's work is counted as long as this lives; then the switch is put back as it
// was. Killed, it is left on: that costs a little (xenmm(4)) and does no harm.
class KernelCounting
{
public:
	// Failure kMissing without privilege or for an old module, kNotPossible where the
	// guest asks no hypervisor to change its tables.
	explicit KernelCounting(const Device &device);
	~KernelCounting();
	KernelCounting(const KernelCounting &) = delete;

private:
	const Device &device_;
	bool was_on_;
};

struct Reading {
	xenmm_kernel kernel;
	xenmm_stats arenas;
	double seconds;	       // of the monotonic clock
	double system_seconds; // of all CPUs in the kernel and, on PV, in Xen for it
	uint64_t ticks;	       // of the TSC
};

Reading take_reading(const Device &device);

// Between the two; `seconds` and the like are lengths then.
Reading difference(const Reading &before, const Reading &after);

} // namespace xenmm
