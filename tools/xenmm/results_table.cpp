// SPDX-License-Identifier: GPL-2.0
// The bench table. Its ratio tells how many times cheaper a row is than the same
// work by `trap`: greater is better.
#include "results_table.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

#include "table.hpp"
#include "workload.hpp"

namespace xenmm
{

namespace
{

constexpr const char *kNothing = "-";
constexpr int kDensityColumn = 4; // behind pages

bool has_density(const std::vector<Result> &results)
{
	return std::any_of(results.begin(), results.end(),
			   [](const Result &result) { return result.job.density.has_value(); });
}

std::vector<Column> columns(bool with_density)
{
	std::vector<Column> columns = {
		{"workload", Align::kLeft},	{"method", Align::kLeft},
		{"batch", Align::kRight},	{"pages", Align::kRight},
		{"median", Align::kRight},	{"min", Align::kRight},
		{"max", Align::kRight},		{"hypercalls", Align::kRight},
		{"mmu_updates", Align::kRight}, {"traps", Align::kRight},
		{"tlb_flushes", Align::kRight}, {"vs trap", Align::kRight}};
	if (with_density)
		columns.insert(columns.begin() + kDensityColumn, {"density", Align::kRight});
	return columns;
}

const Result *trap_result(const std::vector<Result> &results, const Result &like)
{
	for (const Result &result : results)
		if (result.job.workload == like.job.workload &&
		    result.job.pages == like.job.pages && result.job.density == like.job.density &&
		    result.job.way && result.job.way->method == XENMM_METHOD_TRAP)
			return &result;
	return nullptr;
}

std::string ratio_cell(const std::vector<Result> &results, const Result &result)
{
	const Result *trap = trap_result(results, result);
	double median = result.measured.per_page.median;
	if (!trap || median <= 0)
		return kNothing;
	return fmt::format("{:.2f}x", trap->measured.per_page.median / median);
}

std::vector<std::string> row(const std::vector<Result> &results, const Result &result)
{
	const PerPage &per_page = result.measured.per_page;
	const std::optional<xenmm_stats> &counters = result.measured.counters;
	auto count = [&](__u64 xenmm_stats::*counter) {
		return counters ? grouped((*counters).*counter) : std::string(kNothing);
	};
	std::vector<std::string> cells = {result.job.workload,
					  method_cell(result.job.way),
					  batch_cell(result.job.way),
					  grouped(result.job.touched()),
					  figure(per_page.median),
					  figure(per_page.min),
					  figure(per_page.max),
					  count(&xenmm_stats::hypercalls),
					  count(&xenmm_stats::mmu_updates),
					  count(&xenmm_stats::traps),
					  count(&xenmm_stats::tlb_flushes),
					  ratio_cell(results, result)};
	if (has_density(results))
		cells.insert(cells.begin() + kDensityColumn,
			     result.job.density ? grouped(*result.job.density) : kNothing);
	return cells;
}

size_t rows_of(const std::vector<Result> &results, const std::string &workload)
{
	return static_cast<size_t>(
		std::count_if(results.begin(), results.end(), [&](const Result &result) {
			return result.job.workload == workload;
		}));
}

// Between workloads, except where both have one row only.
bool needs_rule(const std::vector<Result> &results, const Result &above, const Result &below)
{
	return above.job.workload != below.job.workload &&
	       (rows_of(results, above.job.workload) > 1 ||
		rows_of(results, below.job.workload) > 1);
}

} // namespace

std::string method_cell(const std::optional<Way> &way)
{
	return way ? std::string(method_name(way->method)) : kNothing;
}

std::string batch_cell(const std::optional<Way> &way)
{
	return way && way->batch ? grouped(way->batch) : kNothing;
}

std::string unit_line(const Setting &setting)
{
	if (setting.unit == Unit::kInstructions)
		return "executed instructions per page, hypervisor included; not a time";
	std::string text = fmt::format("{} per page", unit_name(setting.unit));
	if (setting.environment.emulated)
		text += "; times under emulation are not evidence";
	return text;
}

std::string setting_line(const Setting &setting)
{
	const Environment &environment = setting.environment;
	std::string text = fmt::format("guest {}, {}, kernel {}", setting.guest,
				       environment.hypervisor.value_or("no hypervisor seen"),
				       environment.kernel);
	if (environment.xpti)
		text += *environment.xpti ? ", XPTI on" : ", XPTI off";
	return text;
}

namespace
{

std::string miss_cell(const std::optional<double> &misses)
{
	return misses ? fmt::format("{:.2f}", *misses) : "n/a";
}

std::string misses_line(const Setting &setting, const MissCounts &counts)
{
	if (counts.misses)
		return fmt::format("misses an access: dTLB {}, cache {}, instruction cache {}",
				   miss_cell(counts.misses->dtlb), miss_cell(counts.misses->cache),
				   miss_cell(counts.misses->instruction_cache));
	return "misses an access: " + (setting.environment.emulated
					       ? std::string("n/a under TCG")
					       : "n/a (" + counts.why_not + ")");
}

std::string references_line(const WalkTables &tables)
{
	std::optional<unsigned> references = tables.references();
	std::string text = references ? std::to_string(*references) : "n/a";
	text += fmt::format(" table references a walk, at most {}", tables.references_max());
	if (!references)
		text += ", as the VMM's page size is not told";
	return text;
}

std::string walk_line(const Setting &setting, const Result &result)
{
	std::string name = result.job.workload;
	if (result.walk->counts.misses)
		name += fmt::format(", {} pages", grouped(result.job.pages));
	return fmt::format("{}: {}; {}\n", name,
			   references_line(find_tables(setting.guest, result.walk->leaf)),
			   misses_line(setting, result.walk->counts));
}

// Below the table: what a figure is per, where it is not per page, and what walks have.
std::string notes(const Setting &setting, const std::vector<Result> &results)
{
	std::string text;
	std::string last;
	bool walks = false;
	for (const Result &result : results) {
		if (result.job.workload == kEmpty)
			text += "empty: nothing is done; what measuring itself costs\n";
		if (result.job.workload == "exec")
			text += "exec: per process; pages is how many of them a run has\n";
		if (!result.walk)
			continue;
		walks = true;
		std::string line = walk_line(setting, result);
		if (line != last) // of several sizes
			text += line;
		last = line;
	}
	return walks ? text + "walk-*: per access\n" : text;
}

} // namespace

std::string results_table(const Setting &setting, const std::vector<Result> &results)
{
	Table table(columns(has_density(results)));
	const Result *previous = nullptr;
	for (const Result &result : results) {
		if (previous && needs_rule(results, *previous, result))
			table.rule();
		table.row(row(results, result));
		previous = &result;
	}
	table.rule();
	return setting_line(setting) + "\n\n" + table.text() +
	       "median, min, max: " + unit_line(setting) +
	       "\nhypercalls to tlb_flushes: of one whole run; vs trap: how many times cheaper\n" +
	       notes(setting, results);
}

} // namespace xenmm
