// SPDX-License-Identifier: GPL-2.0
// The price list: how many hypercalls, updates, traps and flushes 4,096 pages cost
// by each method, exactly.
#include "harness.hpp"

namespace xenmm::test
{

namespace
{

constexpr uint64_t kPages = 4096;
constexpr uint64_t kTables = kPages / kTableEntries;

constexpr uint64_t ceiling(uint64_t n, uint64_t divisor)
{
	return (n + divisor - 1) / divisor;
}

// Batches do not cross a critical section, which is one table, or as many whole
// tables as fit into a batch.
uint64_t batch_hypercalls(uint32_t batch)
{
	uint64_t tables = std::max<uint64_t>(batch / kTableEntries, 1);
	uint64_t full = kTables / tables;
	uint64_t rest = kTables % tables;
	return full * ceiling(tables * kTableEntries, batch) + ceiling(rest * kTableEntries, batch);
}

struct Price {
	uint64_t hypercalls, mmu_updates, traps, va_mappings, multicalls, lazy, native;
};

Price price_of(How how)
{
	switch (how.method) {
	case Method::kTrap:
		return {0, 0, kPages, 0, 0, 0, 0};
	case Method::kHypercall:
		return {kPages, kPages, 0, 0, 0, 0, 0};
	case Method::kVaMapping:
		return {kPages, 0, 0, kPages, 0, 0, 0};
	case Method::kMulticall:
		return {kPages / 32, kPages, 0, 0, kPages / 32, 0, 0};
	case Method::kLazy:
		return {0, 0, 0, 0, 0, kPages, 0};
	case Method::kBatch:
		return {batch_hypercalls(how.batch), kPages, 0, 0, 0, 0, 0};
	case Method::kNative:
		return {0, 0, 0, 0, 0, 0, kPages};
	case Method::kAuto: // whole_table_test.cpp
	case Method::kRebuild:
	case Method::kFlip:
		break;
	}
	return {};
}

void expect_price(const FakeXen &xen, const Price &price)
{
	EXPECT_EQ(xen.total(XENMM_COUNTER_hypercalls), price.hypercalls);
	EXPECT_EQ(xen.total(XENMM_COUNTER_mmu_updates), price.mmu_updates);
	EXPECT_EQ(xen.total(XENMM_COUNTER_traps), price.traps);
	EXPECT_EQ(xen.total(XENMM_COUNTER_va_mappings), price.va_mappings);
	EXPECT_EQ(xen.total(XENMM_COUNTER_multicalls), price.multicalls);
	EXPECT_EQ(xen.total(XENMM_COUNTER_lazy_updates), price.lazy);
	EXPECT_EQ(xen.total(XENMM_COUNTER_native_stores), price.native);
	EXPECT_EQ(xen.total(XENMM_COUNTER_errors), 0u);
	EXPECT_EQ(xen.total(XENMM_COUNTER_partial_batches), 0u);
}

class Counting : public EachHow
{
};
INSTANTIATE_TEST_SUITE_P(Each, Counting, ::testing::ValuesIn(entry_hows()), how_name);

TEST_P(Counting, PopulateOf4096Pages)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	expect_price(h.xen, price_of(h.how));
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_mapped), kPages);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tlb_flushes), 0u);
	EXPECT_SOUND(h);
}

TEST_P(Counting, ProtectOf4096PagesIsFlushedOnce)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.xen.forget_totals();
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	Price price = price_of(h.how);
	price.native = 0; // zapped by the kernel
	expect_price(h.xen, price);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_protected), kPages);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tlb_flushes), h.is_pv() ? 1 : kTables);
	h.xen.forget_totals();
	ASSERT_EQ(h.run(Op::kMap), Errno::kOk);
	h.xen.forget_totals();
	ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
	expect_price(h.xen, price_of(h.how));
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tlb_flushes), 0u) << "rights given need no flush";
}

TEST_P(Counting, DiscardOf4096PagesIsFlushedOnce)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.xen.forget_totals();
	ASSERT_EQ(h.run(Op::kDiscard), Errno::kOk);
	Price price = price_of(h.how);
	price.native = 0;
	expect_price(h.xen, price);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_unmapped), kPages);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_pages_freed), kPages);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tlb_flushes), h.is_pv() ? 1 : kTables);
}

uint64_t hypercalls_of_batch(uint32_t batch)
{
	Harness h({Method::kBatch, batch}, kPages);
	EXPECT_EQ(h.run(Op::kPopulate), Errno::kOk);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_mmu_updates), kPages);
	return h.xen.total(XENMM_COUNTER_hypercalls);
}

