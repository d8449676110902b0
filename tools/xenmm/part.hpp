// SPDX-License-Identifier: GPL-2.0
// A part of an arena: page numbers, which checks go through, and the same as ranges,
// which is what an operation takes.
//
//	density 4:  |#...#...#...#...|#...#...#...#...|   each | | one table, 512 pages
//	            # touched, worked on      . the rest, which has to stay as it is
#pragma once

#include "arena.hpp"

namespace xenmm
{

struct Part {
	std::vector<uint64_t> pages; // ascending
	Ranges ranges;		     // adjacent pages are one
};

// `density` pages of each table, evenly spread: 512 are all.
Part touched_part(const Arena &arena, uint32_t density);
// All others.
Part rest_part(const Arena &arena, uint32_t density);

} // namespace xenmm
