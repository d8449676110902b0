// SPDX-License-Identifier: GPL-2.0
// What each operation leaves in the page tables and in the arena, by each method.
#include "harness.hpp"

namespace xenmm::test
{

namespace
{

class Operations : public EachHow
{
};
INSTANTIATE_TEST_SUITE_P(Each, Operations, ::testing::ValuesIn(all_hows()), how_name);

// 3 tables, the first and the last one partly.
constexpr uint64_t kPages = 1536;
constexpr uint64_t kFirst = 500;
constexpr uint64_t kCount = 600;

bool is_inside(uint64_t number)
{
	return number >= kFirst && number < kFirst + kCount;
}

TEST_P(Operations, PopulateMapsExactlyTheRangeAndWritable)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate, kFirst, kCount), Errno::kOk);
	EXPECT_EQ(h.last.pages_done, kCount);
	EXPECT_EQ(h.last.failed_address, 0u);
	for (uint64_t i = 0; i < kPages; i++) {
		ASSERT_EQ(h.is_mapped(i), is_inside(i)) << i;
		if (is_inside(i)) {
			ASSERT_EQ(h.entry(i) & ~(Pte::kFrameMask | Pte::kGlobal),
				  h.xen.pte_flags(true));
		}
	}
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_mapped), kCount);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_allocated), kCount);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tlb_flushes), 0u);
	EXPECT_SOUND(h);
}

TEST_P(Operations, PopulateAgainChangesNothing)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	uint64_t writes = h.xen.writes().size();
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	EXPECT_EQ(h.last.pages_done, kPages);
	EXPECT_EQ(h.xen.writes().size(), writes);
	EXPECT_EQ(h.xen.charged(), kPages);
	EXPECT_SOUND(h);
}

TEST_P(Operations, UnmapKeepsContentAndMapBringsItBack)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	for (uint64_t i = 0; i < kPages; i++) {
		uint64_t content = 1000 + i;
		ASSERT_EQ(h.touch(i % kCpus, i, true, &content), Errno::kOk);
	}
	ASSERT_EQ(h.run(Op::kUnmap, kFirst, kCount), Errno::kOk);
	EXPECT_SOUND(h);
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_EQ(h.is_mapped(i), !is_inside(i)) << i;
	ASSERT_EQ(h.run(Op::kMap, kFirst, kCount), Errno::kOk);
	for (uint64_t i = 0; i < kPages; i++) {
		uint64_t content = 0;
		ASSERT_EQ(h.xen.access(0, page_at(i), false, &content), Access::kDone);
		ASSERT_EQ(content, 1000 + i);
	}
	EXPECT_SOUND(h);
}

TEST_P(Operations, EmptyIsExactlyZero)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.fill_tlbs(); // accessed and dirty are set now
	ASSERT_EQ(h.run(Op::kUnmap), Errno::kOk);
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_EQ(h.entry(i), 0u);
	EXPECT_FALSE(h.xen.hypervisor.is_crashed());
	EXPECT_SOUND(h);
}

TEST_P(Operations, MapAllocatesNoPages)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate, 10, 5), Errno::kOk);
	ASSERT_EQ(h.run(Op::kUnmap), Errno::kOk);
	ASSERT_EQ(h.run(Op::kMap), Errno::kOk);
	EXPECT_EQ(h.last.pages_done, kPages);
	EXPECT_EQ(h.mapped(), 5u);
	EXPECT_EQ(h.xen.pages_held(), 5u);
	EXPECT_SOUND(h);
}

TEST_P(Operations, MapMakesNoTablesWhereNothingWasEverPopulated)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate, 10, 5), Errno::kOk);
	ASSERT_EQ(h.run(Op::kMap), Errno::kOk);
	EXPECT_EQ(h.xen.memory.tables().size(), 1u) << "uapi: MAP allocates nothing";
}

