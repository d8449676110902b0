// SPDX-License-Identifier: GPL-2.0
// In which order jobs are measured. Two ways to do the same work are taken as A B B A, so
// that a machine that grows faster or slower meanwhile favours neither; all else one by one.
#pragma once

#include <vector>

#include "job.hpp"
#include "measure.hpp"

namespace xenmm
{

struct Leg {
	size_t job; // its index
	Repeats repeats;
};

// The runs of a job's legs add up to `repeats.runs`; each leg has its own warm-up.
std::vector<Leg> make_legs(const std::vector<Job> &jobs, Repeats repeats);

} // namespace xenmm
