// SPDX-License-Identifier: GPL-2.0
// Xen refuses the k-th step with a whole table, once or many times in a row: unhook,
// unpin, alias writable, alias read-only, pin, hook. Afterwards every table hangs
// where it belongs, pinned and read-only, each page is as before or as wanted, and
// the operation succeeds when it is tried again; or the arena is dead, and its end
// leaves nothing behind.
#include <errno.h>

#include "harness.hpp"

namespace xenmm::test
{

namespace
{

constexpr How kRebuild = {Method::kRebuild, 0};
constexpr uint64_t kPages = 1536;
constexpr uint64_t kTables = kPages / kTableEntries;
constexpr uint64_t kSteps = 6; // a table

void arrange(Harness &h, Op op)
{
	if (op != Op::kPopulate) {
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	}
	if (op == Op::kProtectRw) {
		ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	}
	if (op == Op::kUntrack) {
		ASSERT_EQ(h.run(Op::kTrack), Errno::kOk);
	}
	if (op == Op::kMap) {
		ASSERT_EQ(h.run(Op::kUnmap), Errno::kOk);
	}
	h.fill_tlbs();
	h.xen.forget_totals();
}

bool is_done(Harness &h, Op op, uint64_t number)
{
	switch (op) {
	case Op::kPopulate:
	case Op::kMap:
		return h.is_mapped(number);
	case Op::kUnmap:
		return !h.is_mapped(number);
	case Op::kDiscard:
		return !h.is_mapped(number) && !h.slot(number).has_page();
	default:
		return Pte(h.entry(number)).is_writable() == gives_writing(op) &&
		       h.slot(number).is_writable() == gives_writing(op);
	}
}

// Pages in front of the one that failed are done, those behind it are as they were.
void expect_cut(Harness &h, Op op, Errno error)
{
	uint64_t done = h.last.pages_done;
	EXPECT_EQ(error, done == kPages ? Errno::kOk : Errno::kIo);
	EXPECT_EQ(h.last.hypervisor_error, done == kPages ? 0 : -EBUSY);
	for (uint64_t i = 0; i < kPages; i++) {
		if (i < done || (op != Op::kDiscard && op != Op::kUnmap)) {
			ASSERT_EQ(is_done(h, op, i), i < done) << i;
		}
	}
	EXPECT_EQ(h.problems(), "");
}

void expect_done_at_last(Harness &h, Op op)
{
	ASSERT_EQ(h.run(op), Errno::kOk);
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_TRUE(is_done(h, op, i)) << i;
	EXPECT_EQ(h.problems(), "");
}

class Repairs : public ::testing::TestWithParam<Op>
{
};
INSTANTIATE_TEST_SUITE_P(Each, Repairs, ::testing::ValuesIn(kAllOps),
			 [](const auto &info) { return name_of(info.param); });

TEST_P(Repairs, OfAnyStepThatFailsOnce)
{
	Op op = GetParam();
	for (uint64_t k = 0; k < kTables * kSteps; k++) {
		SCOPED_TRACE("step " + std::to_string(k));
		Harness h(kRebuild, kPages);
		arrange(h, op);
		h.xen.hypervisor.step_fuse.set(k, -EBUSY);
		Errno error = h.run(op);
		ASSERT_FALSE(h.xen.hypervisor.step_fuse.is_set());
		expect_cut(h, op, error);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_repairs), 1u);
		// Until the stores the table is put back as it was, afterwards as it is.
		EXPECT_EQ(error, k % kSteps < 3 ? Errno::kIo : Errno::kOk);
		expect_done_at_last(h, op);
	}
}

// Each retry may fail in turn. Where nothing helps the arena is dead, not wrong.
TEST_P(Repairs, OfStepsThatFailManyTimes)
{
	Op op = GetParam();
	for (uint64_t k = kSteps; k < 2 * kSteps; k++)
		for (uint64_t times = 2; times < 14; times++) {
			SCOPED_TRACE("step " + std::to_string(k) + ", times " +
				     std::to_string(times));
			Harness h(kRebuild, kPages);
			arrange(h, op);
			h.xen.hypervisor.step_fuse.set(k, -EBUSY, times);
			Errno error = h.run(op);
			h.xen.hypervisor.step_fuse.clear();
			if (h.is_dead()) {
				EXPECT_EQ(error, Errno::kIo);
				EXPECT_EQ(h.run(op), Errno::kIo);
				h.retire(0, kPages);
				EXPECT_EQ(h.xen.badly_hooked(), "");
				EXPECT_EQ(h.mapped(), 0u);
				continue;
			}
			expect_cut(h, op, error);
			expect_done_at_last(h, op);
		}
}