TEST_P(Operations, DiscardFreesTheRangeAlone)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.fill_tlbs();
	ASSERT_EQ(h.run(Op::kDiscard, kFirst, kCount), Errno::kOk);
	EXPECT_EQ(h.last.pages_done, kCount);
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_EQ(h.slot(i).has_page(), !is_inside(i)) << i;
	EXPECT_EQ(h.xen.pages_held(), kPages - kCount);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_freed), kCount);
	EXPECT_SOUND(h);
}

TEST_P(Operations, DiscardedPageComesBackZeroed)
{
	Harness h(GetParam(), kPages);
	uint64_t content = 77;
	ASSERT_EQ(h.touch(0, 3, true, &content), Errno::kOk);
	ASSERT_EQ(h.run(Op::kDiscard, 3, 1), Errno::kOk);
	ASSERT_EQ(h.touch(0, 3, false, &content), Errno::kOk);
	EXPECT_EQ(content, 0u);
	EXPECT_SOUND(h);
}

TEST_P(Operations, DiscardOfUnmappedPagesFreesThem)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	ASSERT_EQ(h.run(Op::kUnmap), Errno::kOk);
	ASSERT_EQ(h.run(Op::kDiscard), Errno::kOk);
	EXPECT_EQ(h.xen.pages_held(), 0u);
	EXPECT_SOUND(h);
}

TEST_P(Operations, DiscardAndUnmapOfNothingTouchNothing)
{
	Harness h(GetParam(), kPages);
	for (Op op : {Op::kDiscard, Op::kUnmap}) {
		ASSERT_EQ(h.run(op), Errno::kOk);
		EXPECT_EQ(h.last.pages_done, kPages);
	}
	EXPECT_TRUE(h.xen.memory.tables().empty());
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tlb_flushes), 0u);
	EXPECT_EQ(h.xen.zaps(), 0u);
	EXPECT_SOUND(h);
}

TEST_P(Operations, ProtectChangesTheRangeAlone)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.fill_tlbs();
	ASSERT_EQ(h.run(Op::kProtectRo, kFirst, kCount), Errno::kOk);
	for (uint64_t i = 0; i < kPages; i++) {
		uint64_t content = 5;
		ASSERT_EQ(h.slot(i).is_writable(), !is_inside(i)) << i;
		ASSERT_EQ(h.touch(1, i, true, &content),
			  is_inside(i) ? Errno::kAccess : Errno::kOk);
	}
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_protected) +
			  h.xen.total(XENMM_COUNTER_tables_flipped) * kTableEntries,
		  kCount);
	EXPECT_SOUND(h);
	ASSERT_EQ(h.run(Op::kProtectRw, kFirst, kCount), Errno::kOk);
	for (uint64_t i = 0; i < kPages; i++) {
		uint64_t content = 6;
		ASSERT_EQ(h.touch(1, i, true, &content), Errno::kOk) << i;
	}
	EXPECT_SOUND(h);
}

TEST_P(Operations, ProtectToTheSameChangesNoEntry)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	uint64_t writes = h.xen.writes().size();
	ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
	EXPECT_EQ(h.xen.writes().size(), writes);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_protected), 0u);
	EXPECT_SOUND(h);
}

TEST_P(Operations, ProtectionOfUnpopulatedPagesIsRemembered)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kProtectRo, kFirst, kCount), Errno::kOk);
	EXPECT_TRUE(h.xen.memory.tables().empty()) << "no table for the sake of protection";
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_EQ(Pte(h.entry(i)).is_writable(), !is_inside(i)) << i;
	EXPECT_SOUND(h);
}

TEST_P(Operations, ProtectionIsPerPageAndSurvivesADiscard)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	Pieces odd;
	for (uint64_t i = 1; i < 1100; i += 2)
		odd.push_back(piece(i, 1));
	ASSERT_EQ(h.run(Op::kProtectRo, odd), Errno::kOk);
	ASSERT_EQ(h.run(Op::kDiscard), Errno::kOk);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_EQ(Pte(h.entry(i)).is_writable(), i % 2 == 0 || i >= 1100) << i;
	EXPECT_SOUND(h);
}

