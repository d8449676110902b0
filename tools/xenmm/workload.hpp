// SPDX-License-Identifier: GPL-2.0
// A workload: one measured step between two unmeasured ones.
//
//	prepare()   bring memory into the state of before, the same each time
//	run()       the measured step and nothing else; notes errors, reports none
//	finish()    report errors, check the outcome, clean up
//
// Invariant: prepare, run, finish repeated any number of times measure the same.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "method.hpp"

namespace xenmm
{

class Workload
{
public:
	virtual ~Workload() = default;
	virtual void prepare() = 0;
	virtual void run() = 0;
	virtual void finish() = 0;
};

// Names in the order of the tables.
std::vector<std::string> stock_workload_names();
std::vector<std::string> arena_workload_names();

// Demand faults have no choice of method, everything else on an arena has.
bool has_method(const std::string &arena_workload);

std::unique_ptr<Workload> make_stock_workload(const std::string &name, uint64_t pages);

// `way` is nothing for workloads without a method. Opens an arena of its own.
std::unique_ptr<Workload> make_arena_workload(const std::string &name, std::optional<Way> way,
					      uint64_t pages);

} // namespace xenmm