// A frame that Xen lets nobody map: the batch that fills the table again says which.
TEST(RefusedFrames, AreFoundByTheBatchThatFillsTheTableAgain)
{
	for (uint64_t bad : {512, 513, 700, 1022, 1023}) {
		SCOPED_TRACE(bad);
		Harness h(kRebuild, kPages);
		arrange(h, Op::kMap);
		h.xen.hypervisor.refused_pfns = {h.slot(bad).pfn().number};
		ASSERT_EQ(h.run(Op::kMap), Errno::kIo);
		EXPECT_EQ(h.last.failed_address, page_at(bad).bytes);
		EXPECT_EQ(h.last.hypervisor_error, -EPERM);
		for (uint64_t i = 0; i < kPages; i++)
			ASSERT_EQ(h.is_mapped(i), i < bad) << i;
		EXPECT_EQ(h.problems(), "");
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_mapped), bad);
		h.xen.hypervisor.refused_pfns.clear();
		expect_done_at_last(h, Op::kMap);
	}
}

// It was mapped, and Xen refuses to map it again: its entry stays empty, and nothing
// else suffers.
TEST(RefusedFrames, ThatWereMappedStayOutAndTheRestIsDone)
{
	Harness h({Method::kRebuild, 1}, kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.fill_tlbs();
	h.xen.hypervisor.refused_pfns = {h.slot(600).pfn().number};
	ASSERT_EQ(h.run(Op::kUnmap, 700, 10), Errno::kOk);
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_EQ(h.is_mapped(i), i != 600 && (i < 700 || i >= 710)) << i;
	EXPECT_EQ(h.problems(), "");
	h.xen.hypervisor.refused_pfns.clear();
	EXPECT_EQ(h.run(Op::kMap), Errno::kOk);
	EXPECT_EQ(h.mapped(), kPages);
	EXPECT_EQ(h.problems(), "");
}

// The same where nothing else revokes anything: the TLBs forget the page all the same.
TEST(RefusedFrames, ThatWereMappedLeaveNoTranslation)
{
	for (Op op : {Op::kMap, Op::kPopulate}) {
		Harness h({Method::kRebuild, 1}, kPages);
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		ASSERT_EQ(h.run(Op::kUnmap, 700, 10), Errno::kOk);
		h.fill_tlbs();
		h.xen.hypervisor.refused_pfns = {h.slot(600).pfn().number};
		ASSERT_EQ(h.run(op), Errno::kOk);
		EXPECT_EQ(h.mapped(), kPages - 1);
		EXPECT_EQ(h.problems(), "");
		ASSERT_EQ(h.run(Op::kDiscard, 600, 1), Errno::kOk);
		EXPECT_EQ(h.problems(), "");
	}
}

// A twin that has what the visible table lost, or the other way round, is no copy.
TEST(RefusedFrames, ThatWereMappedSpoilTheTwin)
{
	for (Op op : {Op::kUnmap, Op::kProtectRo}) {
		Harness h({Method::kFlip, 0}, kPages);
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
		ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
		h.fill_tlbs();
		h.xen.hypervisor.refused_pfns = {h.slot(600).pfn().number};
		ASSERT_EQ(h.run_by({Method::kRebuild, 1}, op, {piece(700, 10)}), Errno::kOk);
		EXPECT_FALSE(h.is_mapped(600));
		EXPECT_EQ(h.problems(), "");
	}
}

TEST(RefusedFrames, ThatWereToChangeKeepTheirOldEntry)
{
	Harness h(kRebuild, kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	h.fill_tlbs();
	h.xen.hypervisor.refused_writable_pfns = {h.slot(600).pfn().number};
	ASSERT_EQ(h.run(Op::kProtectRw), Errno::kIo);
	EXPECT_EQ(h.last.failed_address, page_at(600).bytes);
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_EQ(Pte(h.entry(i)).is_writable(), i < 600) << i;
	EXPECT_EQ(h.mapped(), kPages);
	EXPECT_EQ(h.problems(), "");
	h.xen.hypervisor.refused_writable_pfns.clear();
	expect_done_at_last(h, Op::kProtectRw);
}

TEST(Validation, ThatFailsForAMomentIsTriedAgain)
{
	for (uint64_t times = 1; times < 8; times++)
		for (uint64_t k : {0, 1, 511, 512, 1000}) {
			Harness h(kRebuild, kPages);
			arrange(h, Op::kMap);
			h.xen.hypervisor.validation_fuse.set(k, -EINVAL, times);
			Errno error = h.run(Op::kMap);
			h.xen.hypervisor.validation_fuse.clear();
			ASSERT_FALSE(h.is_dead());
			EXPECT_EQ(error, Errno::kOk) << "the batch has nothing against it";
			EXPECT_EQ(h.mapped(), kPages);
			EXPECT_EQ(h.problems(), "");
		}
}

TEST(WholeHypercalls, ThatAreRefusedChangeNothingOrAreRepaired)
{
	for (Op op : kAllOps)
		for (uint64_t k = 0; k < 2 * kTables; k++) {
			SCOPED_TRACE(name_of(op) + std::to_string(k));
			Harness h(kRebuild, kPages);
			arrange(h, op);
			h.xen.hypervisor.hypercall_fuse.set(k, -EBUSY);
			expect_cut(h, op, h.run(op));
			expect_done_at_last(h, op);
		}
}

// --- death

// A dead arena: the table of span 1 is nowhere hooked.
void kill(Harness &h)
{
	arrange(h, Op::kUnmap);
	h.xen.hypervisor.step_fuse.set(kSteps + 3, -EBUSY, 1000);
	EXPECT_EQ(h.run(Op::kUnmap), Errno::kIo);
	EXPECT_TRUE(h.is_dead());
	EXPECT_EQ(h.xen.deaths(), 1u);
	EXPECT_NE(h.xen.badly_hooked(), "");
}

TEST(DeadArenas, RefuseEverythingAndChangeNothing)
{
	Harness h(kRebuild, kPages);
	kill(h);
	h.xen.hypervisor.step_fuse.clear();
	size_t writes = h.xen.writes().size();
	uint64_t held = h.xen.pages_held();
	for (Op op : kAllOps) {
		EXPECT_EQ(h.run(op), Errno::kIo);
		EXPECT_EQ(h.last.pages_done, 0u);
		EXPECT_EQ(h.last.failed_address, page_at(0).bytes);
	}
	EXPECT_EQ(h.fault(3, false, 16), Errno::kIo);
	xenmm_piece room;
	h.harvest.range = piece(1, 5);
	h.harvest.found = &room;
	h.harvest.max_found = 1;
	h.harvest.pages = 7; // of the chunk before
	EXPECT_EQ(h.arena.collect(h.harvest).error(), Errno::kIo);
	EXPECT_EQ(h.harvest.pages, 0u);
	EXPECT_EQ(h.harvest.resume, page_at(1).bytes);
	EXPECT_EQ(h.xen.writes().size(), writes);
	EXPECT_EQ(h.xen.pages_held(), held);
	h.mend();
}

TEST(DeadArenas, GiveTheirTableBackWhenTheMmGoes)
{
	Harness h(kRebuild, kPages);
	kill(h);
	h.xen.hypervisor.step_fuse.clear();
	h.mend();
	EXPECT_EQ(h.xen.badly_hooked(), "");
	EXPECT_EQ(h.xen.tables_lost(), 0u);
	EXPECT_TRUE(h.is_dead()) << "for good";
	h.mend();
}

// No way back at all: the table is lost with what it maps, and that is all.
TEST(DeadArenas, KeepTheLostTableAndItsPages)
{
	FakeXen xen;
	uint64_t held = 0;
	{
		Arena<FakeBackend> arena(FakeBackend(xen), true);
		xen.add_extent(kBase, 3 * kSpanBytes);
		ASSERT_TRUE(arena.attach(kBase, 3 * kSpanBytes).ok());
		xen.hypervisor.is_exclusive = true;
		xenmm_request request = {};
		request.action = XENMM_POPULATE;
		request.nr_pieces = 1;
		request.method = static_cast<uint32_t>(Method::kRebuild);
		request.exclusive = 1;
		xenmm_piece all = piece(0, kPages);
		ASSERT_TRUE(arena.run(request, Ranges(&all, 1)).ok());
		request.action = XENMM_PROTECT;
		request.prot = 1;
		xen.hypervisor.step_fuse.set(kSteps + 4, -EBUSY, 1000);
		ASSERT_FALSE(arena.run(request, Ranges(&all, 1)).ok());
		arena.mend();
		EXPECT_EQ(xen.tables_lost(), 1u);
		xen.unmap_all();
		arena.detach();
		held = xen.pages_held();
	}
	EXPECT_EQ(held, 512u) << "those of one table, which Xen may still count as mapped";
	EXPECT_EQ(xen.violations.text(), "");
}

} // namespace

} // namespace xenmm::test
