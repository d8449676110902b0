// SPDX-License-Identifier: GPL-2.0
// What `xenmm stat` has seen, for a terminal.
#include <cmath>
#include <fmt/format.h>

#include "stat_result.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

// What Xen's performance counters call it.
struct XenName {
	std::string_view counter;
	const char *name;
};

constexpr XenName kXenNames[] = {
	{"mmu_update_calls", "calls to mmu_update"}, {"mmu_updates", "page updates"},
	{"mmuext_calls", "calls to mmuext_op"},	     {"va_mapping_calls", "calls to update_va_map"},
	{"traps", "writable pt emulations"},
};

double xen_count(const StatRun &run, const char *name)
{
	for (const NamedNumber &number : run.hypervisor)
		if (number.name == name)
			return static_cast<double>(number.value);
	return 0;
}

// Xen's own count of the same; empty where it has none.
std::string xen_cell(const StatResult &result, const KernelCounter &counter)
{
	for (const XenName &xen : kXenNames)
		if (xen.counter == counter.name)
			return grouped(static_cast<uint64_t>(
				std::llround(mean_over(result, [&](const StatRun &run) {
						     return xen_count(run, xen.name);
					     }).mean)));
	return "";
}

std::string deviation_cell(const Mean &mean)
{
	return mean.mean > 0 ? fmt::format("{:.1f} %", 100 * mean.deviation / mean.mean) : "";
}

std::string label(const KernelCounter &counter)
{
	return fmt::format("{}{}{}", counter.part_of.empty() ? "" : "  ", counter.name,
			   counter.is_estimate() ? " ~" : "");
}

struct Shape {
	bool deviation, xen;
};

std::vector<std::string> cells(const StatResult &result, const KernelCounter &counter,
			       const Mean &mean, double seconds, Shape shape)
{
	std::vector<std::string> row = {label(counter), figure(mean.mean)};
	if (shape.deviation)
		row.push_back(deviation_cell(mean));
	row.push_back(seconds > 0 ? figure(mean.mean / seconds) : "");
	if (shape.xen)
		row.push_back(xen_cell(result, counter));
	row.emplace_back(counter.meaning);
	return row;
}

Table counters_table(Shape shape)
{
	std::vector<Column> columns = {{"counter", Align::kLeft}, {"count", Align::kRight}};
	if (shape.deviation)
		columns.push_back({"+-", Align::kRight});
	columns.push_back({"per second", Align::kRight});
	if (shape.xen)
		columns.push_back({"Xen says", Align::kRight});
	columns.push_back({"", Align::kLeft});
	return Table(std::move(columns));
}

std::vector<const KernelCounter *> sums_before_parts()
{
	std::vector<const KernelCounter *> order;
	for (const KernelCounter &sum : kKernelCounters) {
		if (!sum.part_of.empty())
			continue;
		order.push_back(&sum);
		for (const KernelCounter &part : kKernelCounters)
			if (part.part_of == sum.name)
				order.push_back(&part);
	}
	return order;
}

std::string counters_text(const StatResult &result, bool all)
{
	Shape shape = {result.runs.size() > 1, !result.runs.front().hypervisor.empty()};
	double seconds =
		mean_over(result, [](const StatRun &run) { return run.passed.seconds; }).mean;
	bool estimating = result.runs.front().passed.kernel.estimating;
	Table table = counters_table(shape);
	for (const KernelCounter *counter : sums_before_parts()) {
		Mean mean = mean_over(result, [&](const StatRun &run) {
			return run.passed.kernel.*counter->value;
		});
		bool is_known = estimating || !counter->is_estimate();
		if (is_known && (all || mean.mean > 0))
			table.row(cells(result, *counter, mean, seconds, shape));
	}
	return table.text() + (estimating ? "~ an estimate: no tracepoint shows it\n"
					  : "traps are not estimated: this kernel has not got the "
					    "function tracer\n");
}

std::string seconds_text(const Mean &mean)
{
	return fmt::format("{:.3f} s", mean.mean) +
	       (mean.deviation > 0 ? fmt::format(" +- {}", deviation_cell(mean)) : "");
}

std::string times_text(const StatResult &result)
{
	auto time = [&](auto figure) { return seconds_text(mean_over(result, figure)); };
	std::string text = fmt::format("elapsed       {}\n",
				       time([](const StatRun &run) { return run.passed.seconds; }));
	if (result.runs.front().end)
		text += fmt::format(
			"command       user {}, system {}\n",
			time([](const StatRun &run) { return run.end->user_seconds; }),
			time([](const StatRun &run) { return run.end->system_seconds; }));
	return text + fmt::format("guest         system {}\n", time([](const StatRun &run) {
					  return run.passed.system_seconds;
				  }));
}

std::string share(double part, double whole)
{
	return whole > 0 ? fmt::format(", {:.0f} % of the guest's system time", 100 * part / whole)
			 : "";
}

std::string price_text(const StatResult &result)
{
	if (!result.runs.front().price)
		return "";
	auto seconds = [&](auto part) {
		return mean_over(result,
				 [&](const StatRun &run) {
					 return price_seconds(run, part(*run.price));
				 })
			.mean;
	};
	double total = seconds([](const KernelPrice &price) { return price.total(); });
	double system = mean_over(result, [](const StatRun &run) {
				return run.passed.system_seconds;
			}).mean;
	bool calibrated = result.runs.front().price->calibrated;
	return fmt::format(
		"price ~       {:.3f} s at least{}\n"
		"              traps {:.3f} s, hypercalls {:.3f} s, entries {:.3f} s, by {}\n",
		total, share(total, system),
		seconds([](const KernelPrice &price) { return price.traps; }),
		seconds([](const KernelPrice &price) { return price.hypercalls; }),
		seconds([](const KernelPrice &price) { return price.entries; }),
		calibrated ? "prices calibrated here" : "built-in prices: run 'xenmm calibrate'");
}

} // namespace

std::string stat_table(const StatResult &result, bool all)
{
	size_t runs = result.runs.size();
	return bold(fmt::format("Page-table work of the whole guest: {}{}\n", result.title,
				runs > 1 ? fmt::format(", mean of {} runs", runs) : "")) +
	       "\n" + counters_text(result, all) + "\n" + times_text(result) + price_text(result);
}

std::string interval_title(const std::string &format)
{
	if (format == "table")
		return fmt::format("{:>9} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8}\n", "seconds",
				   "hypercalls", "updates", "traps ~", "set_pte", "pins", "cr3");
	std::string text = "seconds";
	for (const KernelCounter &counter : kKernelCounters)
		text += fmt::format(",{}", counter.name);
	return text + "\n";
}

std::string interval_row(const std::string &format, double at, const Reading &passed)
{
	const xenmm_kernel &kernel = passed.kernel;
	if (format == "table")
		return fmt::format("{:>9.3f} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8}\n", at,
				   grouped(kernel.hypercalls), grouped(kernel.mmu_updates),
				   grouped(kernel.traps), grouped(kernel.set_pte),
				   grouped(kernel.pgd_pin), grouped(kernel.write_cr3));
	std::string text = fmt::format("{:.6f}", at);
	for (const KernelCounter &counter : kKernelCounters)
		text += fmt::format(",{}", kernel.*counter.value);
	return text + "\n";
}

} // namespace xenmm