TEST(Batching, HypercallsOf4096PagesInFigures)
{
	EXPECT_EQ(hypercalls_of_batch(1), 4096u);
	EXPECT_EQ(hypercalls_of_batch(31), 17u * 8);
	EXPECT_EQ(hypercalls_of_batch(511), 2u * 8);
	EXPECT_EQ(hypercalls_of_batch(512), 8u);
	EXPECT_EQ(hypercalls_of_batch(513), 8u);
	EXPECT_EQ(hypercalls_of_batch(1024), 4u);
	EXPECT_EQ(hypercalls_of_batch(2047), 3u);
	EXPECT_EQ(hypercalls_of_batch(2048), 2u);
}

TEST(Batching, TheKernelsOwnQueueTakes31PerHypercall)
{
	Harness h({Method::kLazy, 0}, kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	EXPECT_EQ(h.xen.hypervisor.calls().lazy, 17u * 8);
}

TEST(Batching, HistogramHasEachHypercallInItsBucket)
{
	Harness h({Method::kBatch, 31}, kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	const xenmm_u64 *bucket = h.xen.totals().bucket;
	EXPECT_EQ(bucket[5], 16u * 8); // 17..32
	EXPECT_EQ(bucket[4], 8u);      // the 16 left over in each table
	h.xen.forget_totals();
	ASSERT_EQ(h.run_by({Method::kBatch, 2048}, Op::kUnmap, {piece(0, kPages)}), Errno::kOk);
	EXPECT_EQ(bucket[11], 2u);
	h.xen.forget_totals();
	ASSERT_EQ(h.run_by({Method::kHypercall, 0}, Op::kMap, {piece(0, kPages)}), Errno::kOk);
	EXPECT_EQ(bucket[0], kPages);
	h.xen.forget_totals();
	ASSERT_EQ(h.run_by({Method::kMulticall, 0}, Op::kUnmap, {piece(0, kPages)}), Errno::kOk);
	EXPECT_EQ(bucket[5], kPages / 32);
}

TEST(Batching, ABatchFusesItsFlushIntoTheLastHypercall)
{
	Harness h({Method::kBatch, 512}, kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	ASSERT_EQ(h.run(Op::kDiscard), Errno::kOk);
	EXPECT_EQ(h.xen.hypervisor.calls().mmuext_op, 0u);
	EXPECT_EQ(h.xen.hypervisor.calls().multicall, 1u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_hypercalls), 8u + 8u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_multicalls), 0u) << "counts method multicall only";
}

TEST(Batching, AFlushGoesAloneWhenTheLastSectionHasNothingToDo)
{
	Harness h({Method::kBatch, 512}, kPages);
	ASSERT_EQ(h.run(Op::kPopulate, 0, 10), Errno::kOk);
	h.fill_tlbs();
	ASSERT_EQ(h.run(Op::kDiscard), Errno::kOk);
	EXPECT_EQ(h.xen.hypervisor.calls().mmuext_op, 1u);
	EXPECT_SOUND(h);
}

TEST(Batching, ManyRangesOfATableShareOneHypercall)
{
	Harness h({Method::kBatch, 512}, kPages);
	Pieces sparse;
	for (uint64_t i = 0; i < kPages; i += 7)
		sparse.push_back(piece(i, 1));
	ASSERT_EQ(h.run(Op::kPopulate, sparse), Errno::kOk);
	EXPECT_EQ(h.last.pages_done, sparse.size());
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_hypercalls), kTables);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_mmu_updates), sparse.size());
	ASSERT_EQ(h.run(Op::kProtectRo, sparse), Errno::kOk);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_hypercalls), 2 * kTables);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_tlb_flushes), 1u);
	EXPECT_SOUND(h);
}

TEST(Batching, ALargeBatchSpansTheTablesOfASparsePattern)
{
	Harness h({Method::kBatch, 2048}, kPages);
	Pieces sparse;
	for (uint64_t table = 0; table < kTables; table++)
		sparse.push_back(piece(table * kTableEntries + 100, 2));
	ASSERT_EQ(h.run(Op::kPopulate, sparse), Errno::kOk);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_hypercalls), kTables / 4);
	EXPECT_EQ(h.xen.max_locked(), 4u);
	EXPECT_SOUND(h);
}

TEST(Batching, CyclesAreMeasuredAroundHypercallsAndTraps)
{
	Harness h({Method::kTrap, 0}, 16);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	EXPECT_GT(h.xen.total(XENMM_COUNTER_trap_cycles), 0u);
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_hypercall_cycles), 0u);
	ASSERT_EQ(h.run_by({Method::kBatch, 8}, Op::kUnmap, {piece(0, 16)}), Errno::kOk);
	EXPECT_GT(h.xen.total(XENMM_COUNTER_hypercall_cycles), 0u);
}

TEST(Buckets, CountPowersOfTwo)
{
	for (uint32_t size = 1; size <= kMaxBatch; size++) {
		unsigned bucket = bucket_of(size);
		ASSERT_LE(size, 1u << bucket);
		ASSERT_GT(size, bucket ? 1u << (bucket - 1) : 0u);
		ASSERT_LT(bucket, XENMM_NR_BUCKETS);
	}
}

} // namespace

} // namespace xenmm::test
