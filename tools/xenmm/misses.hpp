// SPDX-License-Identifier: GPL-2.0
// The CPU's own counts of what missed, where the kernel has perf events. Emulated CPUs
// have none, and neither have most guests.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace xenmm
{

// Per access; nothing for an event that this CPU does not count.
struct Misses {
	std::optional<double> dtlb;
	std::optional<double> cache; // last level
	std::optional<double> instruction_cache;
};

struct MissCounts {
	std::optional<Misses> misses; // nothing when none can be counted
	std::string why_not;	      // then: the kernel's words
};

// Of `body`, in user space, divided by `accesses`.
MissCounts count_misses(const std::function<void()> &body, uint64_t accesses);

} // namespace xenmm
