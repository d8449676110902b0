// SPDX-License-Identifier: GPL-2.0
// The results format, version 1: what `xenmm bench` writes and every comparison
// reads. Keys and their order are fixed; a value that is not known is null.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "guest.hpp"
#include "job.hpp"
#include "measure.hpp"
#include "walk.hpp"

namespace xenmm
{

inline constexpr int kSchemaVersion = 1;
inline constexpr const char *kToolVersion = XENMM_TOOL_VERSION;

struct Result {
	Job job;
	unsigned runs;
	Measurement measured;
	std::optional<WalkFacts> walk; // of page walks alone
};

// What all results of one invocation share.
struct Setting {
	std::string guest;
	Unit unit;
	Environment environment;
};

// The value, or null.
template <typename Value>
nlohmann::ordered_json json_or_null(const std::optional<Value> &value)
{
	return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

// schema_version, tool_version and timestamp: every JSON of this tool begins so.
nlohmann::ordered_json json_heading();
nlohmann::ordered_json environment_json(const Environment &environment);
nlohmann::ordered_json numbers_json(const Numbers &numbers);
nlohmann::ordered_json counters_json(const xenmm_stats &stats);
nlohmann::ordered_json results_json(const Setting &setting, const std::vector<Result> &results);

// A line for each result, below a title; what is not there is empty.
std::string results_csv(const Setting &setting, const std::vector<Result> &results);

// Indented text with a final newline; bytes that are not UTF-8 are replaced.
std::string json_text(const nlohmann::ordered_json &json);

} // namespace xenmm
