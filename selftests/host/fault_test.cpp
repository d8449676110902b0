// SPDX-License-Identifier: GPL-2.0
// Demand faults: the window, its edges, protection, and too little memory.
#include <errno.h>

#include "harness.hpp"

namespace xenmm::test
{

namespace
{

class Faults : public EachHow
{
};
INSTANTIATE_TEST_SUITE_P(Each, Faults,
			 ::testing::Values(How{Method::kBatch, 512}, How{Method::kNative, 0}),
			 how_name);

constexpr uint64_t kPages = 1100;

// Exactly [first, first + pages) is mapped.
void expect_mapped(Harness &h, uint64_t first, uint64_t pages)
{
	for (uint64_t i = 0; i < h.nr_pages; i++)
		ASSERT_EQ(h.is_mapped(i), i >= first && i < first + pages) << "page " << i;
}

TEST_P(Faults, MapTheAlignedWindow)
{
	struct Window {
		uint64_t at;
		uint32_t window;
		uint64_t first, pages;
	};
	const Window windows[] = {
		{100, 16, 96, 16},     {96, 16, 96, 16},     {111, 16, 96, 16},
		{100, 1, 100, 1},      {511, 16, 496, 16},   {512, 512, 512, 512},
		{700, 512, 512, 512},  {1099, 16, 1088, 12}, // clipped by the area's end
		{1050, 512, 1024, 76},
	};
	for (Window window : windows) {
		SCOPED_TRACE(window.at);
		Harness h(GetParam(), kPages);
		ASSERT_EQ(h.fault(window.at, true, window.window), Errno::kOk);
		expect_mapped(h, window.first, window.pages);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_faults), 1u);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_fault_around_pages), window.pages - 1);
		EXPECT_EQ(h.xen.memory.tables().size(), 1u);
		EXPECT_SOUND(h);
	}
}

TEST_P(Faults, StayInsideTheAreaOfTheFault)
{
	Harness h(GetParam(), kPages);
	// The arena's mapping was cut: its areas are [0, 512) and [1024, 1100).
	h.xen.remove_extent({page_at(512), page_at(1024)});
	ASSERT_EQ(h.fault(510, false, 512), Errno::kOk);
	expect_mapped(h, 0, 512);
	ASSERT_EQ(h.fault(1024, false, 512), Errno::kOk);
	EXPECT_EQ(h.mapped(), 512u + 76u);
	EXPECT_SOUND(h);
}

TEST_P(Faults, AroundPagesThatAreThereCountOnlyNewOnes)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate, 96, 10), Errno::kOk);
	h.xen.forget_totals();
	ASSERT_EQ(h.fault(107, true, 16), Errno::kOk);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_mapped), 6u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_fault_around_pages), 5u);
	EXPECT_EQ(h.problems(), "");
}

TEST_P(Faults, OnAMappedPageDoNothing)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.fault(5, true, 1), Errno::kOk);
	ASSERT_EQ(h.fault(5, true, 1), Errno::kOk); // another thread was faster
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_faults), 2u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_fault_around_pages), 0u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_mapped), 1u);
	EXPECT_SOUND(h);
}

TEST_P(Faults, WritingAReadOnlyPageMapsAndAllocatesNothing)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kProtectRo, 100, 1), Errno::kOk);
	h.xen.forget_totals();
	EXPECT_EQ(h.fault(100, true, 16), Errno::kAccess);
	EXPECT_EQ(h.mapped(), 0u);
	EXPECT_EQ(h.xen.pages_held(), 0u);
	EXPECT_EQ(h.xen.charged(), 0u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_faults), 0u) << "not served";
	EXPECT_EQ(h.fault(101, true, 16), Errno::kOk) << "its neighbour may";
	EXPECT_FALSE(Pte(h.entry(100)).is_writable()) << "mapped around, read-only";
	EXPECT_TRUE(Pte(h.entry(101)).is_writable());
	EXPECT_EQ(h.fault(100, false, 16), Errno::kOk) << "reading is fine";
	EXPECT_EQ(h.problems(), "");
}

