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
	std::optional<Way> way;		 // nothing where there is no choice of method
	uint64_t pages;			 // of the memory
	std::optional<uint32_t> density; // pages worked on in each table; nothing: all

	// Pages worked on; the figures are per one of these.
	uint64_t touched() const;
	// "arena-map by batch 512, 4096 pages", "arena-map by auto, 8 pages in each of 4 tables"
	std::string describe() const;
};

} // namespace xenmm
