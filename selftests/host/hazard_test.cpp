// SPDX-License-Identifier: GPL-2.0
// Rules of hazards: no address outlives its lock, nothing is written to a frame
// that is no table, empty is 0, pages go last, a lost batch traps. FakeXen finds
// the breach of most rules by itself; these tests arrange the occasions.
#include <errno.h>

#include "harness.hpp"

namespace xenmm::test
{

namespace
{

class Hazards : public EachHow
{
};
INSTANTIATE_TEST_SUITE_P(Each, Hazards, ::testing::ValuesIn(all_hows()), how_name);

constexpr uint64_t kPages = 1300;

TEST_P(Hazards, ATableThatBecameOrdinaryMemoryIsNotWritten)
{
	Harness h(GetParam(), kPages);
	for (Op op : kAllOps) {
		SCOPED_TRACE(name_of(op));
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		for (uint64_t base : {0, 512, 1024})
			h.xen.drop_table(page_at(base));
		// Free memory is reused at once: the old tables are somebody's pages now.
		Pfn reused[3];
		for (Pfn &pfn : reused)
			pfn = h.xen.page_alloc(false).value();
		ASSERT_EQ(h.run(op), Errno::kOk);
		EXPECT_EQ(h.last.pages_done, kPages);
		for (Pfn pfn : reused)
			h.xen.page_free(pfn);
		EXPECT_SOUND(h);
	}
}

TEST_P(Hazards, ATableMadeAnewElsewhereGetsTheWrites)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.xen.drop_table(page_at(512));
	Pfn reused = h.xen.page_alloc(false).value();
	ASSERT_TRUE(h.xen.table_make(page_at(512)).ok());
	ASSERT_EQ(h.run(Op::kMap), Errno::kOk);
	EXPECT_EQ(h.mapped(), kPages);
	h.xen.page_free(reused);
	EXPECT_SOUND(h);
}

TEST_P(Hazards, NoMachineAddressSurvivesACriticalSection)
{
	Harness h(GetParam(), kPages);
	h.xen.remap_on_breathe = true; // a save and restore in front of every section
	for (Op op : {Op::kPopulate, Op::kProtectRo, Op::kMap, Op::kUnmap, Op::kMap, Op::kProtectRw,
		      Op::kDiscard, Op::kPopulate}) {
		SCOPED_TRACE(name_of(op));
		ASSERT_EQ(h.run(op), Errno::kOk);
		EXPECT_SOUND(h);
		h.fill_tlbs();
	}
	EXPECT_EQ(h.mapped(), kPages);
}

TEST_P(Hazards, ContentSurvivesSaveAndRestore)
{
	Harness h(GetParam(), kPages);
	for (uint64_t i = 0; i < kPages; i += 13) {
		uint64_t content = i + 1;
		ASSERT_EQ(h.touch(0, i, true, &content), Errno::kOk);
	}
	h.xen.remap_all();
	ASSERT_EQ(h.run(Op::kUnmap), Errno::kOk);
	h.xen.remap_all();
	ASSERT_EQ(h.run(Op::kMap), Errno::kOk);
	for (uint64_t i = 0; i < kPages; i += 13) {
		uint64_t content = 0;
		ASSERT_EQ(h.xen.access(1, page_at(i), false, &content), Access::kDone);
		ASSERT_EQ(content, i + 1);
	}
	EXPECT_SOUND(h);
}

// Nothing that was allowed before may be done through a TLB afterwards.
TEST_P(Hazards, NoTranslationOutlivesTheRightsThatAreTakenAway)
{
	for (Op op : {Op::kUnmap, Op::kDiscard, Op::kProtectRo}) {
		SCOPED_TRACE(name_of(op));
		Harness h(GetParam(), kPages);
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		h.fill_tlbs();
		ASSERT_EQ(h.run(op, 300, 700), Errno::kOk);
		EXPECT_EQ(h.xen.stale_translations(), "");
		for (unsigned cpu = 0; cpu < kCpus; cpu++)
			for (uint64_t i = 300; i < 1000; i++) {
				uint64_t content = 0xbad;
				ASSERT_NE(h.xen.access(cpu, page_at(i), true, &content),
					  Access::kDone);
			}
		EXPECT_SOUND(h);
	}
}

TEST_P(Hazards, OneEntryIsEnoughForAFlush)
{
	for (Op op : {Op::kUnmap, Op::kDiscard, Op::kProtectRo}) {
		Harness h(GetParam(), kPages);
		ASSERT_EQ(h.run(Op::kPopulate, 700, 1), Errno::kOk);
		h.fill_tlbs();
		ASSERT_EQ(h.run(op), Errno::kOk);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_tlb_flushes), 1u);
		EXPECT_SOUND(h);
	}
}

