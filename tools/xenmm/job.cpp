// SPDX-License-Identifier: GPL-2.0
// A job in words, for progress and for errors.
#include "job.hpp"

#include <fmt/format.h>

namespace xenmm
{

std::string Job::describe() const
{
	std::string text = workload;
	if (way)
		text += fmt::format(" by {}", method_name(way->method));
	if (way && way->batch)
		text += fmt::format(" {}", way->batch);
	return text + fmt::format(", {} pages", pages);
}

} // namespace xenmm
