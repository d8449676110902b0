// SPDX-License-Identifier: GPL-2.0
// Tables rebuilt: which ones, what it costs, and what of a table must not change.
// What happens when a step fails is in repair_test.cpp.
#include <errno.h>

#include "harness.hpp"

namespace xenmm::test
{

namespace
{

constexpr How kRebuild = {Method::kRebuild, 0};
constexpr How kRebuildAny = {Method::kRebuild, 1};
constexpr uint64_t kPages = 2048;
constexpr uint64_t kTables = kPages / kTableEntries;

void expect_counts(Harness &h, uint64_t tables, uint64_t entries, uint64_t flushes)
{
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tables_rebuilt), tables);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_mmu_updates), 2 * tables + entries);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tlb_flushes), flushes);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_errors), 0u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_repairs), 0u);
	EXPECT_EQ(h.problems(), "");
}

TEST(Rebuilds, CostTwoHypercallsATable)
{
	Harness h(kRebuild, kPages);
	for (Op op :
	     {Op::kPopulate, Op::kProtectRo, Op::kProtectRw, Op::kUnmap, Op::kMap, Op::kDiscard}) {
		SCOPED_TRACE(name_of(op));
		h.xen.forget_totals();
		uint64_t validations = h.xen.hypervisor.calls().validations;
		ASSERT_EQ(h.run(op), Errno::kOk);
		bool revokes = op == Op::kProtectRo || op == Op::kUnmap || op == Op::kDiscard;
		expect_counts(h, kTables, 0, revokes);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_hypercalls), 2 * kTables);
		EXPECT_EQ(h.xen.hypervisor.calls().validations - validations, kTables);
		h.fill_tlbs();
	}
}

TEST(Rebuilds, LeaveTheEdgesToBatches)
{
	Harness h(kRebuild, kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.xen.forget_totals();
	ASSERT_EQ(h.run(Op::kProtectRo, 100, 1200), Errno::kOk); // one table, 412 and 276 pages
	expect_counts(h, 1, 412 + 276, 1);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_protected), 1200u);
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_EQ(Pte(h.entry(i)).is_writable(), i < 100 || i >= 1300) << i;
}

TEST(Rebuilds, FromAThresholdOn)
{
	Harness h({Method::kRebuild, 100}, kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.xen.forget_totals();
	ASSERT_EQ(h.run(Op::kProtectRo, {piece(0, 60), piece(70, 39)}), Errno::kOk);
	expect_counts(h, 0, 99, 1);
	h.xen.forget_totals();
	ASSERT_EQ(h.run(Op::kProtectRo, {piece(512, 60), piece(600, 40)}), Errno::kOk);
	expect_counts(h, 1, 0, 1);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_protected), 100u);
}

TEST(Rebuilds, KeepEveryOtherEntryOfTheTable)
{
	Harness h(kRebuildAny, kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	ASSERT_EQ(h.run(Op::kProtectRo, 40, 3), Errno::kOk);
	h.fill_tlbs();
	std::vector<uint64_t> before;
	for (uint64_t i = 0; i < kPages; i++)
		before.push_back(h.entry(i));
	for (Op op : {Op::kUnmap, Op::kMap, Op::kProtectRo, Op::kProtectRw}) {
		ASSERT_EQ(h.run(op, {piece(7, 1), piece(100, 2)}), Errno::kOk);
		for (uint64_t i = 0; i < kPages; i++) {
			if (i != 7 && i != 100 && i != 101) {
				ASSERT_EQ(h.entry(i), before[i]) << name_of(op) << i;
			}
		}
		EXPECT_SOUND(h);
	}
}

TEST(Rebuilds, TouchNoTableInWhichNothingChanges)
{
	Harness h(kRebuildAny, kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.xen.forget_totals();
	for (Op op : {Op::kPopulate, Op::kMap, Op::kProtectRw})
		ASSERT_EQ(h.run(op), Errno::kOk);
	expect_counts(h, 0, 0, 0);
}

// The rest of the last table's 2 MiB may be somebody else's.
TEST(Rebuilds, SpareATableThatTheArenaDoesNotFill)
{
	Harness h(kRebuildAny, 600);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	expect_counts(h, 1, 88, 0);
	h.xen.forget_totals();
	ASSERT_EQ(h.run(Op::kProtectRo, 512, 88), Errno::kOk);
	expect_counts(h, 0, 88, 1);
}

TEST(Rebuilds, NeedTheMmapLockForWriting)
{
	for (How how : {kRebuild, How{Method::kAuto, 0}}) {
		Harness h(how, kPages);
		h.exclusive = false;
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
		expect_counts(h, 0, 2 * kPages, 1);
	}
}

TEST(Rebuilds, AreBatchesWhereTheTableMayNotBeTakenOut)
{
	Harness h(kRebuild, kPages);
	h.xen.hooks_fuse.set(1, -EOPNOTSUPP);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	expect_counts(h, kTables - 1, kTableEntries, 0);
	EXPECT_EQ(h.mapped(), kPages);
}

// NR_CPUS below 4: one lock for all tables, and Linux pins none of them on its own.
TEST(Rebuilds, WorkWithoutSplitLocks)
{
	for (How how : table_hows()) {
		Harness h(how, kPages);
		h.xen.has_split_locks = false;
		for (Op op : {Op::kPopulate, Op::kProtectRo, Op::kUnmap, Op::kMap, Op::kProtectRw,
			      Op::kDiscard, Op::kPopulate}) {
			ASSERT_EQ(h.run(op), Errno::kOk) << name_of(op);
			EXPECT_SOUND(h);
			h.fill_tlbs();
		}
	}
}

} // namespace

} // namespace xenmm::test