TEST_P(Faults, MayWriteSaysTheProtection)
{
	Harness h(GetParam(), kPages);
	EXPECT_TRUE(h.arena.write(page_at(7)).ok());
	ASSERT_EQ(h.run(Op::kProtectRo, 7, 1), Errno::kOk);
	EXPECT_FALSE(h.arena.write(page_at(7)).ok());
	EXPECT_TRUE(h.arena.write(page_at(8)).ok());
	EXPECT_TRUE(h.arena.write(page_at(1099)).ok());
}

TEST_P(Faults, FallBackToOnePageWhenMemoryIsShort)
{
	Harness h(GetParam(), kPages);
	h.xen.refuse_optional = true;
	ASSERT_EQ(h.fault(100, true, 16), Errno::kOk);
	expect_mapped(h, 100, 1);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_faults), 1u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_fault_around_pages), 0u);
	EXPECT_SOUND(h);
}

TEST_P(Faults, FallBackToOnePageAtEveryAllocation)
{
	for (uint64_t k = 0; k < 16; k++) {
		Harness h(GetParam(), kPages);
		h.xen.page_fuse.set(k, -ENOMEM);
		ASSERT_EQ(h.fault(100, true, 16), Errno::kOk);
		expect_mapped(h, 100, 1);
		EXPECT_EQ(h.xen.charged(), 1u);
		EXPECT_SOUND(h);
	}
}

TEST_P(Faults, FallBackToOnePageAtTheMemlockLimit)
{
	Harness h(GetParam(), kPages);
	h.xen.charge_limit = 3;
	ASSERT_EQ(h.fault(100, true, 16), Errno::kOk);
	expect_mapped(h, 100, 1);
	EXPECT_SOUND(h);
	h.xen.charge_limit = 1;
	EXPECT_EQ(h.fault(200, true, 16), Errno::kNoMem);
	EXPECT_EQ(h.xen.pages_held(), 1u);
	EXPECT_SOUND(h);
}

TEST_P(Faults, AnswerNoMemoryWhenThereIsNotEvenOnePage)
{
	Harness h(GetParam(), kPages);
	h.xen.refuse_optional = true;
	h.xen.page_fuse.set(1, -ENOMEM); // the first one is the optional one
	EXPECT_EQ(h.fault(100, true, 16), Errno::kNoMem);
	EXPECT_EQ(h.mapped(), 0u);
	EXPECT_EQ(h.xen.pages_held(), 0u);
	EXPECT_SOUND(h);
}

TEST_P(Faults, ByAKilledProcessMapNothing)
{
	Harness h(GetParam(), kPages);
	h.xen.breathe_fuse.set(0, -EINTR);
	EXPECT_EQ(h.fault(100, true, 16), Errno::kIntr);
	EXPECT_EQ(h.mapped(), 0u);
	EXPECT_SOUND(h);
}

TEST(PvFaults, RefusedByXenAreReportedAndLeakNothing)
{
	for (uint64_t k = 0; k < 16; k++) {
		SCOPED_TRACE(k);
		Harness h({Method::kBatch, 512}, kPages);
		h.xen.hypervisor.entry_fuse.set(k, -EBUSY);
		EXPECT_EQ(h.fault(100, true, 16), Errno::kIo);
		expect_mapped(h, 96, k);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_errors), 1u);
		EXPECT_SOUND(h);
		EXPECT_EQ(h.fault(100, true, 16), Errno::kOk);
		expect_mapped(h, 96, 16);
	}
}

TEST(PvFaults, CostOneHypercallAWindow)
{
	Harness h({Method::kBatch, 512}, 512);
	for (uint64_t i = 0; i < 512; i++) {
		uint64_t content = i;
		ASSERT_EQ(h.touch(0, i, true, &content, 16), Errno::kOk);
	}
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_faults), 32u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_fault_around_pages), 480u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_hypercalls), 32u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tlb_flushes), 0u);
	EXPECT_SOUND(h);
}

} // namespace

} // namespace xenmm::test
