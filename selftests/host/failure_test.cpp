// SPDX-License-Identifier: GPL-2.0
// Everything but Xen that may fail: memory at each allocation, the memlock limit,
// page-table pages, locks, and the caller's patience. What was done is kept and
// reported, what was not leaves nothing behind.
#include <errno.h>

#include "harness.hpp"

namespace xenmm::test
{

namespace
{

// Four tables, the range begins and ends inside one.
constexpr uint64_t kPages = 2048;
constexpr uint64_t kFirst = 500;
constexpr uint64_t kCount = 1100;

class Failures : public EachHow
{
};
INSTANTIATE_TEST_SUITE_P(Each, Failures, ::testing::ValuesIn(short_hows()), how_name);

uint64_t tables_per_section(How how)
{
	return how.method == Method::kBatch ? std::max(how.batch / kTableEntries, 1u) : 1;
}

// Pages in front of the section of page number `done`.
uint64_t pages_in_front(How how, uint64_t done)
{
	uint64_t first_table = kFirst / kTableEntries;
	uint64_t table = (kFirst + done) / kTableEntries - first_table;
	uint64_t section = table / tables_per_section(how) * tables_per_section(how);
	uint64_t begin = (first_table + section) * kTableEntries;
	return section ? begin - kFirst : 0;
}

void expect_stopped(Harness &h, uint64_t pages_done)
{
	EXPECT_EQ(h.last.pages_done, pages_done);
	EXPECT_EQ(h.last.failed_address, page_at(kFirst + pages_done).bytes);
	EXPECT_EQ(h.last.hypervisor_error, 0);
	EXPECT_SOUND(h);
}

TEST_P(Failures, NoPageAtEveryPosition)
{
	for (uint64_t k : {0, 1, 11, 12, 13, 200, 523, 524, 525, 1035, 1036, 1099}) {
		SCOPED_TRACE(k);
		Harness h(GetParam(), kPages);
		h.xen.page_fuse.set(k, -ENOMEM);
		ASSERT_EQ(h.run(Op::kPopulate, kFirst, kCount), Errno::kNoMem);
		uint64_t kept = pages_in_front(h.how, k);
		expect_stopped(h, kept);
		EXPECT_EQ(h.mapped(), kept);
		EXPECT_EQ(h.xen.charged(), kept);
		ASSERT_EQ(h.run(Op::kPopulate, kFirst, kCount), Errno::kOk);
		EXPECT_EQ(h.mapped(), kCount);
		EXPECT_SOUND(h);
	}
}

TEST_P(Failures, NoPageAmongPagesThatExistTakesNoneOfThemAway)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate, kFirst, 100), Errno::kOk);
	ASSERT_EQ(h.run(Op::kUnmap, kFirst, 100), Errno::kOk);
	h.xen.page_fuse.set(7, -ENOMEM);
	ASSERT_EQ(h.run(Op::kPopulate, kFirst, 200), Errno::kNoMem);
	uint64_t populated = 0;
	for (uint64_t i = 0; i < kPages; i++)
		populated += h.slot(i).has_page();
	EXPECT_EQ(populated, 100u);
	EXPECT_SOUND(h);
}

// A protection of whole spans is one word of each, which needs no memory.
TEST_P(Failures, NoMemoryForSpans)
{
	const std::vector<uint64_t> spans_of_populate = {0, 1, 2, 3}, spans_of_protect = {0, 3};
	for (Op op : {Op::kPopulate, Op::kProtectRo}) {
		auto &spans = op == Op::kPopulate ? spans_of_populate : spans_of_protect;
		for (uint64_t k = 0; k < spans.size(); k++) {
			SCOPED_TRACE(name_of(op) + std::to_string(k));
			Harness h(GetParam(), kPages);
			h.xen.zalloc_fuse.set(k, -ENOMEM);
			ASSERT_EQ(h.run(op, kFirst, kCount), Errno::kNoMem);
			uint64_t in_front = spans[k] ? spans[k] * kTableEntries - kFirst : 0;
			expect_stopped(h, pages_in_front(h.how, in_front));
			ASSERT_EQ(h.run(op, kFirst, kCount), Errno::kOk);
			EXPECT_SOUND(h);
		}
	}
}

