// SPDX-License-Identifier: GPL-2.0
// Reading back what `xenmm bench` wrote: as much of it as a picture needs.
#pragma once

#include <string>
#include <vector>

#include "results.hpp"

namespace xenmm
{

struct Record {
	Setting setting; // of the environment: kernel, hypervisor, emulated and xpti alone
	Job job;
	double median;		  // per page
	std::vector<double> each; // run; empty in files of older tools
};

// Method and batch of a result; Failure kFailed when this tool does not know the method.
std::optional<Way> way_of(const nlohmann::json &row);

// Failure kFailed for another version of the format than this tool's.
void require_schema(int version);

// Failure kFailed when it is not a file of the results format.
std::vector<Record> read_results(const std::string &path);

} // namespace xenmm
