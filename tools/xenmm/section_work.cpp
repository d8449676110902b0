// SPDX-License-Identifier: GPL-2.0
// What work costs: the kernel's own on ordinary memory, an arena's by every method, and what the
// module is used for.
#include <algorithm>
#include <fmt/format.h>

#include "comparison.hpp"
#include "section.hpp"
#include "table.hpp"
#include "workload.hpp"

namespace xenmm
{

namespace
{

constexpr const char *kBare = "bare";

struct Work {
	std::string workload;
	std::optional<Way> way;

	bool operator==(const Work &) const = default;
	std::string name() const { return work_name(workload, way); }
};

// In the order of the files, each once.
std::vector<Work> works_of(const Comparison &comparison, const std::string &group)
{
	std::vector<Work> works;
	for (const WorkloadKind &kind : workload_kinds())
		for (const Measured &row : comparison.measured()) {
			Work work = {row.workload, row.way};
			if (row.workload == kind.name && kind.group == group &&
			    std::find(works.begin(), works.end(), work) == works.end())
				works.push_back(work);
		}
	return works;
}

bool is_in(const std::string &group, const Work &work)
{
	return std::any_of(workload_kinds().begin(), workload_kinds().end(),
			   [&](const WorkloadKind &kind) {
				   return kind.name == work.workload && kind.group == group;
			   });
}

bool is_of_program(const std::string &workload)
{
	return std::find(std::begin(kProgramWorkloads), std::end(kProgramWorkloads), workload) !=
	       std::end(kProgramWorkloads);
}

std::vector<Work> works_of_programs(const Comparison &comparison)
{
	std::vector<Work> works;
	for (const Measured &row : comparison.measured())
		if (is_of_program(row.workload))
			works.push_back({row.workload, row.way});
	return works;
}

std::string why_missing(const System &system, const Work &work)
{
	if (is_of_program(work.workload))
		return "programs ran in a PV guest with XPTI off alone";
	if (!system.is_pv() && (is_in(kHintGroup, work) || is_in(kDriverGroup, work)))
		return "the guest owns its page tables: an entry costs it neither trap nor "
		       "hypercall";
	bool is_native = work.way && work.way->method == XENMM_METHOD_NATIVE;
	if (is_native && system.is_pv())
		return "Xen owns the page tables of a PV guest: a plain store is the method trap";
	if (work.way && !is_native && !system.is_pv())
		return "the guest owns its page tables: native is the only method";
	return "not measured";
}

const Measured *find_bare(const Comparison &comparison, const Work &work)
{
	for (const System &system : comparison.systems())
		if (system.guest == kBare)
			return comparison.find(system, work.workload, work.way);
	return nullptr;
}

// "1,377 10.2x": how many times the cost without a hypervisor.
std::string cost_text(const Measured &row, const Measured *bare)
{
	std::string text = figure(row.median) + (row.unit == "instructions" ? "" : " " + row.unit);
	if (bare && bare != &row && bare->unit == row.unit && bare->median > 0)
		text += fmt::format(" {:.1f}x", row.median / bare->median);
	return text;
}

void add_work(Section &section, const Comparison &comparison, const Work &work, bool draw)
{
	const Measured *bare = find_bare(comparison, work);
	std::vector<std::string> cells = {work.name()};
	BarChart chart = {work.name(), {}};
	for (const System &system : comparison.systems()) {
		const Measured *row = comparison.find(system, work.workload, work.way);
		std::string text = row ? cost_text(*row, bare)
				       : section.not_available(why_missing(system, work));
		cells.push_back(text);
		chart.bars.push_back({system.name(), system.colour(),
				      row ? std::optional(row->median) : std::nullopt, text});
	}
	section.rows.push_back(std::move(cells));
	if (draw)
		section.bars.push_back(std::move(chart));
}

Section work_section(const Comparison &comparison, const std::string &group)
{
	Section section = section_by_system(comparison);
	for (const Work &work : works_of(comparison, group))
		add_work(section, comparison, work, group == kStockGroup);
	return section;
}

// An arena's operation as one chart: a bar for each method and system that has it.
void draw_arena(Section &section, const Comparison &comparison, const std::string &workload)
{
	BarChart chart = {workload, {}};
	for (const Work &work : works_of(comparison, kArenaGroup))
		for (const System &system : comparison.systems())
			if (const Measured *row =
				    work.workload == workload
					    ? comparison.find(system, workload, work.way)
					    : nullptr)
				chart.bars.push_back({(work.way ? way_name(*work.way) + ", " : "") +
							      system.name(),
						      system.colour(), row->median,
						      figure(row->median)});
	section.bars.push_back(std::move(chart));
}

constexpr const char *kUnit =
	"Executed instructions per page, hypervisor included, which are counts "
	"and not times, where no other unit is named.";

} // namespace

Section stock_section(const Comparison &comparison)
{
	Section section = work_section(comparison, kStockGroup);
	section.title = "The kernel's own work on ordinary memory";
	section.text = std::string(kUnit) + " 2.0x: twice the cost without a hypervisor. exec is "
					    "per process.";
	return section;
}

Section arena_section(const Comparison &comparison)
{
	Section section = work_section(comparison, kArenaGroup);
	section.title = "An arena's memory, by every method";
	section.text = std::string(kUnit) + " Each row is one ioctl on all pages.";
	std::vector<std::string> drawn;
	for (const Work &work : works_of(comparison, kArenaGroup))
		if (std::find(drawn.begin(), drawn.end(), work.workload) == drawn.end()) {
			drawn.push_back(work.workload);
			draw_arena(section, comparison, work.workload);
		}
	return section;
}

Section uses_section(const Comparison &comparison)
{
	Section section = section_by_system(comparison);
	for (const char *group : {kTrackGroup, kHintGroup, kDriverGroup})
		for (const Work &work : works_of(comparison, group))
			add_work(section, comparison, work, true);
	for (const Work &work : works_of_programs(comparison))
		add_work(section, comparison, work, true);
	section.title = "What it is used for: written pages, forks, a driver's pages";
	section.text =
		std::string(kUnit) +
		" track-*: one page in a hundred is written, and told; figures are per page of the "
		"memory. fork-hinted stands beside fork above. driver-*: 'kernel' maps 16 pages a "
		"hypercall, as privcmd does. redis-*: the fork for a snapshot. lua-*: ten copies "
		"of "
		"what was written to a heap, and those writes, per page of the heap.";
	return section;
}

} // namespace xenmm