TEST_P(Failures, NoMemoryForTables)
{
	for (uint64_t k = 0; k < 4; k++) {
		SCOPED_TRACE(k);
		Harness h(GetParam(), kPages);
		h.xen.table_make_fuse.set(k, -ENOMEM);
		ASSERT_EQ(h.run(Op::kPopulate, kFirst, kCount), Errno::kNoMem);
		expect_stopped(h, pages_in_front(h.how, k ? k * kTableEntries - kFirst : 0));
		ASSERT_EQ(h.run(Op::kPopulate, kFirst, kCount), Errno::kOk);
		EXPECT_SOUND(h);
	}
}

TEST_P(Failures, NoMemoryForTablesOfPagesThatExist)
{
	for (uint64_t k = 0; k < 4; k++) {
		SCOPED_TRACE(k);
		Harness h(GetParam(), kPages);
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		for (uint64_t table = 0; table < 4; table++)
			h.xen.drop_table(page_at(table * kTableEntries));
		h.xen.table_make_fuse.set(k, -ENOMEM);
		ASSERT_EQ(h.run(Op::kMap, kFirst, kCount), Errno::kNoMem);
		expect_stopped(h, pages_in_front(h.how, k ? k * kTableEntries - kFirst : 0));
		EXPECT_EQ(h.xen.pages_held(), kPages);
		ASSERT_EQ(h.run(Op::kMap, kFirst, kCount), Errno::kOk);
		EXPECT_SOUND(h);
	}
}

TEST_P(Failures, MemlockLimitChangesNothing)
{
	Harness h(GetParam(), kPages);
	h.xen.charge_limit = kCount - 1;
	ASSERT_EQ(h.run(Op::kPopulate, kFirst, kCount), Errno::kNoMem);
	expect_stopped(h, 0);
	EXPECT_EQ(h.xen.charged(), 0u);
	EXPECT_TRUE(h.xen.memory.tables().empty());
	EXPECT_EQ(h.xen.page_fuse.seen(), 0u) << "no page was even asked for";
	h.xen.charge_limit = kCount;
	ASSERT_EQ(h.run(Op::kPopulate, kFirst, kCount), Errno::kOk);
	ASSERT_EQ(h.run(Op::kPopulate, kFirst, kCount), Errno::kOk) << "nothing is missing now";
	EXPECT_EQ(h.xen.charged(), kCount);
	EXPECT_SOUND(h);
}

// What a table lock may answer, and what the operation makes of it.
struct LockError {
	int answer;
	Errno makes_tables; // populate, map
	Errno others;	    // kOk: no table, nothing to do there
};

void refuse_lock(How how, Op op, LockError error, uint64_t k)
{
	SCOPED_TRACE(name_of(op) + " " + std::to_string(error.answer) + " at " + std::to_string(k));
	Harness h(how, kPages);
	// Twins look at tables before anything is written: flip_test.cpp.
	h.exclusive = !may_flip(how) || !(takes_writing(op) || gives_writing(op));
	bool makes_tables = op == Op::kPopulate || op == Op::kMap;
	if (op != Op::kPopulate) {
		ASSERT_EQ(h.run(Op::kPopulate, kFirst, kCount), Errno::kOk);
	}
	if (op == Op::kMap) {
		ASSERT_EQ(h.run(Op::kUnmap), Errno::kOk);
	}
	if (error.answer == -ENOENT) // a vanished table has no entries
		h.xen.drop_table(page_at(k * kTableEntries));
	h.fill_tlbs(kFirst, kCount);
	h.xen.table_lock_fuse.set(k, error.answer);
	EXPECT_EQ(h.run(op, kFirst, kCount), makes_tables ? error.makes_tables : error.others);
	EXPECT_EQ(h.last.hypervisor_error, 0);
	EXPECT_EQ(h.problems(), "");
	EXPECT_EQ(h.run(op, kFirst, kCount), Errno::kOk);
	EXPECT_EQ(h.last.pages_done, kCount);
	EXPECT_EQ(h.problems(), "");
}

TEST_P(Failures, TableLockRefusedAtEveryTable)
{
	for (Op op : kAllOps)
		for (uint64_t k = 0; k < 4; k++) {
			refuse_lock(GetParam(), op, {-EIO, Errno::kIo, Errno::kIo}, k);
			refuse_lock(GetParam(), op, {-ENOENT, Errno::kIo, Errno::kOk}, k);
		}
	for (Op op : kAllOps)
		refuse_lock(GetParam(), op, {-EINVAL, Errno::kInval, Errno::kInval}, 1);
}

