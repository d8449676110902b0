// SPDX-License-Identifier: GPL-2.0
#include "top_frame.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "kernel_counters.hpp"
#include "kernel_price.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

constexpr size_t kMostIntervals = 400; // wider is no terminal
constexpr size_t kLabel = 20, kRate = 12;
constexpr size_t kHeadRows = 4;
constexpr size_t kProcessRows = 5; // with its title; more where there is room

// What is shown where there is not room for all, by how much it says.
constexpr std::string_view kFirst[] = {
	"hypercalls",  "mmu_updates", "traps",	 "traps_fork",	"traps_unmap", "traps_copy",
	"modify_prot", "set_pte",     "pgd_pin", "table_alloc", "write_cr3",   "tlb_flush_one",
};

bool is_first(const KernelCounter &counter)
{
	return std::find(std::begin(kFirst), std::end(kFirst), counter.name) != std::end(kFirst);
}

std::vector<const KernelCounter *> rows_for(size_t room)
{
	std::vector<const KernelCounter *> rows;
	for (bool first : {true, false})
		for (const KernelCounter &counter : kKernelCounters)
			if (is_first(counter) == first && rows.size() < room)
				rows.push_back(&counter);
	std::sort(rows.begin(), rows.end()); // the order of the ABI
	return rows;
}

double rate(__u64 count, double seconds)
{
	return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

const std::vector<std::string> &shades()
{
	static const std::vector<std::string> utf8 = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const std::vector<std::string> ascii = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
	return has_utf8_locale() ? utf8 : ascii;
}

// 0 is empty, and anything above it is not.
const std::string &shade(double value, double most)
{
	size_t steps = shades().size() - 1;
	if (value <= 0 || most <= 0)
		return shades().front();
	return shades()[std::clamp<size_t>(
		static_cast<size_t>(std::ceil(value / most * static_cast<double>(steps))), 1,
		steps)];
}

std::string bar(double share, size_t width)
{
	size_t full = static_cast<size_t>(
		std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(width)));
	return "[" + std::string(full, '#') + std::string(width - full, '.') + "]";
}

} // namespace

void TopFrame::add(const Moment &passed, std::string clock)
{
	last_ = passed;
	clock_ = std::move(clock);
	intervals_.emplace_back(passed.reading.kernel, passed.reading.seconds);
	if (intervals_.size() > kMostIntervals)
		intervals_.pop_front();
}

std::string TopFrame::heading(size_t columns) const
{
	std::string left = fmt::format("xenmm top  {}  {}, {} vcpus, {}", clock_, subject_.guest,
				       subject_.vcpus, subject_.kernel);
	std::string right = subject_.hypervisor;
	size_t used = left.size() + right.size();
	return left + std::string(used < columns ? columns - used : 1, ' ') + right + "\n";
}

// The price as a share of all CPUs' time, with the system time around it.
std::string TopFrame::price_bar(size_t columns) const
{
	const Reading &passed = last_.reading;
	double whole = passed.seconds * subject_.vcpus;
	double system = whole > 0 ? passed.system_seconds / whole : 0;
	auto price = kernel_price(passed.kernel, subject_.prices);
	double all_ticks = static_cast<double>(passed.ticks) * subject_.vcpus;
	double share = price && all_ticks > 0 ? price->total() / all_ticks : 0;
	size_t width = std::clamp<size_t>(columns, 64, 160) - 44;
	std::string text = fmt::format("{:<20}{} {:>5.1f} % of CPU time\n", "system",
				       bar(system, width), 100 * system);
	if (!price)
		return text + "page tables ~       the module's price list cannot be read\n";
	return text + fmt::format("{:<20}{} {:>5.1f} %{}\n", "page tables ~", bar(share, width),
				  100 * share, price->calibrated ? " at least" : " (calibrate)");
}

std::string TopFrame::history(__u64 xenmm_kernel::*counter, size_t width) const
{
	double most = 0;
	for (const auto &[kernel, seconds] : intervals_)
		most = std::max(most, rate(kernel.*counter, seconds));
	std::string text;
	size_t skipped = intervals_.size() > width ? intervals_.size() - width : 0;
	for (size_t i = skipped; i < intervals_.size(); i++)
		text += shade(rate(intervals_[i].first.*counter, intervals_[i].second), most);
	return text;
}

std::string TopFrame::counters(size_t columns, size_t rows) const
{
	const Reading &passed = last_.reading;
	size_t width = columns > kLabel + kRate + 4 ? columns - kLabel - kRate - 2 : 2;
	std::string text = fmt::format("{:<{}}{:>{}}  {}\n", "counter", kLabel, "per second", kRate,
				       "from left to right, each by its own most");
	for (const KernelCounter *counter : rows_for(rows)) {
		std::string label = std::string(counter->part_of.empty() ? "" : "  ") +
				    std::string(counter->name) +
				    (counter->is_estimate() ? " ~" : "");
		bool known = passed.kernel.estimating || !counter->is_estimate();
		std::string value =
			known ? figure(rate(passed.kernel.*counter->value, passed.seconds)) : "n/a";
		text += fmt::format("{:<{}}{:>{}}  {}\n", label, kLabel, value, kRate,
				    history(counter->value, width));
	}
	return text;
}

std::string TopFrame::processes(size_t rows) const
{
	std::string text =
		fmt::format("{:<{}}{:>{}}  {}\n", "process", kLabel, "faults per s", kRate, "PID");
	for (size_t i = 0; i + 1 < rows && i < last_.processes.size(); i++) {
		const FaultCount &process = last_.processes[i];
		text += fmt::format("{:<{}}{:>{}}  {}\n", process.name.substr(0, kLabel - 1),
				    kLabel, figure(rate(process.faults, last_.reading.seconds)),
				    kRate, process.pid);
	}
	return text;
}

std::string TopFrame::text(TerminalSize size) const
{
	constexpr size_t kAll = std::size(kKernelCounters);
	size_t room =
		size.rows > kHeadRows + kProcessRows ? size.rows - kHeadRows - kProcessRows : 1;
	size_t counter_rows = std::min(room, kAll);
	size_t process_rows = kProcessRows + room - counter_rows;
	std::string text = heading(size.columns) + price_bar(size.columns) +
			   counters(size.columns, counter_rows) + processes(process_rows);
	return text;
}

std::string TopFrame::whole_text() const
{
	constexpr unsigned kRows = kHeadRows + std::size(kKernelCounters) + kProcessRows;
	return text({80, kRows});
}

} // namespace xenmm