TEST_P(Hazards, AFailedOperationIsFlushedToo)
{
	if (GetParam().method == Method::kNative || !writes_entries(GetParam()))
		GTEST_SKIP() << "plain stores do not fail; tables: repair_test.cpp";
	for (Op op : {Op::kUnmap, Op::kDiscard, Op::kProtectRo})
		for (uint64_t k : {1, 100, 511, 512, 600, 1023, 1024, 1299}) {
			SCOPED_TRACE(name_of(op) + std::to_string(k));
			Harness h(GetParam(), kPages);
			ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
			h.fill_tlbs();
			h.xen.hypervisor.entry_fuse.set(k, -EBUSY);
			ASSERT_EQ(h.run(op), Errno::kIo);
			EXPECT_SOUND(h);
		}
}

TEST_P(Hazards, WritesGoInAscendingOrderAndOncePerEntry)
{
	Harness h(GetParam(), kPages);
	h.xen.refuse_twins = true; // its tables are at higher addresses
	for (Op op : {Op::kPopulate, Op::kProtectRo, Op::kMap, Op::kProtectRw, Op::kUnmap}) {
		h.xen.writes().clear();
		ASSERT_EQ(h.run(op), Errno::kOk);
		VirtAddr last = {0};
		for (const Write &write : h.xen.writes()) {
			ASSERT_TRUE(last < write.page);
			last = write.page;
		}
	}
}

// Each state in time is the old mapping or the new one, also in between.
TEST_P(Hazards, EveryStepInTimeIsOldOrNew)
{
	Harness h(GetParam(), kPages);
	h.xen.refuse_twins = true; // an exchange writes no entry
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.fill_tlbs();
	for (Op op : {Op::kProtectRo, Op::kMap, Op::kProtectRw, Op::kUnmap, Op::kMap}) {
		std::map<uint64_t, uint64_t> before;
		for (uint64_t i = 0; i < kPages; i++)
			before[page_at(i).bytes] = h.entry(i);
		h.xen.writes().clear();
		ASSERT_EQ(h.run(op), Errno::kOk);
		for (const Write &write : h.xen.writes()) {
			ASSERT_EQ(write.old & ~Pte::kAccessedDirty,
				  before[write.page.bytes] & ~Pte::kAccessedDirty);
			ASSERT_EQ(write.now, h.xen.entry(write.page)) << "written once, finally";
		}
	}
}

TEST_P(Hazards, NeverMoreThanFourTablesLocked)
{
	Harness h(GetParam(), 4096);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	uint64_t expected = h.how.method == Method::kBatch
				    ? std::max<uint64_t>(h.how.batch / kTableEntries, 1)
				    : 1;
	EXPECT_EQ(h.xen.max_locked(), expected);
}

// --- the batch by itself

struct BatchOfOne {
	BatchOfOne() : backend(xen), space(std::make_unique<Workspace>()), batch(backend, *space)
	{
		xen.add_extent(kBase, 4 * kSpanBytes);
		for (uint64_t i = 0; i < 4; i++)
			EXPECT_TRUE(xen.table_make(page_at(i * kTableEntries)).ok());
	}
	FakeXen xen;
	FakeBackend backend;
	std::unique_ptr<Workspace> space;
	Batch<FakeBackend> batch;
};

