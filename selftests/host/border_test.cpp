// SPDX-License-Identifier: GPL-2.0
// The C border: what the glue calls does what the core does, errors come out as the
// errnos that abi.h names, and the glue's counters and price list are used.
#include <errno.h>

#include "border.hpp"

namespace xenmm::test
{

namespace
{

constexpr uint64_t kPages = 3 * kTableEntries;
constexpr How kBatch = {Method::kBatch, 512};

xenmm_counts counts()
{
	xenmm_counts counts;
	xenmm_stats_read(&counts);
	return counts;
}

// LinuxBackend's own stores of method native would go past the fake; a flip only
// protects, see below.
std::vector<How> border_hows()
{
	std::vector<How> hows = short_hows();
	std::erase_if(hows, [](How how) {
		return how.method == Method::kNative || how.method == Method::kFlip;
	});
	return hows;
}

class Borders : public EachHow
{
public:
	Borders() : border(XENMM_KIND_XEN_PV, kPages) { xenmm_stats_reset(); }
	int run(Op op) { return border.run(GetParam(), op, {piece(0, kPages)}); }

	Border border;
};
INSTANTIATE_TEST_SUITE_P(Each, Borders, ::testing::ValuesIn(border_hows()), how_name);

TEST_P(Borders, CarryOutEveryOperation)
{
	ASSERT_EQ(run(Op::kPopulate), 0);
	EXPECT_EQ(border.mapped(), kPages);
	ASSERT_EQ(run(Op::kProtectRo), 0);
	EXPECT_EQ(border.write(5), -EACCES);
	EXPECT_EQ(border.fault(5, true, 1), -EACCES);
	ASSERT_EQ(run(Op::kProtectRw), 0);
	EXPECT_EQ(border.write(5), 0);
	ASSERT_EQ(run(Op::kUnmap), 0);
	EXPECT_EQ(border.mapped(), 0u);
	ASSERT_EQ(border.fault(5, true, 16), 0);
	EXPECT_EQ(border.mapped(), 16u);
	ASSERT_EQ(run(Op::kMap), 0);
	EXPECT_EQ(border.mapped(), kPages);
	ASSERT_EQ(run(Op::kDiscard), 0);
	EXPECT_EQ(border.host.xen.pages_held(), 0u);
	EXPECT_EQ(border.last.pages_done, kPages);
	EXPECT_EQ(counts().counter[XENMM_COUNTER_pages_allocated], kPages);
	EXPECT_EQ(counts().counter[XENMM_COUNTER_pages_freed], kPages);
	EXPECT_EQ(counts().counter[XENMM_COUNTER_faults], 1u);
}

class PvBorder : public ::testing::Test
{
public:
	PvBorder() : border(XENMM_KIND_XEN_PV, kPages)
	{
		EXPECT_EQ(border.run(kBatch, Op::kPopulate, {piece(0, kPages)}), 0);
		xenmm_stats_reset();
	}

