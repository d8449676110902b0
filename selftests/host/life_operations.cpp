// SPDX-License-Identifier: GPL-2.0
// The operations of a random life. See life.hpp.
#include "life.hpp"

namespace xenmm::test
{

namespace
{

// Flips take pages that are there, and a change of protection, twice for a way back.
constexpr Op kOften[] = {Op::kPopulate,	 Op::kPopulate,	 Op::kProtectRo,
			 Op::kProtectRo, Op::kProtectRw, Op::kProtectRw,
			 Op::kDiscard,	 Op::kMap,	 Op::kUnmap};

} // namespace

// Single pages, some long ranges, whole tables that follow each other, everything.
Pieces Life::some_pieces()
{
	uint64_t spans = h_.nr_pages / kTableEntries;
	uint64_t first = below(spans);
	switch (below(6)) {
	case 0:
	case 1:
		return {piece(first * kTableEntries, (below(spans - first) + 1) * kTableEntries)};
	case 2:
		return {piece(0, h_.nr_pages)};
	default:
		return some_spread_pieces();
	}
}

Pieces Life::some_spread_pieces()
{
	Pieces pieces;
	uint64_t at = below(h_.nr_pages);
	uint64_t longest = below(2) ? 4 : 700;
	uint64_t farthest = below(2) ? 2 : 40;
	for (unsigned left = below(20) + 1; left && at < h_.nr_pages; left--) {
		uint64_t pages = std::min(below(longest) + 1, h_.nr_pages - at);
		pieces.push_back(piece(at, pages));
		at += pages + below(farthest);
	}
	return pieces;
}

Pieces Life::outside_of_holes(const Pieces &pieces)
{
	Pieces left;
	for (const xenmm_piece &piece : pieces)
		for (uint64_t at = piece.start, end = at + piece.length; at < end;) {
			uint64_t next = std::min(VirtAddr{at}.table_base().bytes + kSpanBytes, end);
			if (!is_in_hole((at - kBase.bytes) / kPageBytes))
				left.push_back({at, next - at});
			at = next;
		}
	return left;
}

void Life::operate()
{
	Op op = kOften[below(std::size(kOften))];
	How how = setting_.hows[below(setting_.hows.size())];
	Pieces all = some_pieces();
	Pieces pieces = holes_.empty() ? all : outside_of_holes(all);
	doing_ = name_of(op) + " by " + name_of(how);
	h_.exclusive = below(8);
	if (!below(3))
		look_around();
	if (pieces.empty())
		EXPECT_EQ(h_.run_by(how, op, all), Errno::kInval); // and nothing changes
	else if (setting_.with_refusals && h_.is_pv() && below(2))
		run_refused(how, op, pieces);
	else if (h_.is_pv() && name_of(op).find("protect") == 0 && below(2))
		run_with_others(how, op, pieces);
	else
		run_by(how, op, pieces);
	h_.write_no_more();
}

void Life::run_by(How how, Op op, const Pieces &pieces)
{
	ASSERT_EQ(h_.run_by(how, op, pieces), Errno::kOk) << doing_;
	check_answer(op, pieces);
}

void Life::run_refused(How how, Op op, const Pieces &pieces)
{
	Refusals refusals(h_, choices_);
	refusals.begin();
	doing_ += ", refused: " + refusals.what();
	SCOPED_TRACE(doing_);
	std::set<uint64_t> may_go;
	for (uint64_t number : refusals.refused_pages())
		if (model_.page(number).mapped)
			may_go.insert(number);
	Errno error = h_.run_by(how, op, pieces);
	refusals.end();
	ASSERT_TRUE(refusals.explain(error, how)) << static_cast<int>(error);
	ASSERT_EQ(error == Errno::kOk, h_.last.failed_address == 0);
	if (h_.is_dead()) {
		ASSERT_EQ(error, Errno::kIo);
		return;
	}
	model_.lose(may_go);
	check_answer(op, pieces);
	model_.lose(may_go);
}

// While the locks are away another thread takes pages from the arena, or gives it
// some: that protection changes meanwhile makes no difference to either.
void Life::run_with_others(How how, Op op, const Pieces &pieces)
{
	constexpr Op kOthers[] = {Op::kPopulate, Op::kDiscard, Op::kMap, Op::kUnmap};
	Op other = kOthers[below(4)];
	Pieces their = outside_of_holes(some_pieces());
	uint64_t turn = below(4);
	bool came = false;
	h_.xen.while_yielding = [&] {
		if (came || turn--)
			return;
		came = true; // they yield to nobody
		for (const xenmm_piece &piece : their)
			EXPECT_EQ(h_.run_meanwhile(other, (piece.start - kBase.bytes) / kPageBytes,
						   piece.length / kPageBytes),
				  Errno::kOk);
	};
	ASSERT_EQ(h_.run_by(how, op, pieces), Errno::kOk) << doing_;
	h_.xen.while_yielding = nullptr;
	check_answer(op, pieces);
	if (came)
		model_.apply(other, their, ~0ULL);
}

void Life::check_answer(Op op, const Pieces &pieces)
{
	uint64_t limit = h_.last.failed_address ? h_.last.failed_address : ~0ULL;
	uint64_t in_front = 0;
	for (const xenmm_piece &piece : pieces)
		for (uint64_t i = 0; i < piece.length; i += kPageBytes)
			in_front += piece.start + i < limit;
	ASSERT_EQ(h_.last.pages_done, in_front);
	model_.apply(op, pieces, limit);
}

} // namespace xenmm::test