void forget_a_batch()
{
	BatchOfOne one;
	(void)one.batch.enter(kBase);
	one.batch.push(3, Pte(), MMU_NORMAL_PT_UPDATE);
}

TEST(Batches, NeitherCommittedNorAbandonedTrap)
{
	GTEST_FLAG_SET(death_test_style, "threadsafe");
	EXPECT_DEATH(forget_a_batch(), "");
}

TEST(Batches, AbandonedWriteNothingAndUnlock)
{
	BatchOfOne one;
	ASSERT_TRUE(one.batch.enter(kBase).ok());
	one.batch.push(3, Pte(), MMU_NORMAL_PT_UPDATE);
	EXPECT_EQ(one.batch.count(), 1u);
	one.batch.abandon();
	one.batch.leave();
	EXPECT_TRUE(one.xen.writes().empty());
	EXPECT_FALSE(one.xen.memory.table(kBase)->locked);
}

TEST(Batches, MayBeFilledAnewAfterLeaving)
{
	BatchOfOne one;
	for (int i = 0; i < 2; i++) {
		ASSERT_TRUE(one.batch.enter(kBase).ok());
		ASSERT_TRUE(one.batch.enter(page_at(3)).ok()) << "the same table again";
		one.batch.push(3, Pte(), MMU_NORMAL_PT_UPDATE);
		Counters counters;
		Order order = {{Method::kBatch, 8}, true};
		Outcome outcome = one.batch.commit([&](const Updates &updates) {
			return submit(one.backend, updates, order, counters);
		});
		EXPECT_EQ(outcome.applied, 1u);
		EXPECT_EQ(outcome.error, 0);
		EXPECT_TRUE(outcome.flushed);
		one.batch.leave();
	}
	EXPECT_EQ(one.xen.violations.text(), "");
}

TEST(Batches, FindTheirAddressesAcrossTables)
{
	BatchOfOne one;
	ASSERT_TRUE(one.batch.enter(page_at(0)).ok());
	ASSERT_TRUE(one.batch.enter(page_at(512)).ok()); // nothing to do there
	one.batch.push(511, Pte(), MMU_NORMAL_PT_UPDATE);
	ASSERT_TRUE(one.batch.enter(page_at(1024)).ok());
	one.batch.push(0, Pte(), MMU_NORMAL_PT_UPDATE);
	one.batch.push(9, Pte(), MMU_PT_UPDATE_PRESERVE_AD);
	EXPECT_EQ(one.batch.address_of(0), page_at(1023));
	EXPECT_EQ(one.batch.address_of(1), page_at(1024));
	EXPECT_EQ(one.batch.address_of(2), page_at(1033));
	EXPECT_TRUE(one.batch.read_at(page_at(1033)).is_empty());
	EXPECT_TRUE(one.batch.read_at(page_at(2000)).is_empty()) << "not entered";
	one.batch.abandon();
}

TEST(Batches, AnEmptyCommitAsksNobody)
{
	BatchOfOne one;
	ASSERT_TRUE(one.batch.enter(kBase).ok());
	Outcome outcome = one.batch.commit([](const Updates &) -> Outcome { abort(); });
	EXPECT_EQ(outcome.applied, 0u);
	EXPECT_EQ(outcome.error, 0);
}

TEST(Batches, AnUnknownMethodIsAnError)
{
	BatchOfOne one;
	ASSERT_TRUE(one.batch.enter(kBase).ok());
	one.batch.push(0, Pte(), MMU_NORMAL_PT_UPDATE);
	Counters counters;
	Outcome outcome = one.batch.commit([&](const Updates &updates) {
		return submit(one.backend, updates, {{static_cast<Method>(9), 0}, false}, counters);
	});
	EXPECT_EQ(outcome.error, -EINVAL);
	EXPECT_EQ(outcome.applied, 0u);
	EXPECT_TRUE(one.xen.writes().empty());
}

} // namespace

} // namespace xenmm::test
