// SPDX-License-Identifier: GPL-2.0
// Who makes the kernel work at page tables? Each page fault of a process is a change of an
// entry at least, and the only thing that the kernel counts by process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace xenmm
{

struct FaultCount {
	int pid;
	std::string name; // of the program, 15 characters of it
	uint64_t faults;  // since it began, those of children that it waited for included
	int parent;
};

// Of all processes that /proc shows, in its order.
std::vector<FaultCount> read_fault_counts();

// By process what came between two readings, most first; without those that had none. What a
// child that has ended since then was seen to have is not its parent's once more.
std::vector<FaultCount> difference(const std::vector<FaultCount> &before,
				   const std::vector<FaultCount> &after);

} // namespace xenmm
