// SPDX-License-Identifier: GPL-2.0
// `xenmm calibrate`: measures here what the module's method auto has to know, and tells
// it. Prices that are built in are of another machine.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "debugfs.hpp"
#include "device.hpp"
#include "error.hpp"
#include "manners.hpp"
#include "measure.hpp"
#include "options.hpp"
#include "output.hpp"
#include "results.hpp"
#include "survey.hpp"
#include "steady.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

using Json = nlohmann::ordered_json;

struct Options {
	uint64_t pages = 4096;
	unsigned runs = 5;
	bool dry_run = false;
	Output output;
};

struct Calibration {
	Numbers old_prices;
	Prices prices;
	double protect_rebuilt; // per table
	double predicted;	// the same, from the prices
};

xenmm_info require_choice()
{
	constexpr uint32_t kNeeded = 1U << XENMM_METHOD_BATCH | 1U << XENMM_METHOD_REBUILD |
				     1U << XENMM_METHOD_FLIP | 1U << XENMM_METHOD_TRAP;
	xenmm_info info = Device::open().info();
	if ((info.methods & kNeeded) != kNeeded)
		throw Failure(ExitCode::kNotPossible,
			      "nothing to calibrate: this guest has one method only, so auto has "
			      "no choice");
	return info;
}

void require_tables(uint64_t pages)
{
	if (pages % XENMM_SPAN_PAGES)
		throw Failure(
			ExitCode::kUsage,
			fmt::format("prices are of whole tables: --pages has to be a multiple "
				    "of {}, not {}",
				    XENMM_SPAN_PAGES, pages));
}

std::optional<uint64_t> price_in(const Numbers &prices, std::string_view name)
{
	for (const NamedNumber &price : prices)
		if (price.name == name)
			return price.value;
	return std::nullopt;
}

Calibration measure_prices(const Options &options)
{
	Numbers old_prices = require_numbers(kCostFile, "read the module's prices");
	settle_process();
	Timings timings = survey(options.pages, options.runs);
	Prices prices = prices_from(timings);
	return {std::move(old_prices), prices, timings.protect_rebuilt,
		predicted_protect_rebuilt(prices, timings)};
}

Json calibration_json(const Options &options, const Calibration &result, const xenmm_info &info)
{
	Json prices = Json::object();
	for (const NamedPrice &price : kPrices)
		prices[std::string(price.name)] = {
			{"old", json_or_null(price_in(result.old_prices, price.name))},
			{"new", price_tag(result.prices.*price.value)}};

	Json json = json_heading();
	json["pages"] = options.pages;
	json["runs"] = options.runs;
	json["written"] = !options.dry_run;
	json["prices"] = std::move(prices);
	json["protect_by_rebuild"] = {{"measured", price_tag(result.protect_rebuilt)},
				      {"predicted", price_tag(result.predicted)}};
	json["environment"] = environment_json(detect_environment(&info));
	return json;
}

std::string calibration_text(const Calibration &result)
{
	Table table({{"price", Align::kLeft}, {"old", Align::kRight}, {"new", Align::kRight}});
	for (const NamedPrice &price : kPrices) {
		auto old_price = price_in(result.old_prices, price.name);
		table.row({std::string(price.name), old_price ? grouped(*old_price) : "-",
			   grouped(price_tag(result.prices.*price.value))});
	}
	return table.text() +
	       fmt::format(
		       "in ticks of the TSC. Check: a full table protected by rebuild takes {}; "
		       "by these prices {}\n",
		       figure(result.protect_rebuilt), figure(result.predicted));
}

void calibrate(const Options &options)
{
	require_tables(options.pages);
	xenmm_info info = require_choice();
	Calibration result = measure_prices(options);
	if (!options.dry_run)
		write_debugfs(kCostFile, cost_text(result.prices), "write the module's prices");
	note(options.dry_run ? "dry run: the module keeps its prices"
			     : fmt::format("prices written to {}", kCostFile));
	publish(options.output, options.output.format == "json"
					? json_text(calibration_json(options, result, info))
					: calibration_text(result));
}

constexpr const char *kExamples = R"(
By these prices the method auto chooses for each table of 512 pages:
  hypercall              one entry into Xen and back that carries updates
  map, unmap, protect    an entry of a batch
  rebuild                a table rebuilt, and for each entry that is present in it
  validate, devalidate   afterwards and before
  flip                   a table exchanged with its twin
and xenmm stat estimates what the kernel's own work took:
  trap                   a store to an entry, which Xen traps
Only their ratios matter. They hold until the module is unloaded; to have the built-in
ones back: echo default > /sys/kernel/debug/xenmm/cost

Examples:
  xenmm calibrate                        measure, show old and new, tell the module
  xenmm calibrate --dry-run              only measure and show
  xenmm calibrate --runs 25              on a noisy machine: the least of more runs
  xenmm calibrate --json | jq .prices)";

} // namespace

void add_calibrate(CLI::App &app, Action &action)
{
	auto options = std::make_shared<Options>();
	CLI::App *command = app.add_subcommand(
		"calibrate", "Measure the prices by which the module chooses a method");
	command->add_option("--pages", options->pages,
			    "Pages of the arena it works on, whole tables of 512; default: 4096")
		->check(CLI::Range(uint64_t{XENMM_SPAN_PAGES}, kMaxPages))
		->type_name("N");
	command->add_option("--runs", options->runs,
			    "Runs of each operation, of which the least counts; default: 5")
		->check(CLI::Range(1U, kMaxRuns))
		->type_name("N");
	command->add_flag("--dry-run", options->dry_run, "Do not write to the module");
	add_output_options(*command, options->output, {"table", "json"});
	add_json_flag(*command, options->output);
	command->footer(kExamples);
	command->callback([options, &action] { action = [options] { calibrate(*options); }; });
}

} // namespace xenmm
