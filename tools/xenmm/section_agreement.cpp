// SPDX-License-Identifier: GPL-2.0
// Whether xenmm's counters agree with what Xen counted, and traced, of the same run.
#include <fmt/format.h>

#include "comparison.hpp"
#include "json_value.hpp"
#include "section.hpp"
#include "table.hpp"
#include "vmm_counts.hpp"

namespace xenmm
{

namespace
{

// A count that follows from xenmm's counters, and the one of Xen's that must be the same.
struct Pair {
	const char *name;
	uint64_t (*ours)(const Measured &row);
	const char *xens;
	bool is_traced;
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

constexpr Pair kPairs[] = {{"traps", traps, "writable pt emulations", true},
			   {"mmu_update calls", calls, "calls to mmu_update", true},
			   {"entries", entries_written, "page updates", false},
			   {"update_va_mapping calls", by_address, "calls to update_va_map", true}};

std::string with(const std::string &text, uint64_t one, std::optional<uint64_t> other)
{
	if (!other)
		return text;
	return fmt::format("{} {} {}", text, one == *other ? "=" : "!=", grouped(*other));
}

// "4,096 = 4,096 = 4,096"; xentrace has no event for what a call of many entries changes.
std::vector<std::string> pair_cells(const Measured &row)
{
	std::vector<std::string> cells = {work_name(row.workload, row.way)};
	for (const Pair &pair : kPairs) {
		uint64_t one = pair.ours(row);
		std::string text =
			with(grouped(one), one, vmm_counter(row, pair.xens, Account::kCounters));
		if (pair.is_traced)
			text = with(text, one, vmm_counter(row, pair.xens, Account::kTrace));
		cells.push_back(text);
	}
	return cells;
}

} // namespace

Section agreement_section(const Comparison &comparison)
{
	Section section;
	section.title = "One work, three counts";
	section.text = "What follows from xenmm's counters, what Xen counted of the same run, on a "
		       "CPU that "
		       "the guest has for itself, and how many events of it xentrace wrote down.";
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
