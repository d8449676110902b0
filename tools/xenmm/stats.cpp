// SPDX-License-Identifier: GPL-2.0
// `xenmm stats`: the module's counters. debugfs first, since it also has the
// histogram; the ioctl where debugfs is closed (lockdown) or not mounted.
#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "commands.hpp"
#include "counters.hpp"
#include "device.hpp"
#include "error.hpp"
#include "files.hpp"
#include "results.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

using Json = nlohmann::ordered_json;

constexpr const char *kStatsFile = "/sys/kernel/debug/xenmm/stats";
constexpr const char *kHistogramFile = "/sys/kernel/debug/xenmm/histogram";
constexpr const char *kResetFile = "/sys/kernel/debug/xenmm/reset";

struct Options {
	bool json = false;
	bool reset = false;
};

struct NamedNumber {
	std::string name;
	uint64_t value;
};
using Numbers = std::vector<NamedNumber>;

struct Reading {
	std::string source; // "debugfs" or "ioctl"
	Numbers stats;
	std::optional<Numbers> histogram; // debugfs alone has it
};

// "NAME VALUE": the last word is the number, the name may hold spaces.
std::optional<NamedNumber> parse_line(const std::string &line)
{
	size_t end = line.find_last_not_of(" \t");
	size_t space = line.find_last_of(" \t", end);
	if (end == std::string::npos || space == std::string::npos)
		return std::nullopt;
	auto value = parse_number(std::string_view(line).substr(space + 1, end - space));
	size_t name_end = line.find_last_not_of(" \t:", space);
	if (!value || name_end == std::string::npos)
		return std::nullopt;
	return NamedNumber{line.substr(0, name_end + 1), *value};
}

// Comments and headings, if a later module writes some, are passed over.
Numbers parse_numbers(const std::string &text)
{
	Numbers numbers;
	for (const std::string &line : split_lines(text))
		if (auto number = parse_line(line))
			numbers.push_back(std::move(*number));
	return numbers;
}

std::optional<Reading> read_debugfs()
{
	auto stats = read_text(kStatsFile);
	if (!stats)
		return std::nullopt;
	Reading reading = {"debugfs", parse_numbers(*stats), std::nullopt};
	if (auto histogram = read_text(kHistogramFile))
		reading.histogram = parse_numbers(*histogram);
	return reading;
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

void reset_counters()
{
	UniqueFd fd(open(system_path(kResetFile).c_str(), O_WRONLY | O_CLOEXEC));
	if (fd && write(fd.get(), "1\n", 2) == 2)
		return;
	throw Failure(ExitCode::kMissing,
		      fmt::format("cannot reset the counters: {}: {} (run as root, with the module "
				  "loaded and debugfs mounted on /sys/kernel/debug)",
				  kResetFile, std::strerror(errno)));
}

Json numbers_json(const Numbers &numbers)
{
	Json json = Json::object();
	for (const NamedNumber &number : numbers)
		json[number.name] = number.value;
	return json;
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
				reset_counters();
		};
	});
}

} // namespace xenmm
