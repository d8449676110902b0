// SPDX-License-Identifier: GPL-2.0
// What a miss of the TLB costs: time for each access, beside the number of table
// references that a walk needs.
#include <fmt/format.h>

#include "comparison.hpp"
#include "json_value.hpp"
#include "section.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

constexpr const char *kNear = "walk-near";

std::string references_text(const Walk &walk)
{
	if (!walk.references)
		return fmt::format("up to {}", walk.references_max);
	return fmt::format("{} of up to {}", *walk.references, walk.references_max);
}

std::string time_text(const Measured &row, const Measured *near)
{
	std::string text = figure(row.median) + " " + row.unit;
	if (near && near != &row && near->median > 0)
		text += fmt::format(" {:.1f}x", row.median / near->median);
	return text;
}

std::string why_missing(const System &system, const std::string &workload)
{
	if (system.is_pv() && workload == "walk-2m")
		return "a PV guest has no huge pages";
	if (system.xpti)
		return "XPTI does not change how a walk goes";
	return "not measured";
}

void add_row(Section &section, const Comparison &comparison, const std::string &workload)
{
	BarChart chart = {workload + ", time per access", {}};
	std::vector<std::string> cells = {workload};
	for (const System &system : comparison.systems()) {
		const Measured *row = comparison.find(system, workload);
		if (!row) {
			cells.push_back(section.not_available(why_missing(system, workload)));
			chart.bars.push_back(
				{system.name(), system.colour(), std::nullopt, cells.back()});
			continue;
		}
		cells.push_back(time_text(*row, comparison.find(system, kNear)));
		chart.bars.push_back({system.name(), system.colour(), row->median, cells.back()});
	}
	section.rows.push_back(std::move(cells));
	section.bars.push_back(std::move(chart));
}

void add_references(Section &section, const Comparison &comparison, const std::string &workload)
{
	std::vector<std::string> cells = {workload + ": tables read in a walk"};
	for (const System &system : comparison.systems()) {
		const Measured *row = comparison.find(system, workload);
		cells.push_back(row && row->walk
					? references_text(*row->walk)
					: section.not_available(why_missing(system, workload)));
	}
	section.rows.push_back(std::move(cells));
}

std::string miss_text(const std::optional<double> &misses)
{
	return misses ? fmt::format("{:.2g}", *misses) : "n/a";
}

std::string misses_text(Section &section, const Measured &row)
{
	if (row.misses)
		return miss_text(row.misses->dtlb) + " / " + miss_text(row.misses->cache) + " / " +
		       miss_text(row.misses->instruction_cache);
	if (maybe<bool>(row.environment, "emulated").value_or(false))
		return "n/a under TCG";
	return section.not_available("the kernel has no perf events for this CPU");
}

void add_misses(Section &section, const Comparison &comparison, const std::string &workload)
{
	std::vector<std::string> cells = {workload + ": misses of dTLB / cache / code cache"};
	for (const System &system : comparison.systems()) {
		const Measured *row = comparison.find(system, workload);
		cells.push_back(row ? misses_text(section, *row)
				    : section.not_available(why_missing(system, workload)));
	}
	section.rows.push_back(std::move(cells));
}

bool is_measured(const Comparison &comparison, const std::string &workload)
{
	for (const Measured &row : comparison.measured())
		if (row.workload == workload)
			return true;
	return false;
}

} // namespace

Section walk_section(const Comparison &comparison)
{
	Section section = section_by_system(comparison);
	section.title = "Page walks: what a miss of the TLB costs";
	section.text =
		"A chase of pointers through memory, one access to each page in random order. "
		"3.0x: so many times an access whose translation is in the TLB (walk-near).";
	for (const char *workload : {kNear, "walk-4k", "walk-2m"})
		if (is_measured(comparison, workload))
			add_row(section, comparison, workload);
	for (const char *workload : {"walk-4k", "walk-2m"})
		if (is_measured(comparison, workload))
			add_references(section, comparison, workload);
	for (const char *workload : {kNear, "walk-4k", "walk-2m"})
		if (is_measured(comparison, workload))
			add_misses(section, comparison, workload);
	return section;
}

} // namespace xenmm
