// SPDX-License-Identifier: GPL-2.0
// A time series of what the guest does to page tables, and its file: JSON lines. The first
// has the heading, `guest`, `environment` and `prices` (debugfs `cost`); each that follows
// is a moment: `seconds` since the first, `system_seconds`, `ticks` of the TSC, and `kernel`
// (with `counting` and `estimating`), `arenas` and `processes` ([PID, NAME, FAULTS, PARENT]), all
// since they began to count.
#pragma once

#include <string>
#include <vector>

#include "debugfs.hpp"
#include "fault_counts.hpp"
#include "reading.hpp"

namespace xenmm
{

struct Moment {
	Reading reading;
	std::vector<FaultCount> processes;
};

struct Subject {
	std::string guest;
	std::string kernel;	// release
	std::string hypervisor; // or empty
	unsigned vcpus;
	Numbers prices; // empty where they cannot be read
};

Subject find_subject(const Device &device);
Moment take_moment(const Device &device);

// What passed between two; processes by their faults, most first.
Moment difference(const Moment &before, const Moment &after);

// Lines of the file, with their newlines.
std::string subject_line(const Subject &subject);
std::string moment_line(const Moment &moment, double beginning);

struct Series {
	Subject subject;
	std::vector<Moment> moments;
};

// Failure kFailed when it is not such a file; a last line that was cut off is left out.
Series read_series(const std::string &path);

} // namespace xenmm
