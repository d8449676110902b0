// SPDX-License-Identifier: GPL-2.0
// From what was asked for to the list of things to measure. Everything that can be
// refused is refused here, before the first measurement.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "method.hpp"

namespace xenmm
{

struct Wishes {
	std::vector<std::string> workloads; // names and groups
	std::vector<std::string> methods;   // empty: all that the guest offers
	std::vector<uint32_t> batches;	    // empty: kDefaultBatches that the module allows
	std::vector<uint64_t> pages;
};

inline constexpr uint32_t kDefaultBatches[] = {1, 8, 31, 512, 2048};

struct Job {
	std::string workload;
	bool on_arena;
	std::optional<Way> way; // nothing where there is no choice of method
	uint64_t pages;

	// "arena-map by batch 512, 4096 pages"
	std::string describe() const;
};

// Groups and names that --workload takes.
std::vector<std::string> workload_words();
// Does any of them need the module?
bool needs_arena(const std::vector<std::string> &workloads);

// `info` may be null when no workload needs an arena. Failure kNotPossible.
std::vector<Job> make_plan(const Wishes &wishes, const xenmm_info *info);

} // namespace xenmm
