// SPDX-License-Identifier: GPL-2.0
// What a chart shows, however it is drawn: one workload in one setting, a series for
// each way, medians per page over density or over pages.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "results_file.hpp"

namespace xenmm
{

struct Series {
	std::optional<Way> way;
	char marker;
	std::map<uint64_t, double> points;

	// "batch 512"; "median" where there is no choice of method, so no other series.
	std::string name() const;
};

struct Chart {
	std::string setting; // guest, hypervisor, kernel
	std::string unit;    // what the figures are, and what they are not
	std::string workload;
	uint64_t tables; // 0: over pages; else over density in so many tables
	std::vector<Series> series;

	std::string title() const;
	std::string x_title() const;
	// "8 pages per table", or "4,096 pages".
	std::string x_text(uint64_t x) const;
	std::set<uint64_t> xs() const;
};

// In the order of the records; of two for the same point the later one holds.
std::vector<Chart> make_charts(const std::vector<Record> &records);

// Which way is cheapest where, and how near to it auto comes; a sentence each.
// Nothing where there is nothing to compare.
std::vector<std::string> conclusions(const Chart &chart);

} // namespace xenmm
