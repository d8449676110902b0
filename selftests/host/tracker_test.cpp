// SPDX-License-Identifier: GPL-2.0
// Write tracking: what is noted, what is collected, what is refused, by each method.
#include "harness.hpp"

namespace xenmm::test
{

namespace
{

std::string text_of(const Pieces &pieces)
{
	std::string text;
	for (const xenmm_piece &piece : pieces)
		text += " " + std::to_string((piece.start - kBase.bytes) / kPageBytes) + "+" +
			std::to_string(piece.length / kPageBytes);
	return text;
}

class Tracking : public EachHow
{
protected:
	static constexpr uint64_t kPages = 1100; // two tables and a bit

	void track_all(Harness &h)
	{
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		ASSERT_EQ(h.run(Op::kTrack), Errno::kOk);
		EXPECT_EQ(h.last.pages_done, kPages);
	}
	void write(Harness &h, uint64_t number)
	{
		uint64_t content = 7000 + number;
		ASSERT_EQ(h.touch(number % kCpus, number, true, &content), Errno::kOk) << number;
	}
	void write(Harness &h, std::initializer_list<uint64_t> numbers)
	{
		for (uint64_t number : numbers)
			write(h, number);
	}
	// What is collected of all pages.
	std::string told(Harness &h)
	{
		Pieces found;
		EXPECT_EQ(h.collect(0, h.nr_pages, found), Errno::kOk);
		return text_of(found);
	}
};
INSTANTIATE_TEST_SUITE_P(Each, Tracking, ::testing::ValuesIn(all_hows()), how_name);

TEST_P(Tracking, EachWrittenPageIsToldOnce)
{
	Harness h(GetParam(), kPages);
	track_all(h);
	EXPECT_SOUND(h);
	for (int round = 0; round < 2; round++) {
		write(h, {3, 4, 5, 511, 512, 1099, 4, 700});
		EXPECT_SOUND(h);
		EXPECT_EQ(told(h), " 3+3 511+2 700+1 1099+1");
		EXPECT_EQ(h.harvest.pages, 7u);
		EXPECT_EQ(h.harvest.resume, page_at(kPages).bytes);
		EXPECT_SOUND(h);
		EXPECT_EQ(told(h), "");
	}
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_writes_noted), 14u);
}

TEST_P(Tracking, NoWriteGetsPastACollection)
{
	Harness h(GetParam(), kPages);
	Pieces found;
	track_all(h);
	h.fill_tlbs(500, 20); // read-only
	for (uint64_t i = 500; i < 520; i++)
		write(h, i);
	h.fill_tlbs(500, 20); // writable
	ASSERT_EQ(h.collect(0, kPages, found), Errno::kOk);
	EXPECT_SOUND(h); // no TLB knows better than the table
	for (uint64_t i = 500; i < 520; i++) {
		uint64_t content = 1;
		ASSERT_NE(h.xen.access(1, page_at(i), true, &content), Access::kDone) << i;
	}
}

TEST_P(Tracking, ReadingIsNotWriting)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kTrack), Errno::kOk);
	for (uint64_t i = 0; i < kPages; i += 7) {
		uint64_t content = 0;
		ASSERT_EQ(h.touch(0, i, false, &content, 16), Errno::kOk);
	}
	EXPECT_EQ(told(h), "");
	EXPECT_SOUND(h);
}

TEST_P(Tracking, AFirstTouchThatWritesIsNotedAndItsWindowIsNot)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kTrack), Errno::kOk);
	uint64_t content = 5;
	ASSERT_EQ(h.touch(0, 35, true, &content, 16), Errno::kOk);
	EXPECT_EQ(h.mapped(), 16u);
	EXPECT_SOUND(h);
	EXPECT_EQ(told(h), " 35+1");
}

TEST_P(Tracking, WhatDoesNotFitIsToldNextTime)
{
	Harness h(GetParam(), kPages);
	Pieces found;
	track_all(h);
	write(h, {1, 2, 600, 601, 800});
	ASSERT_EQ(h.collect(0, kPages, found, 1), Errno::kOk);
	EXPECT_EQ(text_of(found), " 1+2");
	EXPECT_EQ(h.harvest.resume, page_at(600).bytes);
	EXPECT_SOUND(h);
	ASSERT_EQ(h.collect(601, kPages - 601, found, 1), Errno::kOk);
	EXPECT_EQ(text_of(found), " 601+1");
	ASSERT_EQ(h.collect(0, kPages, found, 2), Errno::kOk);
	EXPECT_EQ(text_of(found), " 600+1 800+1");
	EXPECT_EQ(h.harvest.resume, page_at(kPages).bytes);
}

