// SPDX-License-Identifier: GPL-2.0
// What the hypervisor spends on paging, by the number of processes in the guest.
#include <fmt/format.h>
#include <set>

#include "comparison.hpp"
#include "section.hpp"
#include "table.hpp"
#include "vmm_counts.hpp"

namespace xenmm
{

namespace
{

std::string why_missing(const System &system)
{
	if (system.guest == "bare")
		return "no hypervisor";
	if (system.xpti)
		return "measured without XPTI, which adds a page for each virtual CPU";
	return "not measured";
}

std::set<unsigned> process_counts(const Comparison &comparison)
{
	std::set<unsigned> counts;
	for (const Memory &row : comparison.memory())
		counts.insert(row.processes);
	return counts;
}

std::string heading(unsigned processes)
{
	return fmt::format("{} {}", processes, processes == 1 ? "process" : "processes");
}

std::vector<std::string> guest_row(const Comparison &comparison, const System &system,
				   const std::set<unsigned> &counts)
{
	std::vector<std::string> cells = {system.name() + ": the guest's own tables"};
	for (unsigned count : counts) {
		const Memory *memory = comparison.find_memory(system, count);
		cells.push_back(memory ? grouped(memory->guest_kib) : "-");
	}
	return cells;
}

void add_system(Section &section, const Comparison &comparison, const System &system,
		const std::set<unsigned> &counts)
{
	std::vector<std::string> cells = {system.name() + ": the hypervisor"};
	Line line = {system.name(), system.colour(), {}};
	for (unsigned count : counts) {
		const Memory *memory = comparison.find_memory(system, count);
		auto kib = memory ? paging_kib(*memory) : std::nullopt;
		cells.push_back(kib ? grouped(*kib) : section.not_available(why_missing(system)));
		if (kib)
			line.points.emplace_back(count, static_cast<double>(*kib));
	}
	section.rows.push_back(std::move(cells));
	if (comparison.find_memory(system, *counts.begin()))
		section.rows.push_back(guest_row(comparison, system, counts));
	if (!line.points.empty())
		section.lines.front().lines.push_back(std::move(line));
}

} // namespace

Section memory_section(const Comparison &comparison)
{
	Section section;
	std::set<unsigned> counts = process_counts(comparison);
	if (counts.empty())
		return section;
	section.title = "Memory for page tables, by processes";
	section.text =
		fmt::format("KiB. Each process has {} page tables with one page in each. The "
			    "hypervisor's figure "
			    "is what it has in use for this guest's paging, by its own account.",
			    comparison.memory().front().tables);
	section.heads = {"whose"};
	for (unsigned count : counts)
		section.heads.push_back(heading(count));
	section.lines.push_back({"KiB that the hypervisor spends on paging", "processes", {}});
	for (const System &system : comparison.systems())
		add_system(section, comparison, system, counts);
	return section;
}

} // namespace xenmm
