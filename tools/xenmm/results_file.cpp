// SPDX-License-Identifier: GPL-2.0
// Files of older tools are without `density`; a key that is missing is as good as null.
#include "results_file.hpp"

#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

#include "error.hpp"
#include "json_value.hpp"

namespace xenmm
{

using Json = nlohmann::json;

namespace
{

Unit unit_of(const std::string &name)
{
	for (Unit unit : {Unit::kInstructions, Unit::kNs, Unit::kCycles})
		if (unit_name(unit) == name)
			return unit;
	throw Failure(ExitCode::kFailed, "unknown unit " + name);
}

Setting setting_of(const Json &row)
{
	const Json &json = row.at("environment");
	Environment environment = {};
	environment.kernel = json.at("kernel");
	environment.hypervisor = maybe<std::string>(json, "hypervisor");
	environment.emulated = json.at("emulated");
	environment.xpti = maybe<bool>(json, "xpti");
	return {row.at("guest"), unit_of(row.at("unit")), environment};
}

Record record_of(const Json &row)
{
	Job job = {row.at("workload"), way_of(row), row.at("pages"),
		   maybe<uint32_t>(row, "density")};
	if (job.pages == 0 || job.density == 0)
		throw Failure(ExitCode::kFailed, "a result of 0 pages");
	if (job.density) // a file has the pages worked on
		job.pages = job.pages / *job.density * XENMM_SPAN_PAGES;
	const Json &per_page = row.at("per_page");
	return {setting_of(row), job, per_page.at("median"),
		maybe<std::vector<double>>(per_page, "each").value_or(std::vector<double>{})};
}

std::vector<Record> records_of(std::istream &file)
{
	Json document = Json::parse(file);
	require_schema(document.at("schema_version"));
	std::vector<Record> records;
	for (const Json &row : document.at("results"))
		records.push_back(record_of(row));
	return records;
}

} // namespace

std::optional<Way> way_of(const Json &row)
{
	auto name = maybe<std::string>(row, "method");
	if (!name)
		return std::nullopt;
	for (const NamedMethod &known : kMethods)
		if (known.name == *name)
			return Way{known.method, maybe<uint32_t>(row, "batch").value_or(0)};
	throw Failure(ExitCode::kFailed, "unknown method " + *name);
}

void require_schema(int version)
{
	if (version != kSchemaVersion)
		throw Failure(ExitCode::kFailed,
			      fmt::format("results format {}, and this tool reads {}: use the tool "
					  "that wrote it",
					  version, kSchemaVersion));
}

std::vector<Record> read_results(const std::string &path)
{
	std::ifstream file(path);
	if (!file)
		throw system_failure(path);
	try {
		return records_of(file);
	} catch (const Json::exception &error) {
		throw Failure(ExitCode::kFailed,
			      fmt::format("{} is not what 'xenmm bench --json FILE' writes: {}",
					  path, error.what()));
	} catch (const Failure &failure) {
		throw Failure(failure.code(), path + ": " + failure.what());
	}
}

} // namespace xenmm
