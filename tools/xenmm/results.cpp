// SPDX-License-Identifier: GPL-2.0
// The JSON of the results format. Ordered objects, so that two files can be compared
// by eye and by diff.
#include "results.hpp"

#include <cmath>
#include <ctime>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "counters.hpp"

namespace xenmm
{

using Json = nlohmann::ordered_json;

namespace
{

std::string now_rfc3339()
{
	std::time_t now = std::time(nullptr);
	std::tm utc = {};
	gmtime_r(&now, &utc);
	char text[sizeof("2026-01-01T00:00:00Z")] = {};
	std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return text;
}

// More digits than three would be noise.
double rounded(double value)
{
	return std::round(value * 1000) / 1000;
}

Json rounded_or_null(const std::optional<double> &value)
{
	return value ? Json(rounded(*value)) : Json();
}

Json rounded_list(const std::vector<double> &values)
{
	Json list = Json::array();
	for (double value : values)
		list.push_back(rounded(value));
	return list;
}

Json walk_json(const Setting &setting, const std::optional<WalkFacts> &facts)
{
	if (!facts)
		return {};
	WalkTables tables = find_tables(setting.guest, facts->leaf);
	return {{"guest_leaf", leaf_name(facts->leaf)},
		{"vmm_leaf", tables.vmm_leaf ? Json(leaf_name(*tables.vmm_leaf)) : Json()},
		{"references", json_or_null(tables.references())},
		{"references_max", tables.references_max()}};
}

Json misses_json(const std::optional<WalkFacts> &facts)
{
	if (!facts || !facts->counts.misses)
		return {};
	const Misses &misses = *facts->counts.misses;
	return {{"dtlb", rounded_or_null(misses.dtlb)},
		{"cache", rounded_or_null(misses.cache)},
		{"instruction_cache", rounded_or_null(misses.instruction_cache)}};
}

Json result_json(const Setting &setting, const Result &result)
{
	const PerPage &per_page = result.measured.per_page;
	const std::optional<xenmm_stats> &counters = result.measured.counters;
	const std::optional<Numbers> &hypervisor = result.measured.hypervisor;
	const std::optional<Way> &way = result.job.way;

	Json json;
	json["guest"] = setting.guest;
	json["workload"] = result.job.workload;
	json["method"] = way ? Json(method_name(way->method)) : Json();
	json["batch"] = way && way->batch ? Json(way->batch) : Json();
	json["pages"] = result.job.touched();
	json["density"] = json_or_null(result.job.density);
	json["runs"] = result.runs;
	json["per_page"] = {{"median", rounded(per_page.median)},
			    {"min", rounded(per_page.min)},
			    {"max", rounded(per_page.max)},
			    {"each", rounded_list(result.measured.each)}};
	json["unit"] = unit_name(setting.unit);
	json["counters"] = counters ? counters_json(*counters) : Json();
	json["hypervisor"] = hypervisor ? numbers_json(*hypervisor) : Json();
	json["walk"] = walk_json(setting, result.walk);
	json["misses"] = misses_json(result.walk);
	json["environment"] = environment_json(setting.environment);
	return json;
}

} // namespace

Json json_heading()
{
	return {{"schema_version", kSchemaVersion},
		{"tool_version", kToolVersion},
		{"timestamp", now_rfc3339()}};
}

Json environment_json(const Environment &environment)
{
	return {{"kernel", environment.kernel},
		{"hypervisor", json_or_null(environment.hypervisor)},
		{"module_version", json_or_null(environment.module_version)},
		{"vcpus", environment.vcpus},
		{"memory_bytes", environment.memory_bytes},
		{"emulated", environment.emulated},
		{"aslr", environment.aslr},
		{"pinned_cpu", json_or_null(environment.pinned_cpu)},
		{"xpti", json_or_null(environment.xpti)},
		{"xen_options", json_or_null(environment.xen_options)}};
}

Json numbers_json(const Numbers &numbers)
{
	Json json = Json::object();
	for (const NamedNumber &number : numbers)
		json[number.name] = number.value;
	return json;
}

Json counters_json(const xenmm_stats &stats)
{
	Json json = Json::object();
	for (const NamedCounter &counter : kCounters)
		json[std::string(counter.name)] = stats.*counter.value;
	return json;
}

Json results_json(const Setting &setting, const std::vector<Result> &results)
{
	Json list = Json::array();
	for (const Result &result : results)
		list.push_back(result_json(setting, result));

	Json json = json_heading();
	json["results"] = std::move(list);
	return json;
}

std::string results_csv(const Setting &setting, const std::vector<Result> &results)
{
	std::string text = "guest,workload,method,batch,pages,density,runs,unit,"
			   "per_page_median,per_page_min,per_page_max\n";
	for (const Result &result : results) {
		const std::optional<Way> &way = result.job.way;
		const PerPage &per_page = result.measured.per_page;
		text += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", setting.guest,
				    result.job.workload, way ? method_name(way->method) : "",
				    way && way->batch ? std::to_string(way->batch) : "",
				    result.job.touched(),
				    result.job.density ? std::to_string(*result.job.density) : "",
				    result.runs, unit_name(setting.unit), rounded(per_page.median),
				    rounded(per_page.min), rounded(per_page.max));
	}
	return text;
}

std::string json_text(const Json &json)
{
	return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace xenmm
