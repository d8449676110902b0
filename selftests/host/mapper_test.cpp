// SPDX-License-Identifier: GPL-2.0
// Another module's pages in tables that are not an arena's: here in those of an arena whose
// entries are all empty, which are then as they would be had it mapped them itself.
#include "harness.hpp"
#include "xenmm/mapper.hpp"

namespace xenmm::test
{

namespace
{

constexpr uint64_t kPages = 2 * kTableEntries + 100;

class Mapping : public ::testing::TestWithParam<bool>
{
protected:
	Mapping()
	{
		EXPECT_EQ(h.run(Op::kPopulate), Errno::kOk);
		EXPECT_EQ(h.run(Op::kUnmap), Errno::kOk);
		EXPECT_TRUE(mapper.make().ok());
		EXPECT_EQ(h.mapped(), 0u);
	}
	// With the harness's own pages and flags, and their results.
	uint32_t map(uint64_t first, uint32_t count)
	{
		results.assign(count, 1);
		auto page_at = [&](uint32_t i) { return h.slot(first + i).pfn(); };
		return mapper.map(xenmm::test::page_at(first), count, h.xen.pte_flags(true),
				  page_at, results.data());
	}
	bool all_results_are(int wanted, uint32_t from, uint32_t end)
	{
		return std::all_of(results.begin() + from, results.begin() + end,
				   [=](int result) { return result == wanted; });
	}
	// The arena is told: `present` counts what only its own operations change.
	void TearDown() override
	{
		EXPECT_EQ(mapper.clear(page_at(0), kPages).error(), Errno::kOk);
		EXPECT_EQ(h.mapped(), 0u);
		EXPECT_EQ(h.problems(), "");
	}

	How how = GetParam() ? How{Method::kBatch, 512} : How{Method::kNative, 0};
	Harness h{how, kPages};
	Mapper<FakeBackend> mapper{FakeBackend(h.xen), GetParam()};
	std::vector<int> results;
};
INSTANTIATE_TEST_SUITE_P(Each, Mapping, ::testing::Bool(),
			 [](const auto &info) { return info.param ? "batch" : "native"; });

TEST_P(Mapping, EachPageGoesWhereItBelongs)
{
	EXPECT_EQ(map(7, 1000), 1000u);
	EXPECT_TRUE(all_results_are(0, 0, 1000));
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_EQ(h.is_mapped(i), i >= 7 && i < 1007) << i;
}

TEST_P(Mapping, WhatIsMappedStays)
{
	EXPECT_EQ(map(510, 4), 4u);
	EXPECT_EQ(map(500, 20), 16u);
	EXPECT_TRUE(all_results_are(0, 0, 10));
	EXPECT_TRUE(all_results_are(-EBUSY, 10, 14));
	EXPECT_TRUE(all_results_are(0, 14, 20));
}

TEST_P(Mapping, ClearedEntriesAreFlushed)
{
	EXPECT_EQ(map(0, kPages), kPages);
	h.fill_tlbs();
	EXPECT_EQ(mapper.clear(page_at(100), 800).error(), Errno::kOk);
	EXPECT_EQ(h.mapped(), kPages - 800);
	EXPECT_EQ(h.xen.stale_translations(), "");
}

TEST_P(Mapping, NoTableLeavesTheRestUnmapped)
{
	h.xen.table_make_fuse.set(1, -ENOMEM);
	uint32_t mapped = map(0, kPages);
	h.xen.table_make_fuse.clear();
	EXPECT_EQ(mapped, kTableEntries);
	EXPECT_TRUE(all_results_are(0, 0, kTableEntries));
	EXPECT_TRUE(all_results_are(-ENOMEM, kTableEntries, kPages));
}

// Each refused entry is told, by Xen's own errno, and nothing else suffers.
TEST_P(Mapping, ARefusedEntryIsOneOfMany)
{
	if (!GetParam())
		GTEST_SKIP() << "nobody refuses a store";
	for (uint64_t k : {0, 1, 50, 510, 511, 512, 513, 1000, 1123}) {
		SCOPED_TRACE(k);
		h.xen.hypervisor.entry_fuse.set(k, -EPERM);
		EXPECT_EQ(map(0, kPages), kPages - 1);
		h.xen.hypervisor.entry_fuse.clear();
		for (uint32_t i = 0; i < kPages; i++) {
			ASSERT_EQ(results[i], i == k ? -EPERM : 0) << i;
			ASSERT_EQ(h.is_mapped(i), i != k) << i;
		}
		EXPECT_EQ(mapper.clear(page_at(0), kPages).error(), Errno::kOk);
	}
}

TEST_P(Mapping, ARefusedClearingIsSaid)
{
	if (!GetParam())
		GTEST_SKIP() << "nobody refuses a store";
	EXPECT_EQ(map(0, kPages), kPages);
	h.xen.hypervisor.entry_fuse.set(700, -EPERM);
	EXPECT_EQ(mapper.clear(page_at(0), kPages).error(), Errno::kIo);
	h.xen.hypervisor.entry_fuse.clear();
	for (uint64_t i = 0; i < kPages; i++)
		ASSERT_EQ(h.is_mapped(i), i >= 700) << i;
}

} // namespace

} // namespace xenmm::test
