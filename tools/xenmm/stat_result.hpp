// SPDX-License-Identifier: GPL-2.0
// What `xenmm stat` has seen, and its forms.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command.hpp"
#include "kernel_counters.hpp"
#include "kernel_price.hpp"
#include "reading.hpp"
#include "results.hpp"

namespace xenmm
{

struct StatRun {
	Reading passed;		       // during the run
	std::optional<CommandEnd> end; // nothing where a process was waited for
	std::optional<KernelPrice> price;
	Numbers hypervisor; // its own counts; empty where it was not asked
};

struct StatResult {
	std::string title; // the command or the process
	std::string guest;
	Environment environment;
	std::vector<StatRun> runs;
};

struct Mean {
	double mean;
	double deviation; // of the sample; 0 for one run
};

Mean mean_of(const std::vector<double> &values);
// Of a figure of each run.
template <typename Figure>
Mean mean_over(const StatResult &result, Figure figure)
{
	std::vector<double> values;
	for (const StatRun &run : result.runs)
		values.push_back(static_cast<double>(figure(run)));
	return mean_of(values);
}

// In seconds, by the clock that the run itself passed.
double price_seconds(const StatRun &run, double ticks);

// Counters that are 0 in all runs are left out, unless `all`.
std::string stat_table(const StatResult &result, bool all);
std::string stat_csv(const StatResult &result);
nlohmann::ordered_json stat_json(const StatResult &result);

// -I: the title of the rows, and a row of what passed, `at` seconds after the beginning.
std::string interval_title(const std::string &format);
std::string interval_row(const std::string &format, double at, const Reading &passed);

} // namespace xenmm
