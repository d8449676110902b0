// SPDX-License-Identifier: GPL-2.0
// Repeating a workload and condensing the runs: median, least and greatest per page.
// The clock's own overhead is not subtracted; over 4,096 pages it is nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "clock.hpp"
#include "device.hpp"
#include "vmm.hpp"
#include "workload.hpp"

namespace xenmm
{

struct Repeats {
	unsigned runs;
	unsigned warmup;
};

struct PerPage {
	double median;
	double min;
	double max;
};

struct Measurement {
	PerPage per_page;
	std::vector<double> each; // run, in their order, per page
	// Of the last run alone; nothing without the module.
	std::optional<xenmm_stats> counters;
	// The hypervisor's own of the same run; nothing where it is not asked.
	std::optional<Numbers> hypervisor;
};

// Who counts, besides the clock; each may be null.
struct Counting {
	const Device *device; // xenmm's own counters
	Vmm *vmm;	      // asked around one more run, which is not timed
};

// Of at least one run; the median of an even number is the mean of the middle two.
PerPage summarise(std::vector<double> each);

// A second series of the same job, after the first: all runs count alike.
void append(Measurement &first, Measurement second);

Measurement measure(Workload &workload, const Clock &clock, Counting counting, Repeats repeats,
		    uint64_t pages);

} // namespace xenmm
