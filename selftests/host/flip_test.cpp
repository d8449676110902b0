// SPDX-License-Identifier: GPL-2.0
// Tables exchanged with their twins: what it costs, and that Xen may refuse any of the
// steps: each span has one table hooked afterwards, and its twin nowhere.
#include <errno.h>

#include "flips.hpp"

namespace xenmm::test
{

namespace
{

constexpr uint64_t kPages = Flips::kPages;
constexpr uint64_t kTables = Flips::kTables;

TEST_F(Flips, CostOneHypercallAndOneFlush)
{
	for (Op op : {Op::kProtectRo, Op::kProtectRw}) {
		h.xen.forget_totals();
		ASSERT_EQ(h.run(op), Errno::kOk);
		EXPECT_EQ(flips(), kTables);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_hypercalls), 1u);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_mmu_updates), kTables);
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
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tables_rebuilt), 0u);
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

TEST(FirstFlip, WithoutMemoryForAnyTwinGoesAnotherWay)
{
	for (How how : {kFlip, How{Method::kAuto, 0}}) {
		Harness h(how, kPages);
		h.xen.refuse_twins = true;
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		h.fill_tlbs();
		ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_tables_flipped), 0u);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_protected), kPages);
		EXPECT_SOUND(h);
	}
}

TEST(FirstFlip, WithoutMemoryForOneTwinGoesAnotherWayThere)
{
	Harness h(kFlip, kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.fill_tlbs();
	h.xen.twin_fuse.set(1, -ENOMEM, 2); // also when it is tried as the first of a run
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

// --- refusals

TEST_F(Flips, RefusedAtEachPositionLeaveEveryTableHookedOnce)
{
	for (Op op : {Op::kProtectRo, Op::kProtectRw})
		for (uint64_t k = 0; k < kTables; k++) {
			SCOPED_TRACE(name_of(op) + std::to_string(k));
			Op back = op == Op::kProtectRo ? Op::kProtectRw : Op::kProtectRo;
			ASSERT_EQ(h.run(back), Errno::kOk);
			h.xen.forget_totals();
			h.xen.hypervisor.step_fuse.set(k, -EBUSY);
			ASSERT_EQ(h.run(op), Errno::kIo);
			EXPECT_EQ(h.last.pages_done, k * kTableEntries);
			EXPECT_EQ(h.last.hypervisor_error, -EBUSY);
			EXPECT_EQ(flips(), k);
			EXPECT_EQ(h.xen.badly_hooked(), "");
			for (uint64_t i = 0; i < kPages; i++)
				expect_page(i, (i < h.last.pages_done) == (op == Op::kProtectRw));
			EXPECT_EQ(h.problems(), "");
			ASSERT_EQ(h.run(op), Errno::kOk);
			expect_all(op == Op::kProtectRw);
		}
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

TEST_F(Flips, StopBetweenTwoSectionsForAFatalSignal)
{
	const Pieces pieces = {piece(0, 512), piece(1024, 512)}; // two that cannot join
	for (uint64_t k : {0, 1}) {
		h.xen.breathe_fuse.set(k, -EINTR);
		ASSERT_EQ(h.run(Op::kProtectRo, pieces), Errno::kIntr);
		EXPECT_EQ(flips(), k);
		EXPECT_EQ(h.last.pages_done, k * kTableEntries);
		EXPECT_EQ(h.problems(), "");
	}
}

TEST_F(Flips, WhoseTablesCannotBeLockedGoAnotherWay)
{
	for (int error : {-ENOENT, -EINVAL, -EIO}) {
		h.xen.flips_fuse.set(0, error);
		ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
		expect_all(false);
		ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
		expect_all(true);
	}
}

// Writing the twin fails: nothing of the arena has changed, and it goes another way.
TEST(FirstFlip, RefusedAnywhereChangesNothingOrIsDone)
{
	for (bool has_split_locks : {true, false})
		for (uint64_t k = 0; k < kTables * 8; k++) {
			SCOPED_TRACE(k);
			Harness h(kFlip, kPages);
			h.xen.has_split_locks = has_split_locks;
			ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
			h.fill_tlbs();
			h.xen.hypervisor.step_fuse.set(k, -EBUSY);
			Errno error = h.run(Op::kProtectRo);
			bool has_blown = !h.xen.hypervisor.step_fuse.is_set();
			h.xen.hypervisor.step_fuse.clear();
			for (uint64_t i = 0; i < kPages; i++)
				ASSERT_EQ(h.slot(i).is_writable(), i >= h.last.pages_done) << i;
			EXPECT_EQ(error, h.last.pages_done == kPages ? Errno::kOk : Errno::kIo);
			EXPECT_EQ(h.problems(), "");
			ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
			EXPECT_EQ(h.problems(), "");
			if (!has_blown)
				break;
		}
}

} // namespace

} // namespace xenmm::test