	Border border;
};

TEST_F(PvBorder, AnswersTheErrnosOfTheUapi)
{
	FakeXen &xen = border.host.xen;
	EXPECT_EQ(border.run({Method::kBatch, 0}, Op::kMap, {piece(0, 1)}), -EINVAL);
	EXPECT_EQ(border.run({Method::kNative, 0}, Op::kMap, {piece(0, 1)}), -EOPNOTSUPP);
	EXPECT_EQ(border.run(kBatch, Op::kMap, {piece(kPages, 1)}), -EINVAL);
	EXPECT_EQ(border.run(kBatch, Op::kDiscard, {piece(0, kPages)}), 0);
	xen.page_fuse.set(3, -ENOMEM);
	EXPECT_EQ(border.run(kBatch, Op::kPopulate, {piece(0, 9)}), -ENOMEM);
	xen.charge_fuse.set(0, -ENOMEM);
	EXPECT_EQ(border.run(kBatch, Op::kPopulate, {piece(0, 9)}), -ENOMEM);
	xen.table_lock_fuse.set(0, -EIO);
	EXPECT_EQ(border.run(kBatch, Op::kPopulate, {piece(0, 9)}), -EIO);
	xen.breathe_fuse.set(0, -EINTR);
	EXPECT_EQ(border.run(kBatch, Op::kPopulate, {piece(0, 9)}), -EINTR);
	xen.hypervisor.entry_fuse.set(4, -EPERM);
	EXPECT_EQ(border.run(kBatch, Op::kPopulate, {piece(0, 9)}), -EIO);
	EXPECT_EQ(border.last.pages_done, 4u);
	EXPECT_EQ(border.last.failed_address, page_at(4).bytes);
	EXPECT_EQ(border.last.hypervisor_error, -EPERM);
	EXPECT_EQ(border.fault(6, true, 1), 0);
	xen.hypervisor.entry_fuse.set(0, -EPERM);
	EXPECT_EQ(border.fault(5, true, 1), -EIO);
}

TEST_F(PvBorder, MapsForAnotherModule)
{
	xenmm_page_list list;
	xenmm_mapper_core *core = nullptr;
	int results[kTableEntries];
	uint64_t base = page_at(0).bytes;
	for (uint64_t i = 0; i < kTableEntries; i++)
		list.pfns.push_back(border.host.xen.page_alloc(false).value().number);
	ASSERT_EQ(border.run(kBatch, Op::kUnmap, {piece(0, kPages)}), 0);
	FakeXen *before = enter_border(&border.host.xen);
	border.host.xen.zalloc_fuse.set(1, -ENOMEM);
	EXPECT_EQ(xenmm_mapper_core_create(&border.host, XENMM_KIND_XEN_PV, &core), -ENOMEM);
	ASSERT_EQ(xenmm_mapper_core_create(&border.host, XENMM_KIND_XEN_PV, &core), 0);
	EXPECT_EQ(xenmm_mapper_map(core, base, kTableEntries, border.host.xen.pte_flags(true),
				   &list, results),
		  kTableEntries);
	EXPECT_EQ(border.mapped(), kTableEntries);
	EXPECT_EQ(xenmm_mapper_clear(core, base, kTableEntries), 0);
	EXPECT_EQ(border.mapped(), 0u);
	xenmm_mapper_core_destroy(core);
	enter_border(before);
	for (uint64_t pfn : list.pfns)
		border.host.xen.page_free({pfn});
}

TEST_F(PvBorder, AttachesOnceAndWhereATableBegins)
{
	EXPECT_EQ(xenmm_arena_attach(border.arena, kBase.bytes, kPageBytes), -EBUSY);
	EXPECT_EQ(xenmm_arena_attach(border.arena, kBase.bytes + kPageBytes, kPageBytes), -EINVAL);
	EXPECT_EQ(xenmm_arena_attach(border.arena, kBase.bytes, 0), -EINVAL);
}

TEST(Creation, WithoutMemoryLeavesNothing)
{
	xenmm_host host = {FakeXen(true)};
	FakeXen *outer = enter_border(&host.xen);
	xenmm_arena *arena = nullptr;
	host.xen.zalloc_fuse.set(0, -ENOMEM);
	EXPECT_EQ(xenmm_arena_create(&host, XENMM_KIND_XEN_PV, &arena), -ENOMEM);
	EXPECT_EQ(xenmm_arena_create(&host, XENMM_KIND_XEN_PV, &arena), 0);
	host.xen.zalloc_fuse.set(1, -ENOMEM);
	EXPECT_EQ(xenmm_arena_attach(arena, kBase.bytes, kPageBytes), -ENOMEM);
	xenmm_arena_detach(arena); // nothing to do
	xenmm_arena_destroy(arena);
	EXPECT_EQ(host.xen.leaks(), "");
	enter_border(outer);
}

TEST_F(PvBorder, FlipsAndGivesTheTwinsBack)
{
	ASSERT_EQ(border.run({Method::kFlip, 0}, Op::kProtectRo, {piece(0, kPages)}), 0);
	EXPECT_EQ(counts().counter[XENMM_COUNTER_tables_flipped], 3u);
	EXPECT_EQ(counts().counter[XENMM_COUNTER_twins_made], 3u);
	border.oust();
	EXPECT_EQ(counts().counter[XENMM_COUNTER_twins_dropped], 3u);
	EXPECT_EQ(border.mapped(), 0u);
}

TEST_F(PvBorder, ClearsAheadOfMunmap)
{
	border.retire();
	EXPECT_EQ(border.mapped(), 0u);
	EXPECT_EQ(counts().counter[XENMM_COUNTER_teardown_pages], kPages);
}

class DeadBorder : public PvBorder
{
public:
	DeadBorder()
	{
		Fuse &fuse = border.host.xen.hypervisor.step_fuse;
		fuse.set(3, -EBUSY, 1000);
		EXPECT_EQ(border.run({Method::kRebuild, 0}, Op::kUnmap, {piece(0, 512)}), -EIO);
		fuse.clear();
		EXPECT_EQ(border.host.xen.deaths(), 1u);
		EXPECT_EQ(border.run(kBatch, Op::kMap, {piece(600, 1)}), -EIO);
		EXPECT_EQ(border.fault(600, false, 1), -EIO);
	}
};

TEST_F(DeadBorder, IsMendedWhenTheMmGoes)
{
	border.mend();
	EXPECT_EQ(border.host.xen.badly_hooked(), "");
	EXPECT_EQ(border.host.xen.tables_lost(), 0u);
}

TEST_F(DeadBorder, SaysWhatIsLost)
{
	border.host.xen.orphan_fuse.set(0, -ENOENT);
	border.mend();
	EXPECT_EQ(border.host.xen.tables_lost(), 1u);
}

TEST(Names, AreThoseOfDebugfs)
{
	EXPECT_STREQ(xenmm_counter_name(0), "hypercalls");
	EXPECT_STREQ(xenmm_counter_name(XENMM_NR_COUNTERS - 1), "writes_noted");
	EXPECT_STREQ(xenmm_cost_name(0), "hypercall");
	EXPECT_STREQ(xenmm_cost_name(XENMM_NR_COSTS - 1), "trap");
	EXPECT_EQ(xenmm_methods(XENMM_KIND_NATIVE), xenmm_methods(XENMM_KIND_XEN_HVM));
	EXPECT_EQ(xenmm_methods(XENMM_KIND_NATIVE) & xenmm_methods(XENMM_KIND_XEN_PV), 1u)
		<< "auto alone is everywhere";
}

// --- the price list

class Prices : public ::testing::Test
{
public:
	~Prices() override { EXPECT_EQ(write("default"), 0); }
	int write(std::string text) { return xenmm_cost_write(text.data()); }
	xenmm_u32 price(xenmm_cost_item item)
	{
		xenmm_cost cost;
		xenmm_k_cost(&cost);
		return cost.ticks[item];
	}
};

TEST_F(Prices, AreWrittenAllOrNone)
{
	xenmm_cost built_in;
	xenmm_cost_default(&built_in);
	EXPECT_EQ(price(XENMM_COST_flip), built_in.ticks[XENMM_COST_flip]);
	EXPECT_EQ(write("flip 7\n map 16777215 \n"), 0);
	EXPECT_EQ(price(XENMM_COST_flip), 7u);
	EXPECT_EQ(price(XENMM_COST_map), static_cast<xenmm_u32>(XENMM_MAX_COST));
	EXPECT_EQ(price(XENMM_COST_unmap), built_in.ticks[XENMM_COST_unmap]);
	for (const char *bad : {"", "flip", "flip 0", "flip 16777216", "flip -1", "flip 1x",
				"flop 1", "map 3\nflop 1", "flip 1 2", "default 1"})
		EXPECT_EQ(write(bad), -EINVAL) << bad;
	EXPECT_EQ(price(XENMM_COST_flip), 7u);
	EXPECT_EQ(price(XENMM_COST_map), static_cast<xenmm_u32>(XENMM_MAX_COST));
	EXPECT_EQ(write("default"), 0);
	EXPECT_EQ(price(XENMM_COST_flip), built_in.ticks[XENMM_COST_flip]);
}

TEST_F(Prices, DecideWhichLockARequestNeeds)
{
	const Pieces pieces = {piece(0, 100)};
	xenmm_request request = request_of({Method::kAuto, 0}, Op::kUnmap, pieces);
	EXPECT_TRUE(xenmm_request_is_exclusive(&request, pieces.data(), XENMM_KIND_XEN_PV));
	EXPECT_EQ(write("rebuild 1000000"), 0);
	EXPECT_FALSE(xenmm_request_is_exclusive(&request, pieces.data(), XENMM_KIND_XEN_PV));
	EXPECT_EQ(write("rebuild 1"), 0);
	EXPECT_TRUE(xenmm_request_is_exclusive(&request, pieces.data(), XENMM_KIND_XEN_PV));
	EXPECT_FALSE(xenmm_request_is_exclusive(&request, pieces.data(), XENMM_KIND_NATIVE));
}

} // namespace

} // namespace xenmm::test
