// SPDX-License-Identifier: GPL-2.0
// What the workloads of page walks tell beside a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "misses.hpp"
#include "references.hpp"

namespace xenmm
{

struct WalkFacts {
	Leaf leaf; // under the memory that was walked
	MissCounts counts;
};

inline constexpr const char *kHugeWalk = "walk-2m";

// Nothing where so much memory can be had in huge pages; else a reason.
std::optional<std::string> why_no_huge_pages(uint64_t pages);

} // namespace xenmm
