// SPDX-License-Identifier: GPL-2.0
// `xenmm stats`: the module's counters. debugfs first, since it also has the
// histograms; the ioctl where debugfs is closed (lockdown) or not mounted.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "counters.hpp"
#include "debugfs.hpp"
#include "device.hpp"
#include "manners.hpp"
#include "output.hpp"
#include "prometheus.hpp"
#include "results.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

using Json = nlohmann::ordered_json;

struct Options {
	Output output;
	bool reset = false;
};

struct Answer {
	std::string source; // "debugfs" or "ioctl"
	Numbers stats;
	std::optional<Numbers> histogram, sections; // debugfs alone has them
};

std::optional<Answer> read_debugfs()
{
	auto stats = read_numbers(kStatsFile);
	if (!stats)
		return std::nullopt;
	return Answer{"debugfs", std::move(*stats), read_numbers(kHistogramFile),
		      read_numbers(kSectionsFile)};
}

Answer read_ioctl()
{
	xenmm_stats stats = Device::open().stats();
	Answer reading = {"ioctl", {}, std::nullopt, std::nullopt};
	for (const NamedCounter &counter : kCounters)
		reading.stats.push_back({std::string(counter.name), stats.*counter.value});
	return reading;
}

Answer read_counters()
{
	if (auto reading = read_debugfs()) {
		note(fmt::format("counters read from {}", kStatsFile));
		return *reading;
	}
	int error = errno;
	Answer reading = read_ioctl();
	note(fmt::format("counters read through {}, without the histograms ({}: {})",
			 XENMM_DEVICE_PATH, kStatsFile, std::strerror(error)));
	return reading;
}

Json reading_json(const Answer &reading)
{
	Json json = json_heading();
	json["source"] = reading.source;
	json["stats"] = numbers_json(reading.stats);
	json["histogram"] = reading.histogram ? numbers_json(*reading.histogram) : Json();
	json["sections"] = reading.sections ? numbers_json(*reading.sections) : Json();
	return json;
}

std::string numbers_table(const char *name_title, const char *value_title, const Numbers &numbers)
{
	Table table({{name_title, Align::kLeft}, {value_title, Align::kRight}});
	for (const NamedNumber &number : numbers)
		table.row({number.name, grouped(number.value)});
	return table.text();
}

std::string reading_text(const Answer &reading)
{
	std::string text = numbers_table("counter", "value", reading.stats);
	if (reading.histogram)
		text += "\n" + numbers_table("updates, up to", "hypercalls", *reading.histogram);
	if (reading.sections)
		text += "\n" + numbers_table("cycles without preemption, up to", "sections",
					     *reading.sections);
	return text;
}

std::string reading_csv(const Answer &reading)
{
	std::string text = "counter,value\n";
	for (const NamedNumber &number : reading.stats)
		text += fmt::format("{},{}\n", number.name, number.value);
	return text;
}

std::string text_of(const std::string &format, const Answer &reading)
{
	if (format == "json")
		return json_text(reading_json(reading));
	if (format == "csv")
		return reading_csv(reading);
	return format == "prom" ? arena_metrics(reading.stats) : reading_text(reading);
}

constexpr const char *kExamples = R"(
The counters add up over all arenas since the module was loaded or last reset. What
each of them counts is written in include/uapi/xenmm.h. Behind them: hypercalls by the
updates that they carried, and how long preemption was off, in TSC cycles.

Examples:
  xenmm stats                            all counters and the histograms
  xenmm stats --reset                    show them, then begin at zero
  xenmm stats --json | jq .stats.traps)";

} // namespace

void add_stats(CLI::App &app, Action &action)
{
	auto options = std::make_shared<Options>();
	CLI::App *command = app.add_subcommand("stats", "Show the module's counters");
	add_output_options(*command, options->output, {"table", "json", "csv", "prom"});
	add_json_flag(*command, options->output);
	command->add_flag("--reset", options->reset, "Set the counters to zero after showing them");
	command->footer(kExamples);
	command->callback([options, &action] {
		action = [options] {
			Answer reading = read_counters();
			publish(options->output, text_of(options->output.format, reading));
			if (options->reset)
				write_debugfs(kResetFile, "1\n", "reset the counters");
		};
	});
}

} // namespace xenmm
