// SPDX-License-Identifier: GPL-2.0
// What follows from the counts of the kernel's tracepoints.
#include <gtest/gtest.h>

#include "xenmm/abi.h"

namespace xenmm::test
{

namespace
{

xenmm_kernel_counts counts_of(uint64_t set_pte, uint64_t modify_prot, uint64_t upper,
			      uint64_t queued_updates)
{
	xenmm_kernel_counts counts = {};
	counts.counter[XENMM_KERNEL_batches] = 10;
	counts.counter[XENMM_KERNEL_mmu_update_calls] = 9;
	counts.counter[XENMM_KERNEL_set_pte] = set_pte;
	counts.counter[XENMM_KERNEL_modify_prot] = modify_prot;
	counts.counter[XENMM_KERNEL_mmu_updates] = queued_updates;
	counts.upper_queued = upper;
	return counts;
}

} // namespace

TEST(KernelCounts, SetPteOutsideOfTheQueueIsAHypercallOfItsOwn)
{
	xenmm_kernel_counts counts = counts_of(100, 50, 5, 85);
	xenmm_kernel_complete(&counts);
	EXPECT_EQ(counts.counter[XENMM_KERNEL_set_pte_direct], 70u) << "30 were queued";
	EXPECT_EQ(counts.counter[XENMM_KERNEL_hypercalls], 80u);
	EXPECT_EQ(counts.counter[XENMM_KERNEL_mmu_update_calls], 79u);
	EXPECT_EQ(counts.counter[XENMM_KERNEL_mmu_updates], 155u);
}

TEST(KernelCounts, AllQueued)
{
	xenmm_kernel_counts counts = counts_of(30, 50, 5, 85);
	xenmm_kernel_complete(&counts);
	EXPECT_EQ(counts.counter[XENMM_KERNEL_set_pte_direct], 0u);
	EXPECT_EQ(counts.counter[XENMM_KERNEL_hypercalls], 10u);
	EXPECT_EQ(counts.counter[XENMM_KERNEL_mmu_updates], 85u);
}

// A reset between a change and the sending of the queue leaves the latter alone.
TEST(KernelCounts, NeverBelowZero)
{
	xenmm_kernel_counts counts = counts_of(3, 50, 5, 40);
	xenmm_kernel_complete(&counts);
	EXPECT_EQ(counts.counter[XENMM_KERNEL_set_pte_direct], 3u);
	counts = counts_of(3, 0, 0, 10);
	xenmm_kernel_complete(&counts);
	EXPECT_EQ(counts.counter[XENMM_KERNEL_set_pte_direct], 0u);
}

TEST(KernelCounts, TrapsAreTheSumOfTheirParts)
{
	xenmm_kernel_counts counts = {};
	counts.counter[XENMM_KERNEL_traps_fork] = 1000;
	counts.counter[XENMM_KERNEL_traps_copy] = 10;
	counts.counter[XENMM_KERNEL_traps_move] = 1;
	counts.counter[XENMM_KERNEL_traps_advice] = 10000;
	counts.counter[XENMM_KERNEL_traps_unmap] = 100;
	xenmm_kernel_complete(&counts);
	EXPECT_EQ(counts.counter[XENMM_KERNEL_traps], 11111u);
}

TEST(KernelCounts, NamesAreThoseOfDebugfs)
{
	EXPECT_STREQ(xenmm_kernel_counter_name(0), "batches");
	EXPECT_STREQ(xenmm_kernel_counter_name(XENMM_NR_KERNEL - 1), "traps_advice");
}

} // namespace xenmm::test