TEST_P(Tracking, WhatCouldNotBeToldIsToldAgain)
{
	Harness h(GetParam(), kPages);
	Pieces found, again;
	track_all(h);
	write(h, {1, 2, 600});
	ASSERT_EQ(h.collect(0, kPages, found), Errno::kOk);
	h.arena.uncollect(h.harvest);
	EXPECT_SOUND(h);
	ASSERT_EQ(h.collect(0, kPages, again), Errno::kOk);
	EXPECT_EQ(text_of(again), text_of(found));
}

// The answer could not be copied out, and another thread has mapped the file anew meanwhile.
TEST_P(Tracking, WhatCouldNotBeToldIsForgottenWithItsArena)
{
	for (uint64_t pages : {uint64_t(1), kPages}) {
		Harness h(GetParam(), kPages);
		Pieces found;
		track_all(h);
		write(h, {5, kPages - 1});
		ASSERT_EQ(h.collect(0, kPages, found), Errno::kOk);
		h.unmap(0, 1536);
		h.arena.detach();
		ASSERT_TRUE(h.arena.attach(kBase, pages * kPageBytes).ok());
		h.arena.uncollect(h.harvest);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_errors), 0u);
		for (uint64_t i = 0; i < pages; i++)
			EXPECT_FALSE(h.slot(i).is_written()) << i;
	}
}

// Protecting gives its locks away between two sections, and there another thread tracks a page.
TEST_P(Tracking, APageThatIsTrackedMeanwhileIsNotProtected)
{
	constexpr uint64_t kMany = 2600,
			   kTracked = 2590; // in a part of a table, behind the first section
	for (Op op : {Op::kProtectRo, Op::kProtectRw}) {
		Harness h(GetParam(), kMany);
		int yields = 0;
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		h.xen.while_yielding = [&] {
			if (++yields == 2) {
				EXPECT_EQ(h.run_meanwhile(Op::kTrack, kTracked, 1), Errno::kOk);
			}
		};
		Errno error = h.run(op);
		h.xen.while_yielding = nullptr;
		ASSERT_GE(yields, 2);
		EXPECT_EQ(error, Errno::kBusy);
		EXPECT_EQ(h.last.failed_address, page_at(kTracked).bytes);
		EXPECT_GT(h.last.pages_done, 0u);
		EXPECT_LE(h.last.pages_done, kTracked);
		EXPECT_SOUND(h);
		write(h, kTracked);
		EXPECT_EQ(told(h), " 2590+1");
	}
}

TEST_P(Tracking, AnUntrackedPageIsNotTold)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	ASSERT_EQ(h.run(Op::kTrack, 100, 900), Errno::kOk);
	write(h, {99, 100, 400, 999, 1000});
	ASSERT_EQ(h.run(Op::kUntrack, 400, 100), Errno::kOk);
	EXPECT_SOUND(h);
	write(h, 450);
	EXPECT_EQ(told(h), " 100+1 999+1");
	ASSERT_EQ(h.run(Op::kUntrack), Errno::kOk);
	for (uint64_t i = 0; i < kPages; i++) {
		ASSERT_TRUE(h.slot(i).is_writable()) << i;
		ASSERT_FALSE(h.slot(i).is_tracked()) << i;
	}
	EXPECT_SOUND(h);
}

TEST_P(Tracking, TrackingAgainKeepsWhatWasNoted)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	ASSERT_EQ(h.run(Op::kTrack, 0, 600), Errno::kOk);
	write(h, 10);
	ASSERT_EQ(h.run(Op::kTrack), Errno::kOk);
	EXPECT_SOUND(h);
	write(h, 1000);
	EXPECT_EQ(told(h), " 10+1 1000+1");
}

TEST_P(Tracking, ADiscardedPageHasChanged)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate, 0, 520), Errno::kOk);
	ASSERT_EQ(h.run(Op::kTrack), Errno::kOk);
	ASSERT_EQ(h.run(Op::kDiscard, 500, 100), Errno::kOk);
	EXPECT_SOUND(h);
	EXPECT_EQ(told(h), " 500+20");
	write(h, 510);
	EXPECT_EQ(told(h), " 510+1");
	EXPECT_SOUND(h);
}

