// SPDX-License-Identifier: GPL-2.0
// The list of probes, and what stands before each of them. That a table was rebuilt or
// flipped is believed only when the module's counters say so: where it is not possible
// the module goes by batch, and the price would be that of another method.
#include "survey.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "arena.hpp"
#include "clock.hpp"
#include "error.hpp"

namespace xenmm
{

namespace
{

constexpr Way kSingle = {XENMM_METHOD_BATCH, 1};
constexpr Way kBatch = {XENMM_METHOD_BATCH, XENMM_SPAN_PAGES};
constexpr Way kTrap = {XENMM_METHOD_TRAP, 0};
constexpr Way kRebuild = {XENMM_METHOD_REBUILD, 1};
constexpr Way kFlip = {XENMM_METHOD_FLIP, 0};

struct Probe {
	double Timings::*result;
	unsigned long request;
	Way way;
	uint64_t pages; // of each table, from its first on
};

// flip is last: to all others the twin tables that it leaves would be a burden.
constexpr Probe kProbes[] = {
	{&Timings::protect_single, XENMM_IOC_PROTECT, kSingle, XENMM_SPAN_PAGES},
	{&Timings::protect, XENMM_IOC_PROTECT, kBatch, XENMM_SPAN_PAGES},
	{&Timings::protect_one, XENMM_IOC_PROTECT, kBatch, 1},
	{&Timings::protect_trapped, XENMM_IOC_PROTECT, kTrap, XENMM_SPAN_PAGES},
	{&Timings::protect_rebuilt, XENMM_IOC_PROTECT, kRebuild, XENMM_SPAN_PAGES},
	{&Timings::map, XENMM_IOC_MAP, kBatch, XENMM_SPAN_PAGES},
	{&Timings::map_one, XENMM_IOC_MAP, kBatch, 1},
	{&Timings::map_rebuilt, XENMM_IOC_MAP, kRebuild, XENMM_SPAN_PAGES},
	{&Timings::map_one_rebuilt, XENMM_IOC_MAP, kRebuild, 1},
	{&Timings::unmap, XENMM_IOC_UNMAP, kBatch, XENMM_SPAN_PAGES},
	{&Timings::unmap_one, XENMM_IOC_UNMAP, kBatch, 1},
	{&Timings::unmap_rebuilt, XENMM_IOC_UNMAP, kRebuild, XENMM_SPAN_PAGES},
	{&Timings::protect_flipped, XENMM_IOC_PROTECT, kFlip, XENMM_SPAN_PAGES},
};

// Every table is full and read-only, empty or full.
void prepare(const Arena &arena, const Probe &probe)
{
	switch (probe.request) {
	case XENMM_IOC_PROTECT:
		arena.operate(XENMM_IOC_MAP, arena.whole(), kBatch);
		arena.operate(XENMM_IOC_PROTECT, arena.whole(),
			      probe.way.method == XENMM_METHOD_FLIP ? probe.way : kBatch,
			      XENMM_PROT_READ);
		break;
	case XENMM_IOC_MAP:
		arena.operate(XENMM_IOC_UNMAP, arena.whole(), kBatch);
		break;
	case XENMM_IOC_UNMAP:
		arena.operate(XENMM_IOC_MAP, arena.whole(), kBatch);
		break;
	}
}

uint64_t timed(const Arena &arena, const Probe &probe, const Ranges &ranges)
{
	bool is_protect = probe.request == XENMM_IOC_PROTECT;
	xenmm_op op = make_op(ranges, probe.way, is_protect ? XENMM_PROT_READ_WRITE : 0);
	uint64_t begin = Clock::tsc();
	int result = arena.submit(probe.request, op);
	uint64_t ticks = Clock::tsc() - begin;
	require_done(result, errno, op);
	return ticks;
}

bool is_whole(const Way &way)
{
	return way.method == XENMM_METHOD_REBUILD || way.method == XENMM_METHOD_FLIP;
}

// Tables that were changed as a whole, by the method asked for.
uint64_t whole_tables(const Arena &arena, const Probe &probe)
{
	xenmm_stats stats = arena.stats();
	return probe.way.method == XENMM_METHOD_FLIP ? stats.tables_flipped : stats.tables_rebuilt;
}

uint64_t run(const Arena &arena, const Probe &probe, const Ranges &ranges)
{
	prepare(arena, probe);
	uint64_t before = whole_tables(arena, probe);
	uint64_t ticks = timed(arena, probe, ranges);
	uint64_t changed = whole_tables(arena, probe) - before;
	if (is_whole(probe.way) && changed < ranges.size())
		throw Failure(ExitCode::kFailed,
			      fmt::format("wrong outcome: {} of {} tables were changed by {}; try "
					  "again without other users of the module",
					  changed, ranges.size(), method_name(probe.way.method)));
	return ticks;
}

// One range a table, even where two are adjacent: ranges have a price, too.
Ranges heads_of_tables(const Arena &arena, uint64_t pages)
{
	Ranges ranges;
	for (uint64_t first = 0; first < arena.pages(); first += XENMM_SPAN_PAGES)
		ranges.push_back(arena.range(first, pages));
	return ranges;
}

} // namespace

Timings survey(uint64_t pages, unsigned runs)
{
	Arena arena(pages);
	arena.operate(XENMM_IOC_POPULATE, arena.whole(), kBatch);

	Timings timings = {};
	for (const Probe &probe : kProbes) {
		Ranges ranges = heads_of_tables(arena, probe.pages);
		uint64_t least = UINT64_MAX;
		for (unsigned i = 0; i < runs; i++)
			least = std::min(least, run(arena, probe, ranges));
		timings.*probe.result =
			static_cast<double>(least) / static_cast<double>(ranges.size());
	}
	return timings;
}

} // namespace xenmm
