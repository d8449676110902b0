// SPDX-License-Identifier: GPL-2.0
// The fork hint on tables of somebody else: of an arena here, whose entries the kernel of
// these tests knows, too.
#include "harness.hpp"

namespace xenmm::test
{

namespace
{

constexpr uint64_t kPages = 3 * kTableEntries + 100;

class Shielding : public ::testing::Test
{
protected:
	Shielding() { EXPECT_EQ(h.run(Op::kPopulate), Errno::kOk); }

	Errno shield(const Pieces &pieces)
	{
		Ranges ranges(pieces.data(), static_cast<uint32_t>(pieces.size()));
		h.xen.hypervisor.is_exclusive = true;
		Errno error = other.shield(ranges, shielded).error();
		h.xen.hypervisor.is_exclusive = false;
		return error;
	}
	bool is_writable(uint64_t number) { return Pte(h.entry(number)).is_writable(); }
	// Nothing is gone, and the pages in [first, end) cannot be written.
	void expect_read_only(uint64_t first, uint64_t end)
	{
		for (uint64_t i = 0; i < kPages; i++) {
			ASSERT_TRUE(h.is_mapped(i)) << i;
			ASSERT_EQ(is_writable(i), i < first || i >= end) << i;
		}
		EXPECT_EQ(h.xen.stale_translations(), "");
	}
	// The arena is told what has become of its entries.
	void TearDown() override
	{
		for (uint64_t i = 0; i < kPages; i++)
			if (h.is_mapped(i) && !is_writable(i)) {
				EXPECT_EQ(h.run(Op::kProtectRo, i, 1), Errno::kOk);
			}
		EXPECT_EQ(h.problems(), "");
	}

	Harness h{{Method::kBatch, 512}, kPages};
	Arena<FakeBackend> other{FakeBackend(h.xen), true};
	xenmm_shielded shielded = {};
};

TEST_F(Shielding, TakesTheRightToWriteAndNothingElse)
{
	h.fill_tlbs();
	ASSERT_EQ(shield({piece(0, kPages)}), Errno::kOk);
	EXPECT_EQ(shielded.pages, kPages);
	EXPECT_EQ(shielded.tables, 3u);
	EXPECT_EQ(shielded.lost, 0u);
	expect_read_only(0, kPages);
}

TEST_F(Shielding, LeavesAloneWhatIsNotAskedFor)
{
	h.fill_tlbs();
	ASSERT_EQ(shield({piece(100, 20), piece(500, 30)}), Errno::kOk);
	EXPECT_EQ(shielded.pages, 50u);
	EXPECT_EQ(shielded.tables, 0u);
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_EQ(is_writable(i), !((i >= 100 && i < 120) || (i >= 500 && i < 530))) << i;
}

TEST_F(Shielding, AgainThereIsNothingToDo)
{
	ASSERT_EQ(shield({piece(0, kPages)}), Errno::kOk);
	ASSERT_EQ(shield({piece(0, kPages)}), Errno::kOk);
	EXPECT_EQ(shielded.pages, 0u);
	EXPECT_EQ(shielded.tables, 0u);
}

TEST_F(Shielding, IsRefusedWhereAnArenaIsMapped)
{
	Pieces pieces = {piece(0, kPages)};
	EXPECT_EQ(h.arena.shield(Ranges(pieces.data(), 1), shielded).error(), Errno::kBusy);
	expect_read_only(0, 0);
}

TEST_F(Shielding, WhatXenRefusesOnceLosesNoPage)
{
	for (uint64_t k = 0; k < 40; k++) {
		SCOPED_TRACE(k);
		h.xen.hypervisor.step_fuse.set(k, -EBUSY);
		Errno error = shield({piece(0, kPages)});
		h.xen.hypervisor.step_fuse.clear();
		EXPECT_TRUE(error == Errno::kOk || error == Errno::kIo);
		EXPECT_EQ(shielded.lost, 0u);
		for (uint64_t i = 0; i < kPages; i++)
			ASSERT_TRUE(h.is_mapped(i)) << i;
		EXPECT_EQ(h.xen.badly_hooked(), "");
	}
	ASSERT_EQ(shield({piece(0, kPages)}), Errno::kOk);
	expect_read_only(0, kPages);
}

} // namespace

} // namespace xenmm::test
