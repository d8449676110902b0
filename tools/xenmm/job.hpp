// SPDX-License-Identifier: GPL-2.0
// One thing to measure. The plan makes jobs, workloads are made for them, and a result
// says which job it is of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "method.hpp"

namespace xenmm
{

struct Job {
	std::string workload;
	std::optional<Way> way; // nothing where there is no choice of method
	uint64_t pages;

	// "arena-map by batch 512, 4096 pages"
	std::string describe() const;
};

} // namespace xenmm