TEST_P(Tracking, UnmappingAndMappingIsNoChange)
{
	Harness h(GetParam(), kPages);
	track_all(h);
	write(h, 77);
	ASSERT_EQ(h.run(Op::kUnmap), Errno::kOk);
	EXPECT_SOUND(h);
	write(h, 78);
	ASSERT_EQ(h.run(Op::kMap), Errno::kOk);
	EXPECT_SOUND(h);
	write(h, 79);
	EXPECT_EQ(told(h), " 77+3");
}

TEST_P(Tracking, ProtectionOfATrackedPageIsRefused)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	ASSERT_EQ(h.run(Op::kTrack, 600, 10), Errno::kOk);
	for (Op op : {Op::kProtectRo, Op::kProtectRw}) {
		EXPECT_EQ(h.run(op), Errno::kBusy);
		EXPECT_EQ(h.last.pages_done, 0u);
		EXPECT_EQ(h.last.failed_address, page_at(600).bytes);
		EXPECT_EQ(h.run(op, 0, 600), Errno::kOk);
	}
	EXPECT_SOUND(h);
}

TEST_P(Tracking, APageThatTheProgramMadeReadOnlyIsRefused)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	ASSERT_EQ(h.run(Op::kProtectRo, 600, 10), Errno::kOk);
	for (Op op : {Op::kTrack, Op::kUntrack}) {
		EXPECT_EQ(h.run(op), Errno::kAccess);
		EXPECT_EQ(h.last.failed_address, page_at(600).bytes);
	}
	uint64_t content = 1;
	EXPECT_EQ(h.touch(0, 600, true, &content), Errno::kAccess);
	EXPECT_EQ(told(h), "");
	EXPECT_EQ(h.run(Op::kTrack, {piece(0, 600), piece(610, 490)}), Errno::kOk);
	EXPECT_SOUND(h);
}

TEST_P(Tracking, ARefusedFirstWriteIsNotNoted)
{
	Harness h(GetParam(), kPages);
	if (!h.is_pv())
		GTEST_SKIP() << "nobody refuses";
	track_all(h);
	h.xen.hypervisor.entry_fuse.set(0, -EINVAL);
	EXPECT_EQ(h.write(9), Errno::kIo);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_errors), 1u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_writes_noted), 0u);
	EXPECT_SOUND(h);
	write(h, 9);
	EXPECT_EQ(told(h), " 9+1");
}

TEST_P(Tracking, WhatXenRefusesToProtectStaysToBeCollected)
{
	Harness h(GetParam(), kPages);
	Pieces found;
	if (!h.is_pv())
		GTEST_SKIP() << "nobody refuses";
	track_all(h);
	write(h, {1, 2, 3, 600, 601});
	h.xen.hypervisor.entry_fuse.set(2, -EINVAL);
	ASSERT_EQ(h.collect(0, kPages, found), Errno::kIo);
	EXPECT_EQ(text_of(found), " 1+2");
	EXPECT_EQ(h.harvest.resume, page_at(3).bytes);
	EXPECT_EQ(h.harvest.hypervisor_error, -EINVAL);
	EXPECT_SOUND(h);
	EXPECT_EQ(told(h), " 3+1 600+2");
	EXPECT_SOUND(h);
}

TEST_P(Tracking, ACollectionOutsideOfTheArenaIsRefused)
{
	Harness h(GetParam(), kPages);
	Pieces found;
	EXPECT_EQ(h.collect(0, kPages + 1, found), Errno::kInval);
	EXPECT_EQ(h.collect(5, 0, found), Errno::kInval);
	EXPECT_EQ(h.collect(kPages, 1, found), Errno::kInval);
}

// A collection looks at what was written, not at what is tracked.
TEST_P(Tracking, NothingWrittenCostsNothing)
{
	Harness h(GetParam(), kPages);
	Pieces found;
	track_all(h);
	uint64_t calls = h.xen.hypervisor.calls().mmu_update + h.xen.hypervisor.calls().flushes;
	ASSERT_EQ(h.collect(0, kPages, found), Errno::kOk);
	EXPECT_EQ(h.xen.hypervisor.calls().mmu_update + h.xen.hypervisor.calls().flushes, calls);
}

} // namespace

} // namespace xenmm::test
