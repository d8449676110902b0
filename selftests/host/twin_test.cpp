// SPDX-License-Identifier: GPL-2.0
// The twin follows whatever else happens to the arena, also what is refused half way
// and what others do meanwhile.
#include <errno.h>

#include "flips.hpp"

namespace xenmm::test
{

namespace
{

class Twins : public Flips
{
};

TEST_F(Twins, AfterAPartialProtectAreRightThroughout)
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

TEST_F(Twins, OfAMixedTableToEitherSide)
{
	for (Op op : {Op::kProtectRo, Op::kProtectRw}) {
		ASSERT_EQ(h.run(Op::kProtectRo, {piece(3, 1), piece(100, 40)}), Errno::kOk);
		ASSERT_EQ(h.run(op), Errno::kOk);
		expect_all(op == Op::kProtectRw);
		ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
	}
}

TEST_F(Twins, AfterADiscardMapTheNewPagesAndNoOld)
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

TEST_F(Twins, AfterUnmapAndMapKeepContent)
{
	ASSERT_EQ(h.run(Op::kUnmap, 0, 1000), Errno::kOk);
	EXPECT_EQ(h.twin_entry(0), 0u);
	EXPECT_EQ(h.twin(0), Twin::kReadOnly) << "both map the same still";
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	EXPECT_EQ(h.mapped(), kPages - 1000);
	ASSERT_EQ(h.run(Op::kMap), Errno::kOk);
	expect_all(false);
}

TEST_F(Twins, KnowAnEmptyTwinForOne)
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

TEST_F(Twins, AfterRebuildsAndBatchesOfTheVisibleTable)
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

TEST_F(Twins, AfterSaveAndRestore)
{
	for (Op op : {Op::kProtectRo, Op::kProtectRw}) {
		h.xen.remap_all();
		ASSERT_EQ(h.run(op), Errno::kOk);
		expect_all(op == Op::kProtectRw);
	}
}

TEST_F(Twins, AreMadeAnewWhenTheyHadToLeave)
{
	h.oust(0, kPages);
	EXPECT_EQ(h.twin(0), Twin::kNone);
	expect_all(true);
	h.xen.forget_totals();
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	EXPECT_EQ(flips(), kTables);
	expect_all(false);
}

// Charged like a page of the arena's, and no reason to fail.
TEST_F(Twins, ThatNobodyPaysForAreNotMade)
{
	h.oust(0, kPages);
	h.xen.charge_limit = h.xen.charged() + 1;
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	EXPECT_EQ(flips(), 1u);
	expect_all(false);
}

// A refusal half way: the twins of what is left have the entries that they had, or
// are not taken for a copy of the visible table any more.
TEST_F(Twins, AfterAnUnmapThatWasRefusedMapWhatWasMapped)
{
	const How hows[] = {{Method::kBatch, 512}, {Method::kLazy, 0}, kFlip};
	for (How how : hows)
		for (uint64_t k : {0, 5, 600, 2047}) {
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

// The same of the twins themselves, which are rebuilt.
TEST_F(Twins, ThatXenKeepsMapNothingThatIsGone)
{
	for (uint64_t k = 0; k < 6; k++) {
		SCOPED_TRACE(k);
		h.exclusive = false; // the visible tables entry by entry: no step
		h.xen.hypervisor.step_fuse.set(k, -EBUSY);
		Errno error = h.run_by({Method::kBatch, 512}, Op::kDiscard, {piece(0, kPages)});
		ASSERT_FALSE(h.xen.hypervisor.step_fuse.is_set());
		h.exclusive = true;
		EXPECT_EQ(error, h.last.pages_done == kPages ? Errno::kOk : Errno::kIo);
		EXPECT_EQ(h.problems(), "");
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk); // both twins are full again
		ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
		EXPECT_EQ(h.problems(), "");
	}
}

// Xen lets nobody map a page any more that the twin maps already: then its table does
// not come forward, because it had to come back without that entry.
TEST_F(Twins, WithoutAnEntryThatXenTookDoNotHappen)
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

TEST_F(Twins, OthersMayChangeTheArenaWhileTheLocksAreAway)
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
