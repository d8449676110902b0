// SPDX-License-Identifier: GPL-2.0
// Tables exchanged with their twins: what it costs, that the twin follows whatever
// else happens to the arena, and that Xen may refuse any of the 2N steps: every table
// hangs at exactly one place afterwards, or the arena is dead and puts it right when
// it ends.
#include <errno.h>

#include "harness.hpp"

namespace xenmm::test
{

namespace
{

constexpr How kFlip = {Method::kFlip, 0};
constexpr uint64_t kPages = 2048;
constexpr uint64_t kTables = kPages / kTableEntries;

// All pages there, with content, and their twins made: read-only or not.
class Flips : public ::testing::Test
{
public:
	Flips() : h(kFlip, kPages)
	{
		EXPECT_EQ(h.run(Op::kPopulate), Errno::kOk);
		for (uint64_t i = 0; i < kPages; i++) {
			uint64_t content = i + 1;
			EXPECT_EQ(h.touch(0, i, true, &content), Errno::kOk);
		}
		EXPECT_EQ(h.run(Op::kProtectRo), Errno::kOk);
		EXPECT_EQ(h.run(Op::kProtectRw), Errno::kOk);
		h.fill_tlbs();
		h.xen.forget_totals();
	}
	void expect_all(bool writable)
	{
		for (uint64_t i = 0; i < kPages; i++)
			expect_page(i, writable);
		EXPECT_EQ(h.problems(), "");
	}
	void expect_page(uint64_t i, bool writable)
	{
		uint64_t content = 0;
		ASSERT_EQ(h.touch(1, i, false, &content), Errno::kOk) << i;
		ASSERT_EQ(content, i + 1);
		ASSERT_EQ(h.touch(0, i, true, &content), writable ? Errno::kOk : Errno::kAccess)
			<< i;
	}
	uint64_t flips() { return h.xen.total(XENMM_COUNTER_tables_flipped); }

	Harness h;
};

TEST_F(Flips, CostOneHypercallAndOneFlush)
{
	for (Op op : {Op::kProtectRo, Op::kProtectRw}) {
		h.xen.forget_totals();
		ASSERT_EQ(h.run(op), Errno::kOk);
		EXPECT_EQ(flips(), kTables);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_hypercalls), 1u);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_mmu_updates), 2 * kTables);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_tlb_flushes), 1u);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_protected), 0u);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_twin_updates), 0u);
		expect_all(op == Op::kProtectRw);
	}
}

TEST_F(Flips, ToTheSameProtectionDoNothing)
{
	ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
	EXPECT_EQ(flips(), 0u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_hypercalls), 0u);
	expect_all(true);
}

TEST(FirstFlip, MakesTheTwinsAndOnlyIt)
{
	Harness h(kFlip, kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	EXPECT_EQ(h.twin(0), Twin::kNone);
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_twins_made), kTables);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_twin_updates), kPages);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tables_rebuilt), kTables);
	EXPECT_EQ(h.twin(0), Twin::kReadWrite);
	EXPECT_SOUND(h);
	ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_twins_made), kTables);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_twins_dropped), 0u);
	EXPECT_EQ(h.twin(0), Twin::kReadOnly);
}

TEST(FirstFlip, OfUnpopulatedTablesIsRememberedWithoutAny)
{
	Harness h(kFlip, kPages);
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	EXPECT_TRUE(h.xen.memory.tables().empty());
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_twins_made), 0u);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	EXPECT_FALSE(Pte(h.entry(0)).is_writable());
	EXPECT_SOUND(h);
}

TEST(FirstFlip, WithoutRoomForATwinGoesAnotherWay)
{
	for (How how : {kFlip, How{Method::kAuto, 0}}) {
		Harness h(how, kPages);
		h.refuses_twin = true;
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		h.fill_tlbs();
		ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_tables_flipped), 0u);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_protected), kPages);
		EXPECT_SOUND(h);
	}
}

TEST(FirstFlip, WithoutMemoryForATwinTableGoesAnotherWay)
{
	Harness h(kFlip, kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.fill_tlbs();
	h.xen.table_make_fuse.set(1, -ENOMEM, 2); // also when it is tried as the first of a run
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tables_flipped), kTables - 1);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_protected), 512u);
	EXPECT_SOUND(h);
}

TEST_F(Flips, LeaveTheEdgesToBatches)
{
	ASSERT_EQ(h.run(Op::kProtectRo, 100, 1200), Errno::kOk);
	EXPECT_EQ(flips(), 1u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_protected), 412u + 276u);
	for (uint64_t i = 0; i < kPages; i++)
		expect_page(i, i < 100 || i >= 1300);
	EXPECT_EQ(h.problems(), "");
}

