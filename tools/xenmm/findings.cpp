// SPDX-License-Identifier: GPL-2.0
// The claims about memory virtualisation that the figures can speak to. Each sentence is
// made of figures of these files; where they lack one, the sentence is left out.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "comparison.hpp"
#include "json_value.hpp"
#include "section.hpp"
#include "table.hpp"
#include "vmm_counts.hpp"
#include "workload.hpp"
#include "write_tracker.hpp"

namespace xenmm
{

namespace
{

using Sentences = std::vector<std::string>;

const System kBare = {"bare", false}, kPv = {"xen-pv", false}, kPvXpti = {"xen-pv", true};
constexpr Way kTrap = {XENMM_METHOD_TRAP, 0}, kFlip = {XENMM_METHOD_FLIP, 0},
	      kRebuild = {XENMM_METHOD_REBUILD, 0}, kBatch = {XENMM_METHOD_BATCH, 512};

struct Ratio {
	double times;
	// cppcheck-suppress unusedStructMember // it is, through front() and back()
	std::string workload;
};

// How many times the cost without a hypervisor, for each stock workload.
std::vector<Ratio> ratios_to_bare(const Comparison &comparison, const System &system)
{
	std::vector<Ratio> ratios;
	for (const WorkloadKind &kind : workload_kinds()) {
		const Measured *bare = comparison.find(kBare, kind.name);
		const Measured *row = comparison.find(system, kind.name);
		if (kind.group == kStockGroup && bare && row && bare->unit == row->unit &&
		    bare->median > 0)
			ratios.push_back({row->median / bare->median, kind.name});
	}
	std::sort(ratios.begin(), ratios.end(),
		  [](const Ratio &a, const Ratio &b) { return a.times < b.times; });
	return ratios;
}

double geometric_mean(const std::vector<Ratio> &ratios)
{
	double sum = 0;
	for (const Ratio &ratio : ratios)
		sum += std::log(ratio.times);
	return std::exp(sum / static_cast<double>(ratios.size()));
}

void say_cost(Sentences &sentences, const Comparison &comparison, const System &system)
{
	auto ratios = ratios_to_bare(comparison, system);
	if (system == kBare || ratios.empty())
		return;
	sentences.push_back(fmt::format(
		"{}: the kernel's own work costs {:.1f} times what it costs without a hypervisor "
		"(geometric mean of {} workloads); least {} with {:.1f}, most {} with {:.1f}.",
		system.name(), geometric_mean(ratios), ratios.size(), ratios.front().workload,
		ratios.front().times, ratios.back().workload, ratios.back().times));
}

// Every change of a page-table entry enters the hypervisor.
void say_traps(Sentences &sentences, const Comparison &comparison)
{
	const Measured *row = comparison.find_counted(kPv, "arena-protect", kTrap);
	if (!row)
		return;
	auto traps = maybe<uint64_t>(*row->hypervisor, "writable pt emulations");
	if (traps)
		sentences.push_back(fmt::format(
			"xen-pv: each plain store into a page table enters Xen: for {} pages it "
			"emulated {} of them.",
			grouped(row->pages), grouped(*traps)));
}

// Who has to ask for a change, and who may make it by himself.
void say_entries(Sentences &sentences, const Comparison &comparison, const std::string &workload)
{
	std::vector<std::string> parts;
	for (const System &system : comparison.systems()) {
		const Measured *row = comparison.find_counted(system, workload, std::nullopt);
		auto entries = row ? entries_per_page(comparison, *row) : std::nullopt;
		if (entries)
			parts.push_back(fmt::format("{} {:.2f}", system.name(), *entries));
	}
	if (!parts.empty())
		sentences.push_back(fmt::format("{}: entries into the hypervisor for a page: {}.",
						workload, join(parts)));
}

void say_methods(Sentences &sentences, const Comparison &comparison, const System &system)
{
	const Measured *trap = comparison.find(system, "arena-protect", kTrap);
	if (!trap)
		return;
	std::string text = fmt::format("{}: to make a page writable costs {} by trap",
				       system.name(), figure(trap->median));
	for (Way way : {kBatch, kRebuild, kFlip})
		if (const Measured *row = comparison.find(system, "arena-protect", way))
			text += fmt::format(", {} by {} ({:.1f} times less)", figure(row->median),
					    way_name(way), trap->median / row->median);
	sentences.push_back(text + ".");
}

// What two steps cost together; nothing where one was not measured.
std::optional<double> sum_of(const Comparison &comparison, const std::string &one,
			     const std::string &other)
{
	const Measured *a = comparison.find(kPv, one), *b = comparison.find(kPv, other);
	return a && b ? std::optional(a->median + b->median) : std::nullopt;
}

void say_tracking(Sentences &sentences, const Comparison &comparison)
{
	std::vector<std::string> parts;
	std::optional<double> arena;
	for (const WriteTrackerKind &tracker : kWriteTrackers) {
		std::string name = tracker.name;
		auto cost = sum_of(comparison, "track-arm-" + name, "track-collect-" + name);
		if (!cost)
			continue;
		if (!arena)
			arena = cost;
		parts.push_back(*cost == *arena ? fmt::format("{} by {}", figure(*cost), name)
						: fmt::format("{} by {} ({:.0f} times more)",
							      figure(*cost), name, *cost / *arena));
	}
	if (parts.size() > 1)
		sentences.push_back(fmt::format(
			"{}: to be told which pages were written, one in a hundred, costs for each "
			"page of the memory, to arm and to collect: {}.",
			kPv.name(), join(parts)));
}

// "WHAT costs A, WITH B (x times less)."
void say_less(Sentences &sentences, const Comparison &comparison, const std::string &what,
	      const char *dear, const std::string &with, const char *cheap)
{
	const Measured *a = comparison.find(kPv, dear), *b = comparison.find(kPv, cheap);
	if (a && b && b->median > 0)
		sentences.push_back(fmt::format("{}: {} costs {} {} a page, {} {} ({:.2f} times "
						"less).",
						kPv.name(), what, figure(a->median), a->unit, with,
						figure(b->median), a->median / b->median));
}

std::optional<std::pair<uint64_t, uint64_t>> paging_range(const Comparison &comparison,
							  const System &system)
{
	std::optional<std::pair<uint64_t, uint64_t>> range;
	for (const Memory &memory : comparison.memory())
		if (auto kib = paging_kib(memory); kib && memory.system == system)
			range = {range ? range->first : *kib, *kib};
	return range;
}

void say_memory(Sentences &sentences, const Comparison &comparison, const System &system)
{
	auto range = paging_range(comparison, system);
	if (!range)
		return;
	auto [first, last] = *range;
	sentences.push_back(
		fmt::format("{}: from {} to {} processes the hypervisor's memory for paging {} {} "
			    "to {} KiB.",
			    system.name(), comparison.memory().front().processes,
			    comparison.memory().back().processes,
			    last > first + first / 10 ? "grows from" : "stays, from",
			    grouped(first), grouped(last)));
}

void say_walk(Sentences &sentences, const Comparison &comparison, const System &system)
{
	const Measured *near = comparison.find(system, "walk-near");
	const Measured *far = comparison.find(system, "walk-4k");
	if (near && far)
		sentences.push_back(fmt::format(
			"{}: an access that misses the TLB takes {:.1f} times one that hits it.",
			system.name(), far->median / near->median));
}

bool any(const Comparison &comparison, bool (*holds)(const Measured &))
{
	return std::any_of(comparison.measured().begin(), comparison.measured().end(), holds);
}

} // namespace

std::vector<std::string> findings(const Comparison &comparison)
{
	Sentences sentences;
	for (const System &system : comparison.systems())
		say_cost(sentences, comparison, system);
	say_traps(sentences, comparison);
	for (const char *workload : {"touch", "mprotect", "fork", "munmap"})
		say_entries(sentences, comparison, workload);
	for (const System &system : {kPv, kPvXpti})
		say_methods(sentences, comparison, system);
	say_tracking(sentences, comparison);
	say_less(sentences, comparison, "fork", "fork", "the hint and the fork", "fork-hinted");
	say_less(sentences, comparison, "redis-server's fork for a snapshot", kRedisFork,
		 "with the hint", kRedisForkHinted);
	say_less(sentences, comparison, "ten checkpoints of a Lua heap by mprotect",
		 "lua-checkpoint-mprotect", "of one in an arena", "lua-checkpoint-arena");
	say_less(sentences, comparison, "mapping a driver's pages 16 a hypercall",
		 "driver-map-kernel", "by the table", "driver-map-xenmm");
	for (const System &system : comparison.systems())
		say_memory(sentences, comparison, system);
	for (const System &system : comparison.systems())
		say_walk(sentences, comparison, system);
	return sentences;
}

std::vector<std::string> caveats(const Comparison &comparison)
{
	Sentences sentences;
	if (any(comparison, [](const Measured &row) { return row.unit == "instructions"; }))
		sentences.emplace_back(
			"Instructions are counted, not timed: what hardware adds (entry and exit, "
			"misses of the TLB, the second dimension of a walk, caches) is not in "
			"them.");
	if (any(comparison, [](const Measured &row) {
		    return row.walk && row.environment.at("emulated").get<bool>();
	    }))
		sentences.emplace_back(
			"The times of page walks are those of an emulator that walks tables in "
			"software and keeps parts of the second dimension: they show that a miss "
			"is dearer, not by how much on hardware. Misses of caches do not exist "
			"under TCG.");
	return sentences;
}

} // namespace xenmm
