// SPDX-License-Identifier: GPL-2.0
#include "legs.hpp"

namespace xenmm
{

namespace
{

bool is_same_work(const Job &a, const Job &b)
{
	return a.workload == b.workload && a.pages == b.pages && a.density == b.density;
}

// Of a job and all those of the same work.
std::vector<size_t> group_of(const std::vector<Job> &jobs, size_t job)
{
	std::vector<size_t> group;
	for (size_t i = 0; i < jobs.size(); i++)
		if (is_same_work(jobs[i], jobs[job]))
			group.push_back(i);
	return group;
}

} // namespace

std::vector<Leg> make_legs(const std::vector<Job> &jobs, Repeats repeats)
{
	std::vector<Leg> legs;
	unsigned first = (repeats.runs + 1) / 2, last = repeats.runs - first;
	for (size_t i = 0; i < jobs.size(); i++) {
		std::vector<size_t> group = group_of(jobs, i);
		if (group.size() != 2 || !last) {
			legs.push_back({i, repeats});
		} else if (group.front() == i) {
			legs.push_back({i, {first, repeats.warmup}});
			legs.push_back({group.back(), repeats});
			legs.push_back({i, {last, repeats.warmup}});
		}
	}
	return legs;
}

} // namespace xenmm