TEST_F(Flips, JoinTablesOfOneL2TableAlone)
{
	ASSERT_EQ(h.run(Op::kProtectRo, {piece(0, 512), piece(512, 512), piece(1536, 512)}),
		  Errno::kOk);
	EXPECT_EQ(flips(), 3u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_hypercalls), 2u);
	for (uint64_t i = 0; i < kPages; i++)
		expect_page(i, i >= 1024 && i < 1536);
	EXPECT_EQ(h.problems(), "");
}

// --- the twin follows

TEST_F(Flips, AfterAPartialProtectAreRightThroughout)
{
	ASSERT_EQ(h.run(Op::kProtectRo, 700, 5), Errno::kOk);
	EXPECT_EQ(h.twin(700), Twin::kReadOnly) << "it did not change";
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	expect_all(false);
	EXPECT_EQ(h.twin(700), Twin::kStale) << "it was mixed when it was visible";
	h.xen.forget_totals();
	ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
	expect_all(true);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_twin_updates), 5u) << "no more than deviated";
}

TEST_F(Flips, OfAMixedTableToEitherSide)
{
	for (Op op : {Op::kProtectRo, Op::kProtectRw}) {
		ASSERT_EQ(h.run(Op::kProtectRo, {piece(3, 1), piece(100, 40)}), Errno::kOk);
		ASSERT_EQ(h.run(op), Errno::kOk);
		expect_all(op == Op::kProtectRw);
		ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
	}
}

TEST_F(Flips, AfterADiscardMapTheNewPagesAndNoOld)
{
	ASSERT_EQ(h.run(Op::kDiscard, 600, 50), Errno::kOk);
	EXPECT_EQ(h.twin_entry(620), 0u) << "the page is gone, its entry too";
	EXPECT_EQ(h.problems(), "");
	uint64_t content = 0;
	ASSERT_EQ(h.touch(0, 620, false, &content), Errno::kOk);
	EXPECT_EQ(content, 0u);
	EXPECT_EQ(h.twin(620), Twin::kStale) << "it does not map the new page";
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	EXPECT_EQ(h.mapped(), kPages - 49);
	EXPECT_EQ(h.problems(), "");
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	EXPECT_EQ(h.touch(0, 630, true, &content), Errno::kAccess);
	EXPECT_EQ(h.problems(), "");
}

TEST_F(Flips, AfterUnmapAndMapKeepContent)
{
	ASSERT_EQ(h.run(Op::kUnmap, 0, 1000), Errno::kOk);
	EXPECT_EQ(h.twin_entry(0), 0u);
	EXPECT_EQ(h.twin(0), Twin::kReadOnly) << "both map the same still";
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	EXPECT_EQ(h.mapped(), kPages - 1000);
	ASSERT_EQ(h.run(Op::kMap), Errno::kOk);
	expect_all(false);
}

TEST_F(Flips, KnowAnEmptyTwinForOne)
{
	uint64_t made = h.xen.total(XENMM_COUNTER_twins_made);
	ASSERT_EQ(h.run(Op::kDiscard, 0, 512), Errno::kOk);
	ASSERT_EQ(h.run(Op::kPopulate, 0, 512), Errno::kOk);
	ASSERT_EQ(h.run(Op::kUnmap, 0, 512), Errno::kOk);
	ASSERT_EQ(h.run(Op::kMap, 0, 512), Errno::kOk);
	EXPECT_EQ(h.twin(0), Twin::kEmpty);
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_twins_made), made) << "it had its page all along";
	EXPECT_FALSE(Pte(h.entry(0)).is_writable());
	EXPECT_EQ(h.problems(), "");
}

TEST_F(Flips, AfterRebuildsAndBatchesOfTheVisibleTable)
{
	for (How how :
	     {How{Method::kRebuild, 0}, How{Method::kBatch, 512}, How{Method::kTrap, 0}}) {
		ASSERT_EQ(h.run_by(how, Op::kProtectRo, {piece(0, kPages)}), Errno::kOk);
		expect_all(false);
		ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
		expect_all(true);
		ASSERT_EQ(h.run_by(how, Op::kDiscard, {piece(512, 512)}), Errno::kOk);
		ASSERT_EQ(h.run_by(how, Op::kPopulate, {piece(512, 512)}), Errno::kOk);
		for (uint64_t i = 512; i < 1024; i++) {
			uint64_t content = i + 1;
			ASSERT_EQ(h.touch(0, i, true, &content), Errno::kOk);
		}
		EXPECT_EQ(h.problems(), "");
	}
}

TEST_F(Flips, AfterSaveAndRestore)
{
	for (Op op : {Op::kProtectRo, Op::kProtectRw}) {
		h.xen.remap_all();
		ASSERT_EQ(h.run(op), Errno::kOk);
		expect_all(op == Op::kProtectRw);
	}
}

