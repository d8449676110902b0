// SPDX-License-Identifier: GPL-2.0
// How often the hypervisor is entered, by its own count, and whether xenmm's counters
// agree with it.
#include <algorithm>
#include <fmt/format.h>

#include "comparison.hpp"
#include "section.hpp"
#include "table.hpp"
#include "vmm_counts.hpp"
#include "workload.hpp"

namespace xenmm
{

namespace
{

double per_page(uint64_t count, const Measured &row)
{
	return static_cast<double>(count) / static_cast<double>(row.pages);
}

std::string per_page_text(double number)
{
	return fmt::format("{:.3f}", number);
}

// What the work alone brought about: interrupts and the asking are in an empty run, too.
template <typename Count>
std::optional<uint64_t> of_work(const Comparison &comparison, const Measured &row, Count count)
{
	std::optional<uint64_t> whole = count(row);
	const Measured *empty = comparison.find_counted(row.system, kEmpty, std::nullopt);
	if (!whole || !empty)
		return whole;
	return *whole - std::min(*whole, count(*empty).value_or(0));
}

std::string why_not_traced(const Measured &row)
{
	if (row.system.guest == "xen-pv-dom0")
		return "dom0 would mostly trace what tracing does itself";
	return "xentrace did not run";
}

std::string cell(Section &section, const Measured &row, const std::optional<uint64_t> &number,
		 const std::string &why_not)
{
	return number ? per_page_text(per_page(*number, row)) : section.not_available(why_not);
}

void add_row(Section &section, const Comparison &comparison, const Measured &row)
{
	std::vector<std::string> cells = {row.system.name(), work_name(row.workload, row.way)};
	for (const VmmCount &count : vmm_counts()) {
		auto number = of_work(comparison, row,
				      [&](const Measured &one) { return vmm_count(one, count); });
		cells.push_back(cell(section, row, number, count.why_not));
	}
	cells.push_back(
		cell(section, row, of_work(comparison, row, vmm_entries), why_not_traced(row)));
	section.rows.push_back(std::move(cells));
}

void draw(Section &section, const Comparison &comparison, const std::string &workload)
{
	BarChart chart = {workload + ", entries per page", {}};
	for (const System &system : comparison.systems()) {
		const Measured *row = comparison.find_counted(system, workload, std::nullopt);
		auto number = row ? entries_per_page(comparison, *row) : std::nullopt;
		if (number)
			chart.bars.push_back(
				{system.name(), system.colour(), *number, per_page_text(*number)});
	}
	if (!chart.bars.empty())
		section.bars.push_back(std::move(chart));
}

} // namespace

std::optional<double> entries_per_page(const Comparison &comparison, const Measured &row)
{
	auto number = of_work(comparison, row, vmm_entries);
	return number ? std::optional(per_page(*number, row)) : std::nullopt;
}

Section entries_section(const Comparison &comparison)
{
	Section section;
	section.title = "Entries into the hypervisor, by its own count";
	section.text =
		"Per page of one run, less those of an empty run. By Xen's performance counters "
		"and KVM's statistics; all entries by what xentrace wrote down, where a "
		"multicall is one, and Xen's return to an unfinished call one more.";
	section.heads = {"system", "workload"};
	for (const VmmCount &count : vmm_counts())
		section.heads.emplace_back(count.name);
	section.heads.emplace_back("all entries");
	std::vector<std::string> drawn;
	for (const System &system : comparison.systems())
		for (const Measured &row : comparison.measured())
			if (row.system == system && row.hypervisor && row.workload != kEmpty) {
				add_row(section, comparison, row);
				if (!row.way && std::find(drawn.begin(), drawn.end(),
							  row.workload) == drawn.end())
					drawn.push_back(row.workload);
			}
	for (const std::string &workload : drawn)
		draw(section, comparison, workload);
	return section;
}

} // namespace xenmm