TEST_P(Failures, FatalSignalStopsBetweenSectionsAndIsReported)
{
	for (Op op : kAllOps)
		for (uint64_t k = 0; k < 4; k++) {
			SCOPED_TRACE(name_of(op) + std::to_string(k));
			if (may_flip(GetParam()) && (takes_writing(op) || gives_writing(op)))
				continue; // tables that are flipped share a section: flip_test.cpp
			Harness h(GetParam(), kPages);
			if (op != Op::kPopulate) {
				ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
			}
			h.fill_tlbs(0, kPages);
			h.xen.breathe_fuse.set(k, -EINTR);
			Errno error = h.run(op, kFirst, kCount);
			if (h.xen.breathe_fuse.is_set()) { // fewer sections than that
				EXPECT_EQ(error, Errno::kOk);
				h.xen.breathe_fuse.clear();
				continue;
			}
			EXPECT_EQ(error, Errno::kIntr);
			uint64_t table = k * tables_per_section(h.how);
			expect_stopped(h, table ? table * kTableEntries - kFirst : 0);
			EXPECT_EQ(h.xen.total(XENMM_COUNTER_errors), 0u) << "not Xen's error";
		}
}

TEST_P(Failures, UnpinnedTableIsAnErrorAndNotAWrite)
{
	Harness h(GetParam(), kPages);
	if (!h.is_pv())
		GTEST_SKIP();
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.xen.memory.table(page_at(1024))->page_pinned = false;
	EXPECT_EQ(h.run(Op::kProtectRo), Errno::kIo);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_errors), 1u);
	EXPECT_SOUND(h);
	h.xen.memory.table(page_at(1024))->page_pinned = true;
	EXPECT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	EXPECT_SOUND(h);
}

TEST_P(Failures, BadRangesChangeNothing)
{
	Harness h(GetParam(), kPages);
	const Pieces bad[] = {
		{piece(5, 0)},
		{piece(5, 2), piece(6, 1)},
		{piece(8, 1), piece(5, 1)},
		{{page_at(5).bytes + 8, kPageBytes}},
		{piece(0, kPages + 1)},
		{piece(0, 1), piece(kPages, 1)},
		{{kBase.bytes - kPageBytes, kPageBytes}},
	};
	for (Op op : kAllOps)
		for (const Pieces &pieces : bad)
			EXPECT_EQ(h.run(op, pieces), Errno::kInval);
	EXPECT_TRUE(h.xen.writes().empty());
	EXPECT_TRUE(h.xen.memory.tables().empty());
	EXPECT_EQ(h.xen.pages_held(), 0u);
}

TEST(Attaching, ChecksWhatItIsGivenAndLeavesNothingWhenItFails)
{
	FakeXen xen;
	Arena<FakeBackend> arena(FakeBackend(xen), true);
	EXPECT_EQ(arena.attach(page_at(1), kSpanBytes).error(), Errno::kInval);
	EXPECT_EQ(arena.attach({kBase.bytes + 1}, kSpanBytes).error(), Errno::kInval);
	EXPECT_EQ(arena.attach(kBase, 0).error(), Errno::kInval);
	for (uint64_t k = 0; k < 2; k++) {
		xen.zalloc_fuse.set(k, -ENOMEM);
		EXPECT_EQ(arena.attach(kBase, kSpanBytes).error(), Errno::kNoMem);
		EXPECT_EQ(xen.leaks(), "");
	}
	ASSERT_TRUE(arena.attach(kBase, kSpanBytes + kPageBytes).ok());
	EXPECT_EQ(arena.attach(kBase, kSpanBytes).error(), Errno::kBusy);
	arena.detach();
	arena.detach();
	EXPECT_EQ(xen.leaks(), "");
	ASSERT_TRUE(arena.attach(kBase, kSpanBytes).ok()) << "mapped anew";
	arena.detach();
}

TEST(Attaching, DetachFreesPagesThatWereNeverMappedAgain)
{
	Harness h({Method::kBatch, 512}, 600);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.xen.unmap_all();
	h.arena.detach();
	EXPECT_EQ(h.xen.pages_held(), 0u);
	EXPECT_EQ(h.xen.charged(), 0u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_freed), 600u);
	EXPECT_TRUE(h.arena.attach(kBase, kSpanBytes).ok());
}

} // namespace

} // namespace xenmm::test