TEST_F(Flips, MakeANewTwinWhenTheOldOneWasUnmapped)
{
	h.unmap_twin();
	EXPECT_EQ(h.twin(0), Twin::kNone);
	EXPECT_EQ(h.problems(), "");
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	EXPECT_EQ(flips(), kTables);
	expect_all(false);
}

// The program unmapped a part of what it should not have touched.
TEST_F(Flips, DoWithoutTheTwinsThatWereUnmapped)
{
	h.unmap_twin(0, 512);
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	EXPECT_EQ(flips(), kTables - 1);
	EXPECT_FALSE(h.xen.memory.table(kTwinBase)) << "nobody would free it";
	expect_all(false);
	ASSERT_EQ(h.run(Op::kDiscard), Errno::kOk);
	EXPECT_EQ(h.problems(), "");
}

// --- refusals

TEST_F(Flips, RefusedAtEachOfThe2NPositionsLeaveEveryTableHookedOnce)
{
	for (Op op : {Op::kProtectRo, Op::kProtectRw})
		for (uint64_t k = 0; k < 2 * kTables; k++) {
			SCOPED_TRACE(name_of(op) + std::to_string(k));
			Op back = op == Op::kProtectRo ? Op::kProtectRw : Op::kProtectRo;
			ASSERT_EQ(h.run(back), Errno::kOk);
			h.xen.forget_totals();
			h.xen.hypervisor.step_fuse.set(k, -EBUSY);
			ASSERT_EQ(h.run(op), Errno::kIo);
			EXPECT_EQ(h.last.pages_done, k / 2 * kTableEntries);
			EXPECT_EQ(h.last.hypervisor_error, -EBUSY);
			EXPECT_EQ(flips(), k / 2);
			EXPECT_EQ(h.xen.total(XENMM_COUNTER_repairs), k % 2);
			EXPECT_EQ(h.xen.badly_hooked(), "");
			for (uint64_t i = 0; i < kPages; i++)
				expect_page(i, (i < h.last.pages_done) == (op == Op::kProtectRw));
			EXPECT_EQ(h.problems(), "");
			ASSERT_EQ(h.run(op), Errno::kOk);
			expect_all(op == Op::kProtectRw);
		}
}

TEST_F(Flips, RefusedTwiceArePutBackAtTheSecondAttempt)
{
	for (uint64_t k = 1; k < 2 * kTables; k += 2) {
		h.xen.hypervisor.step_fuse.set(k, -EBUSY, 2);
		ASSERT_EQ(h.run(Op::kProtectRo), Errno::kIo);
		EXPECT_FALSE(h.is_dead());
		EXPECT_EQ(h.problems(), "");
		ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
		expect_all(false);
		ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
	}
}

void kill_at(Harness &h, uint64_t k)
{
	h.xen.hypervisor.step_fuse.set(k, -EBUSY, 3);
	EXPECT_EQ(h.run(Op::kProtectRo), Errno::kIo);
	EXPECT_TRUE(h.is_dead());
	EXPECT_NE(h.xen.badly_hooked(), "") << "one hangs twice, one nowhere";
	EXPECT_EQ(h.run(Op::kProtectRw), Errno::kIo);
	EXPECT_EQ(h.fault(0, false, 1), Errno::kIo);
}

TEST_F(Flips, ThatCannotBePutBackAreMendedByTheEndOfTheMm)
{
	kill_at(h, 3);
	h.mend();
	EXPECT_EQ(h.xen.badly_hooked(), "");
	EXPECT_EQ(h.xen.tables_lost(), 0u);
}

TEST_F(Flips, ThatCannotBePutBackAreMendedByMunmap)
{
	kill_at(h, 5);
	h.retire(0, kPages);
	EXPECT_EQ(h.xen.badly_hooked(), "");
	EXPECT_EQ(h.mapped(), 0u);
	h.retire_twin(0, kPages);
}

TEST_F(Flips, RefusedAsAWholeChangeNothing)
{
	h.xen.hypervisor.hypercall_fuse.set(0, -ENOSYS);
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kIo);
	EXPECT_EQ(h.last.pages_done, 0u);
	expect_all(true);
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	expect_all(false);
}

TEST_F(Flips, WhoseTablesCannotBeLockedGoAnotherWay)
{
	for (int error : {-ENOENT, -EINVAL, -EIO}) {
		h.xen.pairs_fuse.set(0, error);
		ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
		expect_all(false);
		ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
		expect_all(true);
	}
}

