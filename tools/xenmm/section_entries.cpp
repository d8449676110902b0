// SPDX-License-Identifier: GPL-2.0
// How often the hypervisor is entered, by its own count, and whether xenmm's counters
// agree with it.
#include <algorithm>
#include <fmt/format.h>

#include "comparison.hpp"
#include "json_value.hpp"
#include "section.hpp"
#include "table.hpp"
#include "vmm_counts.hpp"
#include "workload.hpp"

namespace xenmm
{

namespace
{

std::string per_page(uint64_t count, uint64_t pages)
{
	return fmt::format("{:.3f}", static_cast<double>(count) / static_cast<double>(pages));
}

// What the work alone brought about: interrupts and the asking are in an empty run, too.
std::optional<uint64_t> count_of_work(const Comparison &comparison, const Measured &row,
				      const VmmCount &count)
{
	auto whole = vmm_count(row, count);
	const Measured *empty = comparison.find_counted(row.system, kEmpty, std::nullopt);
	if (!whole || !empty)
		return whole;
	return *whole - std::min(*whole, vmm_count(*empty, count).value_or(0));
}

void add_row(Section &section, const Comparison &comparison, const Measured &row)
{
	std::vector<std::string> cells = {row.system.name(), work_name(row.workload, row.way)};
	for (const VmmCount &count : vmm_counts()) {
		auto number = count_of_work(comparison, row, count);
		cells.push_back(number ? per_page(*number, row.pages) : "-");
	}
	section.rows.push_back(std::move(cells));
}

// Whatever brings a page's work into the hypervisor.
uint64_t entries(const Comparison &comparison, const Measured &row)
{
	uint64_t sum = 0;
	for (const VmmCount &count : vmm_counts())
		if (count.is_entry)
			sum += count_of_work(comparison, row, count).value_or(0);
	return sum;
}

void draw(Section &section, const Comparison &comparison, const std::string &workload)
{
	BarChart chart = {workload + ", entries per page", {}};
	for (const System &system : comparison.systems())
		if (const Measured *row = comparison.find_counted(system, workload, std::nullopt))
			chart.bars.push_back({system.name(), system.colour(),
					      static_cast<double>(entries(comparison, *row)) /
						      static_cast<double>(row->pages),
					      per_page(entries(comparison, *row), row->pages)});
	if (!chart.bars.empty())
		section.bars.push_back(std::move(chart));
}

// A count that follows from xenmm's counters, and the one of Xen's that must be the same.
struct Pair {
	const char *name;
	uint64_t (*ours)(const Measured &row);
	const char *xens;
};

uint64_t ours(const Measured &row, const char *counter)
{
	return maybe<uint64_t>(*row.counters, counter).value_or(0);
}

// Xen counts the calls within a multicall, too. The kernel's queue sends kLazy entries at
// most and is emptied at the end of each table.
uint64_t calls(const Measured &row)
{
	constexpr uint64_t kLazy = 31;
	constexpr uint64_t kOfTable = (XENMM_SPAN_PAGES + kLazy - 1) / kLazy;
	if (uint64_t lazy = ours(row, "lazy_updates"))
		return lazy / XENMM_SPAN_PAGES * kOfTable;
	if (ours(row, "multicalls"))
		return ours(row, "mmu_updates");
	return ours(row, "hypercalls") - ours(row, "va_mappings");
}

uint64_t entries_written(const Measured &row)
{
	return ours(row, "mmu_updates") + ours(row, "lazy_updates");
}

// A rebuild changes its table's alias twice.
uint64_t by_address(const Measured &row)
{
	return ours(row, "va_mappings") + 2 * ours(row, "tables_rebuilt");
}

uint64_t traps(const Measured &row)
{
	return ours(row, "traps");
}

constexpr Pair kPairs[] = {{"traps", traps, "writable pt emulations"},
			   {"mmu_update calls", calls, "calls to mmu_update"},
			   {"entries", entries_written, "page updates"},
			   {"update_va_mapping calls", by_address, "calls to update_va_map"}};

// "4,096 = 4,096"
std::vector<std::string> pair_cells(const Measured &row)
{
	std::vector<std::string> cells = {work_name(row.workload, row.way)};
	for (const Pair &pair : kPairs) {
		uint64_t one = pair.ours(row);
		uint64_t other = maybe<uint64_t>(*row.hypervisor, pair.xens).value_or(0);
		cells.push_back(fmt::format("{} {} {}", grouped(one),
					    one == other ? "=" : "!=", grouped(other)));
	}
	return cells;
}

} // namespace

Section entries_section(const Comparison &comparison)
{
	Section section;
	section.title = "Entries into the hypervisor, by its own count";
	section.text = "Per page of one run, less those of an empty run.";
	section.heads = {"system", "workload"};
	for (const VmmCount &count : vmm_counts())
		section.heads.emplace_back(count.name);
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

Section agreement_section(const Comparison &comparison)
{
	Section section;
	section.title = "One work, two counts";
	section.text =
		"What follows from xenmm's counters, and what Xen counted of the same run, on a "
		"CPU that the guest has for itself.";
	section.heads = {"workload"};
	for (const Pair &pair : kPairs)
		section.heads.emplace_back(pair.name);
	for (const Measured &row : comparison.measured())
		if (row.system == System{"xen-pv", false} && row.way && row.hypervisor &&
		    row.counters)
			section.rows.push_back(pair_cells(row));
	return section;
}

} // namespace xenmm
