// SPDX-License-Identifier: GPL-2.0
// The measuring loop. Between the two readings of the clock stands one virtual call
// and the measured step; counters are read and outcomes checked outside.
#include "measure.hpp"

#include <algorithm>

#include "counters.hpp"
#include "error.hpp"
#include "guard.hpp"

namespace xenmm
{

namespace
{

uint64_t timed(Workload &workload, const Clock &clock)
{
	uint64_t begin = clock.now();
	workload.run();
	// cppcheck-suppress duplicateExpression // the clock has gone on
	return clock.now() - begin;
}

uint64_t timed_or_failure(Workload &workload, const Clock &clock)
{
	uint64_t ticks = 0;
	if (!survives([&] { ticks = timed(workload, clock); }))
		throw Failure(ExitCode::kFailed, "the measured step was killed by a memory fault");
	return ticks;
}

// One whole round; what was counted goes to `result`.
uint64_t round(Workload &workload, const Clock &clock, Counting counting, Measurement &result)
{
	workload.prepare();
	xenmm_stats before = counting.device ? counting.device->stats() : xenmm_stats{};
	if (counting.vmm)
		counting.vmm->request("reset");
	uint64_t ticks = timed_or_failure(workload, clock);
	if (counting.vmm)
		result.hypervisor = counting.vmm->request("counts");
	if (counting.device)
		result.counters = difference(before, counting.device->stats());
	workload.finish();
	return ticks;
}

} // namespace

PerPage summarise(std::vector<double> each)
{
	std::sort(each.begin(), each.end());
	size_t middle = each.size() / 2;
	double median = each[middle];
	if (each.size() % 2 == 0)
		median = (median + each[middle - 1]) / 2;
	return {median, each.front(), each.back()};
}

void append(Measurement &first, Measurement second)
{
	second.each.insert(second.each.begin(), first.each.begin(), first.each.end());
	second.per_page = summarise(second.each);
	first = std::move(second);
}

Measurement measure(Workload &workload, const Clock &clock, Counting counting, Repeats repeats,
		    uint64_t pages)
{
	Measurement result = {};
	Counting quiet = {counting.device, nullptr};
	for (unsigned i = 0; i < repeats.warmup; i++)
		round(workload, clock, quiet, result);

	for (unsigned i = 0; i < repeats.runs; i++)
		result.each.push_back(static_cast<double>(round(workload, clock, quiet, result)) /
				      static_cast<double>(pages));
	if (counting.vmm)
		round(workload, clock, counting, result);
	result.per_page = summarise(result.each);
	return result;
}

} // namespace xenmm
