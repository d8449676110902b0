// SPDX-License-Identifier: GPL-2.0
// Adds the cycles of its life to a counter.
#pragma once

#include "xenmm/backend.hpp"
#include "xenmm/counters.hpp"

namespace xenmm
{

template <Backend B>
class Stopwatch
{
public:
	Stopwatch(B &backend, Counters &counters, xenmm_counter counter)
		: backend_(backend), counters_(counters), counter_(counter),
		  start_(backend.cycles())
	{
	}
	~Stopwatch() { counters_.add(counter_, backend_.cycles() - start_); }

private:
	B &backend_;
	Counters &counters_;
	xenmm_counter counter_;
	uint64_t start_;
};

} // namespace xenmm
