// SPDX-License-Identifier: GPL-2.0
// Touched are the pages floor(i * 512 / density) of each table, for i below density.
#include "part.hpp"

namespace xenmm
{

namespace
{

// How many of the first `pages` pages of a table are touched.
uint64_t touched_among(uint64_t pages, uint32_t density)
{
	return (pages * density + XENMM_SPAN_PAGES - 1) / XENMM_SPAN_PAGES;
}

bool is_touched(uint64_t page, uint32_t density)
{
	uint64_t index = page % XENMM_SPAN_PAGES;
	return touched_among(index + 1, density) > touched_among(index, density);
}

Part part(const Arena &arena, uint32_t density, bool touched)
{
	Part part;
	for (uint64_t page = 0; page < arena.pages(); page++) {
		if (is_touched(page, density) != touched)
			continue;
		if (!part.pages.empty() && part.pages.back() + 1 == page)
			part.ranges.back().length += kPageBytes;
		else
			part.ranges.push_back(arena.range(page, 1));
		part.pages.push_back(page);
	}
	return part;
}

} // namespace

Part touched_part(const Arena &arena, uint32_t density)
{
	return part(arena, density, true);
}

Part rest_part(const Arena &arena, uint32_t density)
{
	return part(arena, density, false);
}

} // namespace xenmm
