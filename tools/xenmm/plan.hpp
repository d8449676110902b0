// SPDX-License-Identifier: GPL-2.0
// From what was asked for to the list of things to measure. Everything that can be
// refused is refused here, before the first measurement.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clock.hpp"
#include "job.hpp"

namespace xenmm
{

struct Wishes {
	std::vector<std::string> workloads = {"all"}; // names and groups
	std::vector<std::string> methods;	      // empty: all that the guest offers
	std::vector<uint32_t> batches;		      // empty: kDefaultBatches, where allowed
	std::vector<uint32_t> thresholds = {0};	      // of rebuild
	std::vector<uint64_t> pages = {4096};
	std::vector<uint32_t> densities; // empty: all pages of each table
};

inline constexpr uint32_t kDefaultBatches[] = {1, 8, 31, 512, 2048};

// Groups and names that --workload takes.
std::vector<std::string> workload_words();
// Does any of them need the module?
bool needs_arena(const std::vector<std::string> &workloads);

// Page walks are measured in time or cycles, and not where instructions make the time.
// Failure kNotPossible when walks are asked for and `unit` is not of that kind.
void require_time(const std::vector<std::string> &workloads, Unit unit);

// `info` may be null when no workload needs an arena. At least one job; Failure
// kNotPossible or kUsage.
std::vector<Job> make_plan(const Wishes &wishes, const xenmm_info *info);

} // namespace xenmm
