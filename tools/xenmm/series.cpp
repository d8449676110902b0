// SPDX-License-Identifier: GPL-2.0
#include "series.hpp"

#include <fmt/format.h>
#include <fstream>

#include "counters.hpp"
#include "error.hpp"
#include "kernel_counters.hpp"
#include "results.hpp"
#include "results_file.hpp"

namespace xenmm
{

namespace
{

using Json = nlohmann::ordered_json;

std::string line_of(const Json &json)
{
	return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json kernel_json(const xenmm_kernel &kernel)
{
	Json json = {{"counting", kernel.counting}, {"estimating", kernel.estimating}};
	for (const KernelCounter &counter : kKernelCounters)
		json[std::string(counter.name)] = kernel.*counter.value;
	return json;
}

xenmm_kernel kernel_of(const Json &json)
{
	xenmm_kernel kernel = {};
	kernel.counting = json.at("counting");
	kernel.estimating = json.at("estimating");
	for (const KernelCounter &counter : kKernelCounters)
		kernel.*counter.value = json.at(std::string(counter.name));
	return kernel;
}

// A counter that its writer did not know has counted nothing.
xenmm_stats stats_of(const Json &json)
{
	xenmm_stats stats = {};
	for (const NamedCounter &counter : kCounters)
		stats.*counter.value = json.value(std::string(counter.name), uint64_t{0});
	return stats;
}

Subject subject_of(const Json &json)
{
	require_schema(json.at("schema_version"));
	Subject subject = {json.at("guest"),
			   json.at("environment").at("kernel"),
			   "",
			   json.at("environment").at("vcpus"),
			   {}};
	if (json.at("environment").at("hypervisor").is_string())
		subject.hypervisor = json.at("environment").at("hypervisor");
	for (const auto &[name, value] : json.at("prices").items())
		subject.prices.push_back({name, value});
	return subject;
}

Moment moment_of(const Json &json)
{
	Moment moment = {{kernel_of(json.at("kernel")), stats_of(json.at("arenas")),
			  json.at("seconds"), json.at("system_seconds"), json.at("ticks")},
			 {}};
	for (const Json &process : json.at("processes"))
		moment.processes.push_back(
			{process.at(0), process.at(1), process.at(2), process.at(3)});
	return moment;
}

} // namespace

Subject find_subject(const Device &device)
{
	Environment environment = detect_environment(&device.info());
	return {detect_guest("", &device.info()).kind, environment.kernel,
		environment.hypervisor.value_or(""), environment.vcpus,
		read_numbers(kCostFile).value_or(Numbers{})};
}

Moment take_moment(const Device &device)
{
	return {take_reading(device), read_fault_counts()};
}

Moment difference(const Moment &before, const Moment &after)
{
	return {difference(before.reading, after.reading),
		difference(before.processes, after.processes)};
}

std::string subject_line(const Subject &subject)
{
	Json json = json_heading();
	json["guest"] = subject.guest;
	json["environment"] = {{"kernel", subject.kernel},
			       {"hypervisor", subject.hypervisor},
			       {"vcpus", subject.vcpus}};
	json["prices"] = numbers_json(subject.prices);
	return line_of(json);
}

std::string moment_line(const Moment &moment, double beginning)
{
	Json processes = Json::array();
	for (const FaultCount &process : moment.processes)
		processes.push_back({process.pid, process.name, process.faults, process.parent});
	const Reading &reading = moment.reading;
	return line_of({{"seconds", reading.seconds - beginning},
			{"system_seconds", reading.system_seconds},
			{"ticks", reading.ticks},
			{"kernel", kernel_json(reading.kernel)},
			{"arenas", counters_json(reading.arenas)},
			{"processes", std::move(processes)}});
}

Series read_series(const std::string &path)
{
	std::ifstream file(path);
	if (!file)
		throw system_failure(path);
	Series series = {};
	try {
		std::string line;
		std::getline(file, line);
		series.subject = subject_of(Json::parse(line));
		while (std::getline(file, line) && !file.eof())
			series.moments.push_back(moment_of(Json::parse(line)));
	} catch (const Json::exception &) {
		throw Failure(ExitCode::kFailed,
			      path + " is not what 'xenmm record' writes: record one with 'xenmm "
				     "record -o FILE'");
	}
	return series;
}

} // namespace xenmm
