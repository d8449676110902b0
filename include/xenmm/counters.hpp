// SPDX-License-Identifier: GPL-2.0
// Counters of one operation, added to the per-CPU totals once at its end, so that
// the hot loops touch no shared memory.
#pragma once

#include "xenmm/abi.h"
#include "xenmm/support.hpp"

namespace xenmm
{

// Bucket i counts sizes 2^(i-1)+1 .. 2^i; size is at least 1.
constexpr unsigned bucket_of(uint32_t size)
{
	unsigned bits = size <= 1 ? 0 : 32 - __builtin_clz(size - 1);
	return min(bits, static_cast<unsigned>(XENMM_NR_BUCKETS - 1));
}
static_assert(bucket_of(1) == 0 && bucket_of(2) == 1 && bucket_of(3) == 2 && bucket_of(512) == 9);
static_assert(bucket_of(2048) == XENMM_NR_BUCKETS - 1);

class Counters
{
public:
	void add(xenmm_counter counter, uint64_t n = 1) { counts_.counter[counter] += n; }
	uint64_t get(xenmm_counter counter) const { return counts_.counter[counter]; }

	// One hypercall that carried `updates` page-table updates.
	void add_hypercall(uint32_t updates)
	{
		add(XENMM_COUNTER_hypercalls);
		counts_.bucket[bucket_of(updates)]++;
	}
	const xenmm_counts &counts() const { return counts_; }

private:
	xenmm_counts counts_ = {};
};

} // namespace xenmm
