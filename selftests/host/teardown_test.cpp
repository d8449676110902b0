// SPDX-License-Identifier: GPL-2.0
// Ahead of munmap everything of the arena is cleared, and nothing else; what cannot
// be is left to the kernel. Where the mapping stays after all (a move that is refused)
// the arena goes on.
#include <errno.h>

#include "harness.hpp"

namespace xenmm::test
{

namespace
{

constexpr uint64_t kPages = 1200; // the last table is not all the arena's

class Teardown : public ::testing::Test
{
public:
	Teardown() : h({Method::kAuto, 0}, kPages)
	{
		EXPECT_EQ(h.run(Op::kPopulate), Errno::kOk);
		h.fill_tlbs();
		h.xen.forget_totals();
	}
	Harness h;
};

TEST_F(Teardown, ClearsWholeTablesByRebuildsAndTheRestByABatch)
{
	h.retire(0, kPages);
	EXPECT_EQ(h.mapped(), 0u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_teardown_pages), kPages);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tables_rebuilt), 2u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_mmu_updates), 2 * 2u + 176);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_unmapped), 0u);
	EXPECT_EQ(h.xen.pages_held(), kPages) << "they go with the last mapping";
	EXPECT_EQ(h.problems(), "");
}

TEST_F(Teardown, OfAHoleClearsTheHoleAlone)
{
	h.retire(512, 512);
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_EQ(h.is_mapped(i), i < 512 || i >= 1024) << i;
	EXPECT_EQ(h.problems(), "");
}

TEST_F(Teardown, OutsideOfTheArenaDoesNothing)
{
	h.retire(kPages + 1024, 512);
	EXPECT_EQ(h.mapped(), kPages);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_hypercalls), 0u);
}

TEST_F(Teardown, AllocatesNothingAndSpendsNothingWhereNothingIs)
{
	ASSERT_EQ(h.run(Op::kUnmap), Errno::kOk);
	h.xen.forget_totals();
	h.xen.zalloc_fuse.set(0, -ENOMEM);
	h.retire(0, kPages);
	EXPECT_TRUE(h.xen.zalloc_fuse.is_set());
	h.xen.zalloc_fuse.clear();
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_hypercalls), 0u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tlb_flushes), 0u);
}

// Somebody mapped a page of his own where a part of the arena was unmapped before.
TEST_F(Teardown, LeavesWhatIsNotTheArenas)
{
	Pfn foreign = h.xen.page_alloc(false).value();
	Frame *table = h.xen.memory.table(page_at(512));
	uint64_t entry = Pte::of(h.xen.memory.mfn_of(foreign), h.xen.pte_flags(true)).bits();
	ASSERT_EQ(h.run(Op::kDiscard, 600, 1), Errno::kOk);
	h.xen.hypervisor.write_unchecked(*table, page_at(600).slot(), entry, Via::kKernel);
	h.retire(0, kPages);
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_EQ(h.is_mapped(i), i == 600) << i;
	EXPECT_EQ(h.entry(600), entry);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tables_rebuilt), 1u) << "not that table";
	h.xen.drop_table(page_at(512));
	h.xen.page_free(foreign);
}

TEST_F(Teardown, ThatXenRefusesIsTheKernels)
{
	for (uint64_t k = 0; k < 20; k++) {
		h.xen.hypervisor.step_fuse.set(k, -EBUSY);
		h.retire(0, kPages);
		h.xen.hypervisor.step_fuse.clear();
		EXPECT_EQ(h.problems(), "");
		h.xen.hypervisor.entry_fuse.set(k, -EBUSY);
		h.retire(1024, 176);
		h.xen.hypervisor.entry_fuse.clear();
		EXPECT_EQ(h.problems(), "");
		ASSERT_EQ(h.run(Op::kMap), Errno::kOk);
		ASSERT_EQ(h.mapped(), kPages);
	}
}

TEST_F(Teardown, ThatComesToNothingLetsTheArenaGoOn)
{
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
	h.retire(0, 512); // mremap asks, and is refused afterwards
	EXPECT_EQ(h.twin(0), Twin::kNone);
	uint64_t content = 7;
	ASSERT_EQ(h.touch(0, 5, true, &content), Errno::kOk);
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	ASSERT_EQ(h.run(Op::kMap), Errno::kOk);
	EXPECT_EQ(h.mapped(), kPages);
	EXPECT_EQ(h.touch(1, 5, false, &content), Errno::kOk);
	EXPECT_EQ(content, 7u);
	EXPECT_EQ(h.problems(), "");
}

TEST(TeardownElsewhere, IsTheKernelsWhereNoHypervisorOwnsTheTables)
{
	Harness h({Method::kNative, 0}, kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.retire(0, kPages);
	EXPECT_EQ(h.mapped(), kPages);
}

TEST(TeardownElsewhere, OfAnArenaThatIsNotMappedDoesNothing)
{
	FakeXen xen;
	Arena<FakeBackend> arena(FakeBackend(xen), true);
	arena.retire({kBase, page_at(512)});
	arena.mend();
	EXPECT_EQ(xen.violations.text(), "");
}

} // namespace

} // namespace xenmm::test
