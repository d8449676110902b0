// SPDX-License-Identifier: GPL-2.0
// What a person sees of a bench: the table of results, and progress while it runs.
#pragma once

#include <string>
#include <vector>

#include "results.hpp"

namespace xenmm
{

// Grouped by workload, one row per method, batch and page count; ends with a line
// that says what the figures are, and what they are not.
std::string results_table(const Setting &setting, const std::vector<Result> &results);

// Pieces of the table that other reports show, too.
std::string setting_line(const Setting &setting);
// What the figures are, and what they are not.
std::string unit_line(const Setting &setting);
std::string method_cell(const std::optional<Way> &way);
std::string batch_cell(const std::optional<Way> &way);

} // namespace xenmm