// Writing the twin fails: nothing of the arena has changed.
TEST(FirstFlip, RefusedAnywhereChangesNothingOrIsDone)
{
	for (uint64_t k = 0; k < kTables * 8; k++) {
		SCOPED_TRACE(k);
		Harness h(kFlip, kPages);
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		h.fill_tlbs();
		h.xen.hypervisor.step_fuse.set(k, -EBUSY);
		Errno error = h.run(Op::kProtectRo);
		ASSERT_FALSE(h.xen.hypervisor.step_fuse.is_set());
		for (uint64_t i = 0; i < kPages; i++)
			ASSERT_EQ(h.slot(i).is_writable(), i >= h.last.pages_done) << i;
		EXPECT_EQ(error, h.last.pages_done == kPages ? Errno::kOk : Errno::kIo);
		EXPECT_EQ(h.problems(), "");
		ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
		EXPECT_EQ(h.problems(), "");
	}
}

// A refusal half way: the twins of what is left have the entries that they had, or
// are not taken for a copy of the visible table any more.
TEST_F(Flips, AfterAnUnmapThatWasRefusedMapWhatWasMapped)
{
	const How hows[] = {{Method::kBatch, 512}, {Method::kLazy, 0}, kFlip};
	for (How how : hows)
		for (uint64_t k : {0, 5, 600, 2047, 2048, 2053, 2700}) {
			SCOPED_TRACE(name_of(how) + ", entry " + std::to_string(k));
			h.exclusive = false; // entry by entry
			h.xen.hypervisor.entry_fuse.set(k, -EBUSY);
			ASSERT_EQ(h.run_by(how, Op::kUnmap, {piece(0, kPages)}), Errno::kIo);
			h.exclusive = true;
			EXPECT_EQ(h.problems(), "");
			uint64_t mapped = h.mapped();
			ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
			EXPECT_EQ(h.mapped(), mapped);
			ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
			EXPECT_EQ(h.mapped(), mapped);
			ASSERT_EQ(h.run(Op::kMap), Errno::kOk);
			expect_all(true);
			ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk); // both twins are full again
			ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
		}
}

// Xen lets nobody map a page any more that the twin maps already: then its table does
// not come forward, because it had to come back without that entry.
TEST_F(Flips, WithoutAnEntryThatXenTookDoNotHappen)
{
	ASSERT_EQ(h.run(Op::kUnmap, 520, 400), Errno::kOk);
	ASSERT_EQ(h.run(Op::kMap, 520, 400), Errno::kOk); // the twin does not map these
	h.fill_tlbs();
	h.xen.hypervisor.refused_pfns = {h.slot(1000).pfn().number};
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kIo);
	EXPECT_EQ(h.last.failed_address, page_at(512).bytes);
	EXPECT_EQ(h.mapped(), kPages);
	EXPECT_EQ(h.problems(), "");
	h.xen.hypervisor.refused_pfns.clear();
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	expect_all(false);
	ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
	expect_all(true);
}

// --- others get their turn between sections

// A refused mremap takes entries from the visible table alone. When the twin follows,
// the TLBs know of its entries until the flush at the end; who frees pages before must
// not rely on the tables.
TEST_F(Flips, LeaveNoTranslationToPagesThatOthersFreeMeanwhile)
{
	h.retire(0, 512);
	for (uint64_t i = 0; i < 512; i++) {
		uint64_t content = 0;
		ASSERT_EQ(h.xen.access(1, kTwinBase.page(i), false, &content), Access::kDone);
	}
	ASSERT_EQ(h.run(Op::kMap, 511, 1), Errno::kOk); // the table is not empty
	int turn = 0;
	h.xen.while_yielding = [&] {
		if (turn++ == 1) {
			EXPECT_EQ(h.run_meanwhile(Op::kDiscard, 0, 511), Errno::kOk);
		}
	};
	ASSERT_EQ(h.run(Op::kProtectRo, {piece(0, 512), piece(1024, 512)}), Errno::kOk);
	EXPECT_GE(turn, 2);
	EXPECT_EQ(h.problems(), "");
}

TEST_F(Flips, OthersMayChangeTheArenaWhileTheLocksAreAway)
{
	int turn = 0;
	ASSERT_EQ(h.run(Op::kProtectRo, 0, 512), Errno::kOk);
	h.xen.while_yielding = [&] {
		h.xen.while_yielding = nullptr; // their own operations yield to nobody
		uint64_t page = 512 + turn++ * 300;
		ASSERT_EQ(h.run_meanwhile(Op::kDiscard, page, 100), Errno::kOk);
		ASSERT_EQ(h.run_meanwhile(Op::kPopulate, page, 50), Errno::kOk);
	};
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_FALSE(h.slot(i).is_writable()) << i;
	EXPECT_EQ(h.problems(), "");
}

} // namespace

} // namespace xenmm::test
