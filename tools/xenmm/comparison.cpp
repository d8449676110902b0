// SPDX-License-Identifier: GPL-2.0
#include "comparison.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>

#include "error.hpp"
#include "guest.hpp"
#include "json_value.hpp"
#include "results_file.hpp"

namespace xenmm
{

using Json = nlohmann::json;

namespace
{

System system_of(const Json &row)
{
	return {row.at("guest"), maybe<bool>(row.at("environment"), "xpti").value_or(false)};
}

std::optional<Walk> walk_of(const Json &row)
{
	auto walk = maybe<Json>(row, "walk");
	if (!walk)
		return std::nullopt;
	return Walk{maybe<std::string>(*walk, "guest_leaf"), maybe<std::string>(*walk, "vmm_leaf"),
		    maybe<unsigned>(*walk, "references"), walk->at("references_max")};
}

std::optional<Misses> misses_of(const Json &row)
{
	auto misses = maybe<Json>(row, "misses");
	if (!misses)
		return std::nullopt;
	return Misses{maybe<double>(*misses, "dtlb"), maybe<double>(*misses, "cache"),
		      maybe<double>(*misses, "instruction_cache")};
}

Measured measured_of(const Json &row)
{
	return {system_of(row),
		row.at("workload"),
		way_of(row),
		row.at("pages"),
		row.at("unit"),
		row.at("per_page").at("median"),
		maybe<Json>(row, "counters"),
		maybe<Json>(row, "hypervisor"),
		walk_of(row),
		misses_of(row),
		row.at("environment")};
}

Memory memory_of(const Json &row)
{
	return {system_of(row), row.at("processes"), row.at("tables"),
		row.at("guest_page_tables_kib"), maybe<Json>(row, "hypervisor")};
}

} // namespace

std::string System::name() const
{
	return guest + (xpti ? " + XPTI" : "");
}

size_t System::colour() const
{
	std::vector<std::string> kinds = guest_kinds();
	auto found = std::find(kinds.begin(), kinds.end(), guest);
	return static_cast<size_t>(found - kinds.begin());
}

Comparison Comparison::read(const std::vector<std::string> &files)
{
	Comparison comparison;
	for (const std::string &file : files)
		try {
			comparison.add_file(file);
		} catch (const Json::exception &error) {
			throw Failure(ExitCode::kFailed,
				      fmt::format("{} is not what 'xenmm bench --json' or "
						  "'xenmm processes --json' writes: {}",
						  file, error.what()));
		}
	comparison.sort_systems();
	return comparison;
}

void Comparison::add_file(const std::string &path)
{
	std::ifstream file(path);
	if (!file)
		throw system_failure(path);
	auto document = nlohmann::ordered_json::parse(file);
	require_schema(document.at("schema_version"));
	for (const auto &row : document.value("results", nlohmann::ordered_json::array())) {
		measured_.push_back(measured_of(row));
		systems_.push_back(measured_.back().system);
		results_json_.push_back(row);
	}
	for (const auto &row : document.value("memory", nlohmann::ordered_json::array())) {
		memory_.push_back(memory_of(row));
		systems_.push_back(memory_.back().system);
		memory_json_.push_back(row);
	}
}

void Comparison::sort_systems()
{
	std::sort(systems_.begin(), systems_.end(), [](const System &a, const System &b) {
		return std::pair(a.colour(), a.xpti) < std::pair(b.colour(), b.xpti);
	});
	systems_.erase(std::unique(systems_.begin(), systems_.end()), systems_.end());
}

const Measured *Comparison::find(const System &system, const std::string &workload,
				 const std::optional<Way> &way) const
{
	const Measured *best = nullptr;
	for (const Measured &row : measured_)
		if (row.system == system && row.workload == workload && row.way == way &&
		    (!best || row.unit == "instructions"))
			best = &row;
	return best;
}

const Measured *Comparison::find_counted(const System &system, const std::string &workload,
					 const std::optional<Way> &way) const
{
	for (const Measured &row : measured_)
		if (row.system == system && row.workload == workload && row.way == way &&
		    row.hypervisor)
			return &row;
	return nullptr;
}

const Memory *Comparison::find_memory(const System &system, unsigned processes) const
{
	for (const Memory &row : memory_)
		if (row.system == system && row.processes == processes)
			return &row;
	return nullptr;
}

nlohmann::ordered_json Comparison::merged() const
{
	nlohmann::ordered_json json = json_heading();
	json["results"] = results_json_;
	json["memory"] = memory_json_;
	return json;
}

} // namespace xenmm
