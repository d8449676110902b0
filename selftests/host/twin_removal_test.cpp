// SPDX-License-Identifier: GPL-2.0
// Twins leave before the kernel frees tables: its own are hooked again, whatever both map,
// whoever holds the arena lock, and whatever Xen refuses.
#include <errno.h>

#include "flips.hpp"

namespace xenmm::test
{

namespace
{

class Removal : public Flips
{
public:
	// The kernel tears down what is hooked; FakeXen complains of a table of ours.
	void tear_down()
	{
		h.xen.unmap_all();
		EXPECT_EQ(h.xen.violations.text(), "");
	}
};

TEST_F(Removal, HooksTheKernelsOwnTablesAgain)
{
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk); // ours are hooked, or the kernel's: both
	ASSERT_EQ(h.run(Op::kProtectRw, 0, 512), Errno::kOk);
	h.oust(0, kPages);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_twins_dropped), kTables);
	EXPECT_EQ(h.xen.memory.all_tables().size(), kTables);
	EXPECT_EQ(h.problems(), "");
	EXPECT_EQ(h.mapped(), 512u) << "of the one where it was hooked already";
	tear_down();
}

// A move is refused after all while another thread's operation has the arena lock. What the
// kernel's own tables mapped as twins has the other protection: it must not come forward.
TEST_F(Removal, GivesNoRightBackWhereTheMappingStays)
{
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	h.oust(0, kPages);
	EXPECT_EQ(h.mapped(), 0u);
	expect_all(false);
	tear_down();
}

TEST_F(Removal, OfAHoleConcernsItAlone)
{
	h.unmap(512, 512);
	EXPECT_EQ(h.twin(512), Twin::kNone);
	EXPECT_NE(h.twin(0), Twin::kNone);
	EXPECT_NE(h.twin(1024), Twin::kNone);
	EXPECT_EQ(h.problems(), "");
	ASSERT_EQ(h.run(Op::kProtectRo, {piece(0, 512), piece(1024, 1024)}), Errno::kOk);
	EXPECT_EQ(flips(), 3u);
	EXPECT_EQ(h.problems(), "");
}

TEST_F(Removal, WithNothingToRemoveCostsNothing)
{
	h.oust(0, kPages);
	h.xen.forget_totals();
	h.oust(0, kPages);
	h.oust(kPages + 1024, 512);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_hypercalls), 0u);
}

TEST_F(Removal, AllocatesNothing)
{
	h.xen.zalloc_fuse.set(0, -ENOMEM);
	h.xen.twin_fuse.set(0, -ENOMEM);
	h.oust(0, kPages);
	EXPECT_TRUE(h.xen.zalloc_fuse.is_set() && h.xen.twin_fuse.is_set());
	h.xen.zalloc_fuse.clear();
	h.xen.twin_fuse.clear();
}

TEST(RemovalWithoutSplitLocks, UnpinsWhatLinuxDoesNotPin)
{
	for (Op op : {Op::kProtectRo, Op::kProtectRw}) {
		Harness h(kFlip, 1024);
		h.xen.has_split_locks = false;
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
		ASSERT_EQ(h.run(op), Errno::kOk);
		EXPECT_EQ(h.problems(), "");
		h.oust(0, 1024);
		EXPECT_EQ(h.problems(), "") << "pinned, and nobody would unpin it";
	}
}

// Xen let a table of ours out and took it back no more, not even at the end of the mm: it is
// lost with what it maps. The kernel's own is hooked all the same, and no other page touched.
class LostTable : public ::testing::Test
{
public:
	LostTable() : arena(FakeBackend(xen), true)
	{
		xen.add_extent(kBase, kSpanBytes);
		EXPECT_TRUE(arena.attach(kBase, kSpanBytes).ok());
		xen.hypervisor.is_exclusive = true;
		EXPECT_EQ(run(kFlip, Op::kPopulate), Errno::kOk);
		EXPECT_EQ(run(kFlip, Op::kProtectRo), Errno::kOk);
		xen.hypervisor.step_fuse.set(3, -EBUSY, 1000);
		EXPECT_EQ(run({Method::kRebuild, 0}, Op::kProtectRw), Errno::kIo);
		arena.mend();
		xen.hypervisor.step_fuse.clear();
	}
	Errno run(How how, Op op)
	{
		const Pieces pieces = {piece(0, 512)};
		xenmm_request request = request_of(how, op, pieces);
		request.exclusive = 1;
		return arena.run(request, Ranges(pieces.data(), 1)).error();
	}
	FakeXen xen;
	Arena<FakeBackend> arena;
};

TEST_F(LostTable, OfOursLeavesTheKernelsOwn)
{
	uint64_t steps = xen.hypervisor.step_fuse.seen();
	arena.oust({kBase, page_at(512)});
	EXPECT_EQ(xen.hypervisor.step_fuse.seen() - steps, 5u)
		<< "its own is emptied (out: 2, back: 2) and hooked (1), and nothing else is done";
	const Frame *hooked = xen.memory.table(kBase);
	ASSERT_TRUE(hooked);
	EXPECT_FALSE(hooked->ours);
	EXPECT_EQ(xen.tables_lost(), 0u);
	EXPECT_EQ(xen.violations.text(), "");
	xen.unmap_all();
	arena.detach();
	EXPECT_EQ(xen.pages_held(), 512u) << "which the lost table may still map";
}

// Once is a passing reason.
TEST_F(Removal, RefusedOnceTriesAgain)
{
	ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
	ASSERT_EQ(h.run(Op::kProtectRo, 0, 512), Errno::kOk);
	bool was_flipped = h.twin(0) == Twin::kReadWrite;
	h.xen.hypervisor.step_fuse.set(0, -EBUSY);
	h.oust(0, 512);
	h.xen.hypervisor.step_fuse.clear();
	EXPECT_TRUE(was_flipped);
	EXPECT_EQ(h.twin(0), Twin::kNone);
	EXPECT_EQ(h.xen.tables_lost(), 0u);
}

} // namespace

} // namespace xenmm::test
