// SPDX-License-Identifier: GPL-2.0
// A workload: one measured step between two unmeasured ones.
//
//	prepare()   bring memory into the state of before, the same each time
//	run()       the measured step and nothing else; notes errors, reports none
//	finish()    report errors, check the outcome, clean up
//
// Invariant: prepare, run, finish repeated any number of times measure the same.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "job.hpp"
#include "walk.hpp"

namespace xenmm
{

class Workload
{
public:
	virtual ~Workload() = default;
	virtual void prepare() = 0;
	virtual void run() = 0;
	virtual void finish() = 0;
	// Of a page walk, once after all runs; nothing of other workloads.
	virtual std::optional<WalkFacts> walk_facts() { return std::nullopt; }
};

// What --workload takes for many at once.
inline constexpr const char *kArenaGroup = "arena";
inline constexpr const char *kStockGroup = "stock";
inline constexpr const char *kWalkGroup = "walk";     // only when asked for
inline constexpr const char *kTrackGroup = "track";   // likewise
inline constexpr const char *kHintGroup = "hint";     // likewise
inline constexpr const char *kDriverGroup = "driver"; // likewise
// Nothing is done: what measuring, and asking the hypervisor, cost by themselves. In no group.
inline constexpr const char *kEmpty = "empty";

// A line of the list of workloads.
struct WorkloadKind {
	std::string name;
	std::function<std::unique_ptr<Workload>(const Job &)> make;
	std::string group = kStockGroup;
	bool has_method = false;  // the choice of how entries are changed
	bool protects = false;	  // which is all that the method flip can do
	bool has_density = false; // can work on a part of each table
	uint64_t fixed_pages = 0; // what it works on, whatever --pages says; 0: that
	bool in_all = true;	  // is meant by "all"
};
using WorkloadKinds = std::vector<WorkloadKind>;

// All of them in the order of the tables, those on an arena first.
const WorkloadKinds &workload_kinds();

std::unique_ptr<Workload> make_workload(const Job &job);

// What the list is made of; each file of workloads adds its own.
void add_arena_operations(WorkloadKinds &kinds);
void add_arena_ends(WorkloadKinds &kinds);
void add_stock_workloads(WorkloadKinds &kinds);
void add_walk_workloads(WorkloadKinds &kinds);
void add_track_workloads(WorkloadKinds &kinds);
void add_hint_workloads(WorkloadKinds &kinds);
void add_driver_workloads(WorkloadKinds &kinds);

} // namespace xenmm
