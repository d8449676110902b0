// SPDX-License-Identifier: GPL-2.0
// The small parts alone: addresses, entries, slots, results, ranges and their
// cursor, methods and requests.
#include <gtest/gtest.h>

#include "fake_backend.hpp"
#include "uapi/xenmm.h"
#include "xenmm/method.hpp"
#include "xenmm/ranges.hpp"
#include "xenmm/request.hpp"
#include "xenmm/span.hpp"

namespace xenmm::test
{

namespace
{

constexpr uint64_t kPage = kPageBytes;

TEST(Addresses, KnowTheirSlotAndTable)
{
	VirtAddr at = {5 * kSpanBytes + 7 * kPage};
	EXPECT_EQ(at.slot(), 7u);
	EXPECT_EQ(at.table_base().bytes, 5 * kSpanBytes);
	EXPECT_EQ(at.page(505), VirtAddr{6 * kSpanBytes});
	EXPECT_EQ(VirtAddr{6 * kSpanBytes - kPage}.slot(), 511u);
	EXPECT_TRUE(at < at.page(1) && at >= at && !(at < at));
}

TEST(Entries, KeepFrameAndAccessedDirtyAcrossAChangeOfFlags)
{
	Pte pte = Pte::of({0xabcde}, Pte::kPresent | Pte::kWritable | Pte::kAccessedDirty);
	Pte changed = pte.with_flags(Pte::kPresent);
	EXPECT_EQ(changed.frame().number, 0xabcdeu);
	EXPECT_FALSE(changed.is_writable());
	EXPECT_EQ(changed.bits() & Pte::kAccessedDirty, Pte::kAccessedDirty);
	EXPECT_FALSE(changed.agrees_with(pte));
	EXPECT_TRUE(changed.agrees_with(Pte(changed.bits() & ~Pte::kAccessedDirty)));
	EXPECT_TRUE(Pte().is_empty());
	EXPECT_EQ(Pte(~0ULL).frame().number, 0xffffffffffULL);
}

TEST(Spans, RememberProtectionWithoutAPage)
{
	Slots slots;
	Span span;
	EXPECT_TRUE(span.is_writable(7));
	span.set_all_writable(false);
	EXPECT_FALSE(span.is_writable(7)) << "without slots";
	span.give_slots(&slots);
	span.set_writable(7, true);
	EXPECT_TRUE(span.is_writable(7));
	EXPECT_FALSE(span.is_writable(8));
	EXPECT_FALSE(span.is_uniform());
	span.slots()[7].give({0x1234});
	EXPECT_EQ(span.slots()[7].pfn().number, 0x1234u);
	EXPECT_TRUE(span.slots()[7].is_fresh());
	span.slots()[7].settle();
	EXPECT_EQ(span.slots()[7].take().number, 0x1234u);
	EXPECT_FALSE(span.slots()[7].has_page());
	EXPECT_TRUE(span.is_writable(7)) << "survives a discard";
	span.set_writable(7, false);
	EXPECT_TRUE(span.is_uniform());
	span.set_writable(9, true);
	span.set_all_writable(true);
	EXPECT_TRUE(span.is_uniform());
	EXPECT_TRUE(span.is_writable(9) && span.is_writable(8));
	EXPECT_EQ(span.take_slots(), &slots);
}

TEST(Spans, KnowWhatATwinIsWorthAfterAFlip)
{
	Slots slots;
	Span span;
	span.give_slots(&slots);
	span.give_twin({0x1111});
	EXPECT_EQ(span.twin(), Twin::kEmpty);
	span.set_twin(Twin::kReadOnly);
	span.flip(false, {0x2222});
	EXPECT_TRUE(span.is_flipped());
	EXPECT_EQ(span.spare().number, 0x2222u);
	EXPECT_FALSE(span.is_writable(0));
	EXPECT_EQ(span.twin(), Twin::kReadWrite);
	span.set_writable(3, true);
	EXPECT_EQ(span.twin(), Twin::kReadWrite) << "the twin did not change";
	span.flip(true, {0x1111});
	EXPECT_FALSE(span.is_flipped());
	EXPECT_TRUE(span.is_writable(3) && span.is_writable(4));
	EXPECT_EQ(span.twin(), Twin::kStale) << "it was mixed";
	span.take_twin();
	span.spoil_twin();
	EXPECT_EQ(span.twin(), Twin::kNone);
}

TEST(Results, CarryAValueOrAnErrno)
{
	Result<Pfn> good = Pfn{4};
	EXPECT_TRUE(good.ok());
	EXPECT_EQ(good.value().number, 4u);
	Result<Pfn> bad = Errno::kNoMem;
	EXPECT_FALSE(bad.ok());
	EXPECT_EQ(to_int(bad.error()), -12);
	EXPECT_EQ(to_errno(-5), Errno::kIo);
	EXPECT_TRUE(Result<void>(to_errno(0)).ok());
	auto attempt = [](Result<void> inner) -> Result<void> {
		XENMM_TRY(inner);
		return Errno::kBusy;
	};
	EXPECT_EQ(attempt(Errno::kIntr).error(), Errno::kIntr);
	EXPECT_EQ(attempt({}).error(), Errno::kBusy);
}

struct Shape {
	const char *name;
	std::vector<xenmm_piece> pieces;
	bool is_good;
};

TEST(RangesShape, IsChecked)
{
	const Shape shapes[] = {
		{"one page", {{kPage, kPage}}, true},
		{"page zero", {{0, kPage}}, true},
		{"neighbours", {{kPage, kPage}, {2 * kPage, kPage}}, true},
		{"empty", {{kPage, 0}}, false},
		{"unaligned start", {{kPage + 1, kPage}}, false},
		{"unaligned length", {{kPage, kPage - 1}}, false},
		{"past the end of memory", {{~0ULL - kPage + 1, 2 * kPage}}, false},
		{"up to the very end of memory", {{~0ULL - kPage + 1, kPage}}, false},
		{"overlapping", {{kPage, 2 * kPage}, {2 * kPage, kPage}}, false},
		{"the same twice", {{kPage, kPage}, {kPage, kPage}}, false},
		{"descending", {{4 * kPage, kPage}, {kPage, kPage}}, false},
		{"second one empty", {{kPage, kPage}, {3 * kPage, 0}}, false},
	};
	for (const Shape &shape : shapes) {
		Ranges ranges(shape.pieces.data(), shape.pieces.size());
		EXPECT_EQ(ranges.check_shape().ok(), shape.is_good) << shape.name;
	}
}

TEST(RangesShape, PagesBelowALimit)
{
	const xenmm_piece pieces[] = {{10 * kPage, 3 * kPage}, {20 * kPage, 2 * kPage}};
	Ranges ranges(pieces, 2);
	const uint64_t expected[][2] = {{0, 0},	 {10, 0}, {11, 1}, {13, 3}, {15, 3},
					{20, 3}, {21, 4}, {22, 5}, {99, 5}};
	for (auto [limit, pages] : expected)
		EXPECT_EQ(ranges.pages_below({limit * kPage}), pages) << limit;
	EXPECT_EQ(ranges.pages_below({~0ULL}), 5u);
}

TEST(RangesShape, MustLieInsideTheMapping)
{
	FakeXen xen;
	FakeBackend backend(xen);
	xen.add_extent({10 * kPage}, 10 * kPage);
	xen.add_extent({20 * kPage}, 5 * kPage); // a neighbour, as after a split
	xen.add_extent({40 * kPage}, 5 * kPage);
	auto is_mapped = [&](std::vector<xenmm_piece> pieces) {
		return check_mapped(backend, Ranges(pieces.data(), pieces.size())).ok();
	};
	EXPECT_TRUE(is_mapped({{10 * kPage, kPage}}));
	EXPECT_TRUE(is_mapped({{10 * kPage, 15 * kPage}, {40 * kPage, 5 * kPage}}));
	EXPECT_FALSE(is_mapped({{9 * kPage, kPage}}));
	EXPECT_FALSE(is_mapped({{24 * kPage, 2 * kPage}}));
	EXPECT_FALSE(is_mapped({{10 * kPage, 35 * kPage}})) << "a hole";
	EXPECT_FALSE(is_mapped({{10 * kPage, kPage}, {45 * kPage, kPage}}));
}

std::vector<Part> parts_of(std::vector<xenmm_piece> pieces)
{
	std::vector<Part> parts;
	for (PartCursor cursor(Ranges(pieces.data(), pieces.size())); !cursor.at_end();)
		parts.push_back(cursor.next());
	return parts;
}

TEST(PartCursors, CutRangesAtTableEdges)
{
	auto parts = parts_of({{kSpanBytes - 2 * kPage, 516 * kPage}, {4 * kSpanBytes, kPage}});
	ASSERT_EQ(parts.size(), 4u);
	EXPECT_EQ(parts[0].pages, 2u);
	EXPECT_EQ(parts[0].first_slot(), 510u);
	EXPECT_EQ(parts[1].pages, 512u);
	EXPECT_EQ(parts[1].first_slot(), 0u);
	EXPECT_EQ(parts[2].pages, 2u);
	EXPECT_EQ(parts[2].end(), VirtAddr{2 * kSpanBytes + 2 * kPage});
	EXPECT_EQ(parts[3].start, VirtAddr{4 * kSpanBytes});
}

TEST(PartCursors, AreValuesThatCompare)
{
	const xenmm_piece pieces[] = {{0, kPage}, {kPage, kPage}};
	PartCursor cursor(Ranges(pieces, 2));
	PartCursor copy = cursor;
	EXPECT_TRUE(cursor.is_at(copy));
	EXPECT_EQ(cursor.peek().start, copy.next().start);
	EXPECT_FALSE(cursor.is_at(copy));
	(void)cursor.next();
	EXPECT_TRUE(cursor.is_at(copy));
	(void)cursor.next();
	EXPECT_TRUE(cursor.at_end());
	EXPECT_FALSE(cursor.is_at(copy));
	(void)copy.next();
	EXPECT_TRUE(cursor.is_at(copy));
}

xenmm_request good_request()
{
	xenmm_request request = {};
	request.action = XENMM_POPULATE;
	request.nr_pieces = 1;
	request.method = XENMM_METHOD_BATCH;
	request.batch = 512;
	return request;
}

struct RequestCase {
	const char *name;
	void (*spoil)(xenmm_request &request);
	Errno on_pv;
	Errno on_native;
};

TEST(Requests, AreChecked)
{
	constexpr Errno ok = Errno::kOk, inval = Errno::kInval, no = Errno::kNotSupported;
	using Request = xenmm_request;
	const RequestCase cases[] = {
		{"batch 512", [](Request &) {}, ok, no},
		{"batch 1", [](Request &r) { r.batch = 1; }, ok, no},
		{"batch 2048", [](Request &r) { r.batch = XENMM_MAX_BATCH; }, ok, no},
		{"batch 0", [](Request &r) { r.batch = 0; }, inval, inval},
		{"batch 2049", [](Request &r) { r.batch = 2049; }, inval, inval},
		{"trap", [](Request &r) { r.method = 1, r.batch = 0; }, ok, no},
		{"trap with a batch", [](Request &r) { r.method = 1; }, inval, inval},
		{"hypercall", [](Request &r) { r.method = 2, r.batch = 0; }, ok, no},
		{"va_mapping", [](Request &r) { r.method = 3, r.batch = 0; }, ok, no},
		{"multicall", [](Request &r) { r.method = 4, r.batch = 0; }, ok, no},
		{"lazy", [](Request &r) { r.method = 5, r.batch = 0; }, ok, no},
		{"native", [](Request &r) { r.method = 7, r.batch = 0; }, no, ok},
		{"native with a batch", [](Request &r) { r.method = 7; }, inval, inval},
		{"auto", [](Request &r) { r.method = 0, r.batch = 0; }, ok, ok},
		{"auto with a batch", [](Request &r) { r.method = 0; }, inval, inval},
		{"rebuild", [](Request &r) { r.method = 8, r.batch = 0; }, ok, no},
		{"rebuild from 512", [](Request &r) { r.method = 8; }, ok, no},
		{"rebuild from 513", [](Request &r) { r.method = 8, r.batch = 513; }, inval, inval},
		{"flip of entries", [](Request &r) { r.method = 9, r.batch = 0; }, inval, inval},
		{"flip",
		 [](Request &r) {
			 r.method = 9, r.batch = 0, r.action = XENMM_PROTECT, r.prot = 1;
		 },
		 ok, no},
		{"flip with a batch",
		 [](Request &r) { r.method = 9, r.action = XENMM_PROTECT, r.prot = 1; }, inval,
		 inval},
		{"method 10", [](Request &r) { r.method = 10, r.batch = 0; }, inval, inval},
		{"method 31", [](Request &r) { r.method = 31, r.batch = 0; }, inval, inval},
		{"method 32", [](Request &r) { r.method = 32, r.batch = 0; }, inval, inval},
		{"method 38", [](Request &r) { r.method = 38; }, inval, inval},
		{"method -1", [](Request &r) { r.method = ~0u, r.batch = 0; }, inval, inval},
		{"reserved", [](Request &r) { r.reserved = 1ULL << 63; }, inval, inval},
		{"no ranges", [](Request &r) { r.nr_pieces = 0; }, inval, inval},
		{"most ranges", [](Request &r) { r.nr_pieces = XENMM_MAX_RANGES; }, ok, no},
		{"too many", [](Request &r) { r.nr_pieces = XENMM_MAX_RANGES + 1; }, inval, inval},
		{"prot for populate", [](Request &r) { r.prot = 3; }, inval, inval},
		{"protect read", [](Request &r) { r.action = XENMM_PROTECT, r.prot = 1; }, ok, no},
		{"protect rw", [](Request &r) { r.action = XENMM_PROTECT, r.prot = 3; }, ok, no},
		{"protect none", [](Request &r) { r.action = XENMM_PROTECT; }, inval, inval},
		{"protect write", [](Request &r) { r.action = XENMM_PROTECT, r.prot = 2; }, inval,
		 inval},
		{"protect exec", [](Request &r) { r.action = XENMM_PROTECT, r.prot = 7; }, inval,
		 inval},
		{"protect high bit",
		 [](Request &r) { r.action = XENMM_PROTECT, r.prot = 0x80000001; }, inval, inval},
	};
	for (const RequestCase &c : cases) {
		xenmm_request request = good_request();
		c.spoil(request);
		EXPECT_EQ(check_request(request, kPvMethods).error(), c.on_pv) << c.name;
		EXPECT_EQ(check_request(request, kNativeMethods).error(), c.on_native) << c.name;
	}
}

// Programs that were built years ago pass them.
TEST(Methods, KeepTheirNumbers)
{
	const xenmm_method numbered[] = {XENMM_METHOD_AUTO,	 XENMM_METHOD_TRAP,
					 XENMM_METHOD_HYPERCALL, XENMM_METHOD_VA_MAPPING,
					 XENMM_METHOD_MULTICALL, XENMM_METHOD_LAZY,
					 XENMM_METHOD_BATCH,	 XENMM_METHOD_NATIVE,
					 XENMM_METHOD_REBUILD,	 XENMM_METHOD_FLIP};
	for (unsigned number = 0; number < std::size(numbered); number++)
		EXPECT_EQ(numbered[number], number);
}

TEST(Sizes, AreThoseOfTheUapi)
{
	EXPECT_EQ(kTableEntries, static_cast<unsigned>(XENMM_SPAN_PAGES));
	EXPECT_EQ(kMaxBatch, static_cast<uint32_t>(XENMM_MAX_BATCH));
	EXPECT_EQ(kSpanBytes, XENMM_SPAN_BYTES);
}

TEST(Methods, TheOneOfFaultsFitsTheGuest)
{
	How pv = fault_how(true);
	How native = fault_how(false);
	EXPECT_TRUE(check_how(static_cast<uint32_t>(pv.method), pv.batch, kPvMethods).ok());
	EXPECT_TRUE(
		check_how(static_cast<uint32_t>(native.method), native.batch, kNativeMethods).ok());
	EXPECT_EQ(check_how(6, 31, kPvMethods).value().batch, 31u);
}

// The uapi structure of counters is the list of abi.h plus reserved space.
TEST(CounterStruct, IsLaidOutAsInTheUapi)
{
	EXPECT_EQ(sizeof(xenmm_stats),
		  XENMM_NR_COUNTERS * sizeof(__u64) + sizeof(xenmm_stats::reserved));
#define XENMM_CHECK_OFFSET(name) \
	EXPECT_EQ(offsetof(xenmm_stats, name), XENMM_COUNTER_##name * sizeof(__u64));
	XENMM_COUNTERS(XENMM_CHECK_OFFSET)
#undef XENMM_CHECK_OFFSET
}

TEST(CounterStruct, AddsUp)
{
	Counters counters;
	counters.add_hypercall(512);
	counters.add_hypercall(1);
	counters.add(XENMM_COUNTER_traps, 7);
	EXPECT_EQ(counters.get(XENMM_COUNTER_hypercalls), 2u);
	EXPECT_EQ(counters.get(XENMM_COUNTER_traps), 7u);
	EXPECT_EQ(counters.counts().bucket[9], 1u);
	EXPECT_EQ(counters.counts().bucket[0], 1u);
}

} // namespace

} // namespace xenmm::test
