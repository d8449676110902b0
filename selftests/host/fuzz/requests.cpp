// SPDX-License-Identifier: GPL-2.0
// Fuzzes what an ioctl takes: bytes are the action, the guest, a raw struct xenmm_op
// and its ranges, and go the way that they go in the module (src/glue/chardev.c). The
// answers are those that the uapi documents, what is refused changes nothing, and what
// is not does what the model says.
#include <algorithm>
#include <cstring>

#include "../../src/glue/decode.h"

#include "choices.hpp"
#include "model.hpp"
#include "xenmm/request.hpp"
#include "xenmm/section.hpp"

namespace xenmm::test
{

namespace
{

constexpr uint64_t kPages = 2 * kTableEntries + 100;
constexpr uint32_t kMostPieces = 64; // enough for each way to go wrong

struct Call {
	xenmm_action action;
	bool is_pv;
	xenmm_op op;
};

Call some_call(Choices &choices)
{
	Call call = {static_cast<xenmm_action>(choices.below(5)), choices.below(4) != 0, {}};
	uint8_t raw[sizeof(call.op)];
	for (uint8_t &byte : raw)
		byte = static_cast<uint8_t>(choices.take(1));
	memcpy(&call.op, raw, sizeof(raw));
	return call;
}

// Near the arena, or anything.
xenmm_piece some_piece(Choices &choices, uint64_t behind)
{
	switch (choices.below(4)) {
	case 0:
		return {choices.take(8), choices.take(8)};
	case 1:
		return {page_at(choices.below(kPages + 8)).bytes, choices.take(2) * kPageBytes};
	default:
		return {behind + choices.below(64) * kPageBytes,
			(1 + choices.below(700)) * kPageBytes};
	}
}

Pieces some_pieces(Choices &choices, uint32_t count)
{
	Pieces pieces;
	uint64_t behind = kBase.bytes;
	for (uint32_t i = 0; i < count; i++) {
		pieces.push_back(some_piece(choices, behind));
		behind = pieces.back().start + pieces.back().length;
	}
	return pieces;
}

// --- what the uapi says, in its own words

bool is_batch_documented(const xenmm_op &op)
{
	if (op.method == XENMM_METHOD_BATCH)
		return op.batch >= 1 && op.batch <= XENMM_MAX_BATCH;
	if (op.method == XENMM_METHOD_REBUILD)
		return op.batch <= XENMM_SPAN_PAGES;
	return !op.batch;
}

bool is_prot_documented(xenmm_action action, const xenmm_op &op)
{
	if (action != XENMM_PROTECT)
		return !op.prot && op.method != XENMM_METHOD_FLIP;
	return op.prot == XENMM_PROT_READ || op.prot == XENMM_PROT_READ_WRITE;
}

Errno documented(const Call &call)
{
	const xenmm_op &op = call.op;
	bool is_right = op.method <= XENMM_METHOD_FLIP && op.nr_ranges >= 1 &&
			op.nr_ranges <= XENMM_MAX_RANGES && !op.reserved[0] && !op.reserved[1] &&
			is_batch_documented(op) && is_prot_documented(call.action, op);
	if (!is_right)
		return Errno::kInval;
	bool is_native = op.method == XENMM_METHOD_NATIVE;
	bool is_offered = op.method == XENMM_METHOD_AUTO || is_native != call.is_pv;
	return is_offered ? Errno::kOk : Errno::kNotSupported;
}

using Wide = unsigned __int128;

bool are_documented(const Pieces &pieces)
{
	Wide behind = 0;
	for (const xenmm_piece &piece : pieces) {
		bool is_aligned = !(piece.start % kPageBytes) && !(piece.length % kPageBytes);
		if (!is_aligned || !piece.length || piece.start < behind)
			return false;
		behind = static_cast<Wide>(piece.start) + piece.length;
		if (behind > ~0ULL)
			return false;
	}
	return true;
}

bool are_inside(const Pieces &pieces)
{
	return std::all_of(pieces.begin(), pieces.end(), [](const xenmm_piece &piece) {
		return piece.start >= kBase.bytes && piece.start < page_at(kPages).bytes &&
		       piece.length <= page_at(kPages).bytes - piece.start;
	});
}

uint64_t pages_in(const Pieces &pieces, uint64_t limit)
{
	uint64_t pages = 0;
	for (const xenmm_piece &piece : pieces)
		if (piece.start < limit)
			pages += std::min(piece.length, limit - piece.start) / kPageBytes;
	return pages;
}

// --- ranges

// Parts cover exactly the ranges, each inside of a table.
void check_parts(const Pieces &pieces)
{
	PartCursor cursor(Ranges(pieces.data(), static_cast<uint32_t>(pieces.size())));
	for (const xenmm_piece &piece : pieces)
		for (uint64_t at = piece.start; at < piece.start + piece.length;) {
			ASSERT_FALSE(cursor.at_end());
			Part part = cursor.next();
			ASSERT_EQ(part.start.bytes, at);
			ASSERT_GE(part.pages, 1u);
			ASSERT_LE(part.first_slot() + part.pages, kTableEntries);
			at = part.end().bytes;
			ASSERT_LE(at, piece.start + piece.length);
			ASSERT_TRUE(at == piece.start + piece.length || !part.end().slot());
		}
	ASSERT_TRUE(cursor.at_end());
}

// Sections follow each other, with no more tables than may be locked at once.
void check_sections(const Pieces &pieces, const Planner &planner, Change change)
{
	Ranges ranges(pieces.data(), static_cast<uint32_t>(pieces.size()));
	for (PartCursor cursor(ranges); !cursor.at_end();) {
		Section section = cut_section(cursor, planner, change);
		ASSERT_TRUE(section.begin.is_at(cursor));
		ASSERT_FALSE(section.end.is_at(cursor));
		std::set<uint64_t> tables;
		for_each_part(section.begin, section.end,
			      [&](Part part) { tables.insert(part.start.table_base().bytes); });
		ASSERT_LE(tables.size(),
			  section.look == Look::kNone ? planner.tables_per_section() : 1);
		ASSERT_LE(tables.size(), kMaxTables);
		cursor = section.end;
	}
}

void check_ranges(const Pieces &pieces, const xenmm_request &request, bool is_pv, uint64_t limit)
{
	Ranges ranges(pieces.data(), static_cast<uint32_t>(pieces.size()));
	ASSERT_EQ(ranges.check_shape().ok(), are_documented(pieces));
	if (!ranges.check_shape().ok())
		return;
	ASSERT_EQ(ranges.pages_below({limit}), pages_in(pieces, limit));
	if (pages_in(pieces, ~0ULL) > 1U << 20)
		return; // too long a walk
	check_parts(pieces);
	How how = {static_cast<Method>(request.method), request.batch};
	for (Change change : {Change::kMap, Change::kUnmap, Change::kProtect})
		check_sections(pieces, Planner(how, is_pv, true, default_cost()), change);
}

// --- the call

Op op_of(const xenmm_request &request)
{
	switch (request.action) {
	case XENMM_POPULATE:
		return Op::kPopulate;
	case XENMM_DISCARD:
		return Op::kDiscard;
	case XENMM_MAP:
		return Op::kMap;
	case XENMM_UNMAP:
		return Op::kUnmap;
	case XENMM_TRACK:
		return Op::kTrack;
	case XENMM_UNTRACK:
		return Op::kUntrack;
	case XENMM_PROTECT:
		break;
	}
	return request.prot == XENMM_PROT_READ ? Op::kProtectRo : Op::kProtectRw;
}

// What the arena held before comes from bytes, too.
void fill(Harness &h, Model &model, Choices &choices)
{
	for (Op op : {Op::kPopulate, Op::kProtectRo, Op::kUnmap}) {
		uint64_t first = choices.below(kPages);
		Pieces pieces = {piece(first, 1 + choices.below(kPages - first))};
		if (!choices.below(2))
			continue;
		EXPECT_EQ(h.run(op, pieces), Errno::kOk);
		model.apply(op, pieces, ~0ULL);
	}
	h.xen.writes().clear();
	h.xen.charge_limit = choices.below(2) ? ~0ULL : choices.below(2 * kPages);
}

// Where the answer says so nothing has changed; else the model knows.
void check_answer(Harness &h, Model &model, Op op, Errno error, const Pieces &pieces)
{
	const xenmm_request &answer = h.last;
	ASSERT_EQ(error == Errno::kInval, !are_documented(pieces) || !are_inside(pieces));
	ASSERT_TRUE(error == Errno::kOk || error == Errno::kInval || error == Errno::kNoMem);
	ASSERT_EQ(answer.hypervisor_error, 0);
	if (error != Errno::kOk) {
		ASSERT_EQ(answer.pages_done, 0u);
		ASSERT_TRUE(h.xen.writes().empty());
	} else {
		ASSERT_EQ(answer.pages_done, pages_in(pieces, ~0ULL));
		ASSERT_EQ(answer.failed_address, 0u);
		model.apply(op, pieces, ~0ULL);
	}
	ASSERT_EQ(model.difference(), "");
	ASSERT_EQ(h.problems(), "");
}

void carry_out(Choices &choices, const Call &call, const xenmm_request &request)
{
	if (request.nr_pieces > kMostPieces)
		return; // the module would find no ranges there, and answer EFAULT
	Pieces pieces = some_pieces(choices, request.nr_pieces);
	Ranges ranges(pieces.data(), request.nr_pieces);
	check_ranges(pieces, request, call.is_pv, choices.take(8));
	Harness h({call.is_pv ? Method::kBatch : Method::kNative, call.is_pv ? 512U : 0}, kPages);
	Model model(h);
	fill(h, model, choices);
	h.exclusive = is_exclusive(request, ranges, call.is_pv, h.xen.cost());
	ASSERT_TRUE(call.is_pv || !h.exclusive);
	Op op = op_of(request);
	Errno error = h.ask(op, request, pieces);
	check_answer(h, model, op, error, pieces);
}

void try_call(Choices &choices)
{
	Call call = some_call(choices);
	xenmm_request request = xenmm_decode(call.action, &call.op);
	Errno error = check_request(request, call.is_pv ? kPvMethods : kNativeMethods).error();
	ASSERT_EQ(error, documented(call));
	xenmm_encode(&call.op, &request);
	ASSERT_TRUE(!call.op.pages_done && !call.op.failed_address && !call.op.hypervisor_error &&
		    !call.op.reserved_out);
	if (error == Errno::kOk)
		carry_out(choices, call, request);
}

} // namespace

} // namespace xenmm::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	xenmm::test::Choices choices(bytes, count);
	xenmm::test::try_call(choices);
	return 0;
}
