// SPDX-License-Identifier: GPL-2.0
// `xenmm stats`: the module's counters. debugfs first, since it also has the
// histogram; the ioctl where debugfs is closed (lockdown) or not mounted.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "counters.hpp"
#include "debugfs.hpp"
#include "device.hpp"
#include "results.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

using Json = nlohmann::ordered_json;

struct Options {
	bool json = false;
	bool reset = false;
};

struct Reading {
	std::string source; // "debugfs" or "ioctl"
	Numbers stats;
	std::optional<Numbers> histogram; // debugfs alone has it
};

std::optional<Reading> read_debugfs()
{
	auto stats = read_numbers(kStatsFile);
	if (!stats)
		return std::nullopt;
	return Reading{"debugfs", std::move(*stats), read_numbers(kHistogramFile)};
}

Reading read_ioctl()
{
	xenmm_stats stats = Device::open().stats();
	Reading reading = {"ioctl", {}, std::nullopt};
	for (const NamedCounter &counter : kCounters)
		reading.stats.push_back({std::string(counter.name), stats.*counter.value});
	return reading;
}

Reading read_counters()
{
	if (auto reading = read_debugfs()) {
		warn(fmt::format("counters read from {}", kStatsFile));
		return *reading;
	}
	int error = errno;
	Reading reading = read_ioctl();
	warn(fmt::format("counters read through {}, without the histogram ({}: {})",
			 XENMM_DEVICE_PATH, kStatsFile, std::strerror(error)));
	return reading;
}

Json reading_json(const Reading &reading)
{
	Json json = json_heading();
	json["source"] = reading.source;
	json["stats"] = numbers_json(reading.stats);
	json["histogram"] = reading.histogram ? numbers_json(*reading.histogram) : Json();
	return json;
}

std::string numbers_table(const char *name_title, const char *value_title, const Numbers &numbers)
{
	Table table({{name_title, Align::kLeft}, {value_title, Align::kRight}});
	for (const NamedNumber &number : numbers)
		table.row({number.name, grouped(number.value)});
	return table.text();
}

std::string reading_text(const Reading &reading)
{
	std::string text = numbers_table("counter", "value", reading.stats);
	if (reading.histogram)
		text += "\n" + numbers_table("updates, up to", "hypercalls", *reading.histogram);
	return text;
}

constexpr const char *kExamples = R"(
The counters add up over all arenas since the module was loaded or last reset. What
each of them counts is written in include/uapi/xenmm.h.

Examples:
  xenmm stats                            all counters, and the histogram of batch sizes
  xenmm stats --reset                    show them, then begin at zero
  xenmm stats --json | jq .stats.traps)";

} // namespace

void add_stats(CLI::App &app, Action &action)
{
	auto options = std::make_shared<Options>();
	CLI::App *command = app.add_subcommand("stats", "Show the module's counters");
	command->add_flag("--json", options->json, "Write JSON");
	command->add_flag("--reset", options->reset, "Set the counters to zero after showing them");
	command->footer(kExamples);
	command->callback([options, &action] {
		action = [options] {
			Reading reading = read_counters();
			write_stdout(options->json ? json_text(reading_json(reading))
						   : reading_text(reading));
			if (options->reset)
				write_debugfs(kResetFile, "1\n", "reset the counters");
		};
	});
}

} // namespace xenmm
