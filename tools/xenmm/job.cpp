// SPDX-License-Identifier: GPL-2.0
// A job in words, for progress and for errors.
#include "job.hpp"

#include <fmt/format.h>

namespace xenmm
{

uint64_t Job::touched() const
{
	return density ? pages / XENMM_SPAN_PAGES * *density : pages;
}

std::string Job::describe() const
{
	std::string text = work_name(workload, way);
	if (density)
		return text + fmt::format(", {} pages in each of {} tables", *density,
					  pages / XENMM_SPAN_PAGES);
	return text + fmt::format(", {} pages", pages);
}

} // namespace xenmm
