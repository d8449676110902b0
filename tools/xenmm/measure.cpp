// SPDX-License-Identifier: GPL-2.0
// The measuring loop. Between the two readings of the clock stands one virtual call
// and the measured step; counters are read and outcomes checked outside.
#include "measure.hpp"

#include <algorithm>
#include <sched.h>
#include <sys/prctl.h>

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

PerPage summarise(std::vector<uint64_t> ticks, uint64_t pages)
{
	std::sort(ticks.begin(), ticks.end());
	size_t middle = ticks.size() / 2;
	auto median = static_cast<double>(ticks[middle]);
	if (ticks.size() % 2 == 0)
		median = (median + static_cast<double>(ticks[middle - 1])) / 2;

	auto divisor = static_cast<double>(pages);
	return {median / divisor, static_cast<double>(ticks.front()) / divisor,
		static_cast<double>(ticks.back()) / divisor};
}

Measurement measure(Workload &workload, const Clock &clock, Counting counting, Repeats repeats,
		    uint64_t pages)
{
	Measurement result = {};
	Counting quiet = {counting.device, nullptr};
	for (unsigned i = 0; i < repeats.warmup; i++)
		round(workload, clock, quiet, result);

	std::vector<uint64_t> ticks(repeats.runs);
	for (uint64_t &one : ticks)
		one = round(workload, clock, quiet, result);
	if (counting.vmm)
		round(workload, clock, counting, result);
	result.per_page = summarise(std::move(ticks), pages);
	return result;
}

void settle_process()
{
	// Best effort: a container may forbid the one, a kernel lack the other.
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	CPU_SET(static_cast<size_t>(std::max(sched_getcpu(), 0)), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

} // namespace xenmm