TEST_P(Operations, ProtectPreservesAccessedAndDirty)
{
	Harness h(GetParam(), 8);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	uint64_t content = 1;
	h.xen.access(0, page_at(2), true, &content);
	uint64_t dirty = h.entry(2) & Pte::kAccessedDirty;
	EXPECT_EQ(dirty, Pte::kAccessedDirty);
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	ASSERT_EQ(h.run(Op::kMap), Errno::kOk); // native: refault
	if (h.is_pv()) {
		EXPECT_EQ(h.entry(2) & Pte::kAccessedDirty, dirty);
	}
	EXPECT_EQ(h.entry(3) & Pte::kAccessedDirty, Pte::kAccessed);
	ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
	if (h.is_pv()) {
		EXPECT_EQ(h.entry(2) & Pte::kAccessedDirty, dirty);
	}
	EXPECT_EQ(h.entry(3) & Pte::kAccessedDirty, Pte::kAccessed);
	EXPECT_SOUND(h);
}

// mov and update_va_mapping replace the whole entry: what hardware sets between the
// read and the write is lost there (nobody reads these bits of an arena's page). A
// twin's entries have bits of their own.
TEST_P(Operations, ProtectPreservesADirtyBitThatIsSetMeanwhile)
{
	Method method = GetParam().method;
	if (method == Method::kTrap || method == Method::kVaMapping || method == Method::kNative ||
	    may_flip(GetParam()))
		GTEST_SKIP() << "cannot";
	Harness h(GetParam(), 600);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.write_meanwhile(4);
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	for (uint64_t i = 0; i < 600; i++)
		ASSERT_TRUE(h.entry(i) & Pte::kDirty) << i;
	h.write_no_more();
	EXPECT_SOUND(h);
}

TEST_P(Operations, AWriteJustBeforeTheEntryGoesIsNotLostAndIsTheLast)
{
	if (GetParam().method == Method::kNative)
		GTEST_SKIP() << "zapped by the kernel";
	for (Op op : {Op::kUnmap, Op::kProtectRo, Op::kDiscard}) {
		Harness h(GetParam(), 600);
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		h.write_meanwhile(4);
		ASSERT_EQ(h.run(op), Errno::kOk);
		h.write_no_more();
		EXPECT_SOUND(h);
		for (uint64_t i = 0; i < 600; i++) {
			uint64_t content = 5;
			ASSERT_NE(h.xen.access(1, page_at(i), true, &content), Access::kDone);
			ASSERT_EQ(h.touch(0, i, false, &content), Errno::kOk);
			ASSERT_EQ(content, op == Op::kDiscard ? 0u : 4u);
		}
	}
}

TEST_P(Operations, MapDoesNothingInATableOfPagesThatNeverExisted)
{
	Harness h(GetParam(), kPages);
	ASSERT_TRUE(h.xen.table_make(page_at(512)).ok());
	ASSERT_EQ(h.run(Op::kMap), Errno::kOk);
	EXPECT_EQ(h.last.pages_done, kPages);
	EXPECT_EQ(h.mapped(), 0u);
	EXPECT_SOUND(h);
}

TEST_P(Operations, OneArenaTakesEveryMethodInTurn)
{
	Harness h(GetParam(), 600);
	for (How other : h.is_pv() ? pv_hows() : std::vector<How>{h.how}) {
		Pieces all = {piece(0, 600)};
		ASSERT_EQ(h.run_by(other, Op::kPopulate, all), Errno::kOk);
		h.fill_tlbs();
		ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
		EXPECT_SOUND(h);
		ASSERT_EQ(h.run_by(other, Op::kProtectRw, all), Errno::kOk);
		ASSERT_EQ(h.run_by(other, Op::kDiscard, all), Errno::kOk);
		EXPECT_SOUND(h);
	}
}

} // namespace

} // namespace xenmm::test
