// SPDX-License-Identifier: GPL-2.0
// The machine's forms: JSON and CSV. The table is in stat_table.cpp.
#include "stat_result.hpp"

#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "table.hpp"

namespace xenmm
{

namespace
{

using Json = nlohmann::ordered_json;

double rounded(double value)
{
	return std::round(value * 1e9) / 1e9;
}

template <typename Figure>
Json figure_json(const StatResult &result, Figure figure)
{
	Mean mean = mean_over(result, figure);
	Json runs = Json::array();
	for (const StatRun &run : result.runs)
		runs.push_back(figure(run));
	return {{"mean", rounded(mean.mean)},
		{"standard_deviation", rounded(mean.deviation)},
		{"runs", std::move(runs)}};
}

Json counters_of(const StatResult &result, bool estimates)
{
	Json json = Json::object();
	for (const KernelCounter &counter : kKernelCounters)
		if (counter.is_estimate() == estimates)
			json[std::string(counter.name)] =
				figure_json(result, [&](const StatRun &run) {
					return run.passed.kernel.*counter.value;
				});
	return json;
}

Json times_json(const StatResult &result)
{
	Json json = {{"elapsed",
		      figure_json(result,
				  [](const StatRun &run) { return rounded(run.passed.seconds); })},
		     {"guest_system", figure_json(result, [](const StatRun &run) {
			      return rounded(run.passed.system_seconds);
		      })}};
	if (!result.runs.front().end)
		return json;
	json["command_user"] = figure_json(
		result, [](const StatRun &run) { return rounded(run.end->user_seconds); });
	json["command_system"] = figure_json(
		result, [](const StatRun &run) { return rounded(run.end->system_seconds); });
	return json;
}

Json price_json(const StatResult &result)
{
	if (!result.runs.front().price)
		return nullptr;
	auto seconds = [&](double KernelPrice::*part) {
		return figure_json(result, [part](const StatRun &run) {
			return rounded(price_seconds(run, (*run.price).*part));
		});
	};
	return {{"calibrated", result.runs.front().price->calibrated},
		{"traps_seconds", seconds(&KernelPrice::traps)},
		{"hypercalls_seconds", seconds(&KernelPrice::hypercalls)},
		{"entries_seconds", seconds(&KernelPrice::entries)}};
}

Json hypervisor_json(const StatResult &result)
{
	Json list = Json::array();
	for (const StatRun &run : result.runs)
		list.push_back(run.hypervisor.empty() ? Json() : numbers_json(run.hypervisor));
	return list;
}

Json statuses(const StatResult &result)
{
	Json list = Json::array();
	for (const StatRun &run : result.runs)
		list.push_back(run.end ? Json(run.end->status) : Json());
	return list;
}

} // namespace

Mean mean_of(const std::vector<double> &values)
{
	double n = static_cast<double>(values.size());
	double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
	double squares = 0;
	for (double value : values)
		squares += (value - mean) * (value - mean);
	return {mean, values.size() > 1 ? std::sqrt(squares / (n - 1)) : 0};
}

double price_seconds(const StatRun &run, double ticks)
{
	return run.passed.ticks ? ticks / static_cast<double>(run.passed.ticks) * run.passed.seconds
				: 0;
}

Json stat_json(const StatResult &result)
{
	Json json = json_heading();
	json["what"] = result.title;
	json["scope"] = "guest";
	json["guest"] = result.guest;
	json["runs"] = result.runs.size();
	json["exit_statuses"] = statuses(result);
	json["seconds"] = times_json(result);
	json["counters"] = counters_of(result, false);
	bool estimates = result.runs.front().passed.kernel.estimating;
	json["estimates"] = estimates ? counters_of(result, true) : Json();
	json["price"] = price_json(result);
	json["hypervisor"] = hypervisor_json(result);
	json["environment"] = environment_json(result.environment);
	return json;
}

std::string stat_csv(const StatResult &result)
{
	std::string text = "counter,kind,mean,standard_deviation";
	for (size_t i = 1; i <= result.runs.size(); i++)
		text += fmt::format(",run_{}", i);
	text += "\n";
	for (const KernelCounter &counter : kKernelCounters) {
		auto value = [&](const StatRun &run) { return run.passed.kernel.*counter.value; };
		Mean mean = mean_over(result, value);
		text += fmt::format("{},{},{:.3f},{:.3f}", counter.name,
				    counter.is_estimate() ? "estimated" : "counted", mean.mean,
				    mean.deviation);
		for (const StatRun &run : result.runs)
			text += fmt::format(",{}", value(run));
		text += "\n";
	}
	return text;
}

} // namespace xenmm
