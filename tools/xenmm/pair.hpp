// SPDX-License-Identifier: GPL-2.0
// Two files of results, row by row: the same work in both.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "results_file.hpp"

namespace xenmm
{

enum class Change { kSame, kFaster, kSlower, kTooFewRuns };

// Of the second against the first, as a table says it.
std::string change_name(Change change);

struct PairRow {
	Record a, b;
	double ratio;		 // b / a
	std::optional<double> p; // nothing where a file has no single runs
	Change change;		 // by p and alpha; too few runs can never be significant

	std::string name() const; // workload, method and batch
};

struct Pair {
	std::string a, b; // files
	double alpha;
	std::vector<PairRow> rows; // in the order of a
	std::vector<Record> only_a, only_b;
};

// Failure kFailed when a file is no results, or has two of one work: of two guests, say.
Pair read_pair(const std::string &a, const std::string &b, double alpha);

std::string pair_table(const Pair &pair);
std::string pair_csv(const Pair &pair);
nlohmann::ordered_json pair_json(const Pair &pair);

} // namespace xenmm
