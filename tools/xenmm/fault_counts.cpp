// SPDX-License-Identifier: GPL-2.0
#include "fault_counts.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "files.hpp"

namespace xenmm
{

namespace
{

// "PID (NAME) STATE ..." (proc(5)); a name may hold blanks and brackets. From the state on,
// minor faults are field 8 and those of waited-for children field 9.
std::optional<FaultCount> parse_stat(const std::string &line)
{
	size_t open = line.find('('), close = line.rfind(')');
	if (open == std::string::npos || close == std::string::npos)
		return std::nullopt;
	std::istringstream rest(line.substr(close + 1));
	std::string state;
	int parent = 0;
	int64_t skipped;
	uint64_t faults = 0, of_children = 0;
	rest >> state >> parent;
	for (int i = 0; i < 5; i++)
		rest >> skipped;
	rest >> faults >> of_children;
	if (!rest)
		return std::nullopt;
	return FaultCount{std::atoi(line.c_str()), line.substr(open + 1, close - open - 1),
			  faults + of_children, parent};
}

} // namespace

std::vector<FaultCount> read_fault_counts()
{
	std::vector<FaultCount> counts;
	std::error_code error;
	for (const auto &entry : std::filesystem::directory_iterator(system_path("/proc"), error)) {
		std::string name = entry.path().filename();
		if (!parse_number(name))
			continue;
		auto line = read_line("/proc/" + name + "/stat"); // it may have ended
		auto count = line ? parse_stat(*line) : std::nullopt;
		if (count)
			counts.push_back(std::move(*count));
	}
	return counts;
}

std::vector<FaultCount> difference(const std::vector<FaultCount> &before,
				   const std::vector<FaultCount> &after)
{
	std::set<int> living;
	for (const FaultCount &one : after)
		living.insert(one.pid);
	std::map<int, uint64_t> earlier;
	for (const FaultCount &one : before)
		earlier[living.contains(one.pid) ? one.pid : one.parent] += one.faults;
	std::vector<FaultCount> changed;
	for (const FaultCount &one : after) {
		uint64_t known = earlier[one.pid];
		if (one.faults > known)
			changed.push_back({one.pid, one.name, one.faults - known, one.parent});
	}
	std::stable_sort(
		changed.begin(), changed.end(),
		[](const FaultCount &a, const FaultCount &b) { return a.faults > b.faults; });
	return changed;
}

} // namespace xenmm
