// SPDX-License-Identifier: GPL-2.0
// What auto really does, reckoned by the price list it was given: for each table it is
// the cheapest of what the named methods do, by what FakeXen saw of each.
#include <random>

#include "harness.hpp"

namespace xenmm::test
{

namespace
{

constexpr How kAuto = {Method::kAuto, 0};
constexpr How kBatch = {Method::kBatch, 512};
constexpr How kRebuild = {Method::kRebuild, 1};

// Pages [0, present) of one table are mapped; `asked` pages are to change.
struct Shape {
	Op op;
	uint64_t present;
	uint64_t asked;
};

xenmm_cost_item entry_item(Op op)
{
	switch (op) {
	case Op::kPopulate:
	case Op::kMap:
		return XENMM_COST_map;
	case Op::kUnmap:
	case Op::kDiscard:
		return XENMM_COST_unmap;
	default:
		return XENMM_COST_protect;
	}
}

struct Spent {
	uint64_t ticks;
	bool rebuilt;
};

Spent spend(const xenmm_cost &prices, How how, const Shape &shape)
{
	Harness h(how, kTableEntries);
	h.xen.prices = prices;
	h.xen.refuse_twins = true;
	EXPECT_EQ(h.run_by(kBatch, Op::kPopulate, {piece(0, kTableEntries)}), Errno::kOk);
	if (shape.present < kTableEntries) {
		EXPECT_EQ(h.run_by(kBatch, Op::kUnmap,
				   {piece(shape.present, kTableEntries - shape.present)}),
			  Errno::kOk);
	}
	h.xen.forget_totals();
	uint64_t first = shape.op == Op::kMap ? shape.present : 0;
	EXPECT_EQ(h.run(shape.op, first, shape.asked), Errno::kOk);

	auto price = [&](xenmm_cost_item item) -> uint64_t { return prices.ticks[item]; };
	if (h.xen.total(XENMM_COUNTER_tables_rebuilt))
		return {price(XENMM_COST_rebuild) + shape.present * price(XENMM_COST_devalidate) +
				h.mapped() * price(XENMM_COST_validate),
			true};
	uint64_t entries = h.xen.total(XENMM_COUNTER_mmu_updates);
	return {h.xen.total(XENMM_COUNTER_hypercalls) * price(XENMM_COST_hypercall) +
			entries * price(entry_item(shape.op)),
		false};
}

std::vector<Shape> shapes()
{
	std::vector<Shape> shapes;
	for (uint64_t asked : {1, 16, 40, 64, 100, 256, 400, 512}) {
		for (Op op : {Op::kUnmap, Op::kDiscard, Op::kProtectRo})
			for (uint64_t present : {asked, (asked + 512) / 2, uint64_t{512}})
				shapes.push_back({op, present, asked});
		for (uint64_t present : {uint64_t{0}, (512 - asked) / 2, 512 - asked})
			shapes.push_back({Op::kMap, present, asked});
	}
	return shapes;
}

xenmm_cost list(xenmm_u32 hypercall, xenmm_u32 entry, xenmm_u32 rebuild, xenmm_u32 checked)
{
	xenmm_cost cost = default_cost();
	cost.ticks[XENMM_COST_hypercall] = hypercall;
	for (auto item : {XENMM_COST_map, XENMM_COST_unmap, XENMM_COST_protect})
		cost.ticks[item] = entry;
	cost.ticks[XENMM_COST_rebuild] = rebuild;
	cost.ticks[XENMM_COST_validate] = cost.ticks[XENMM_COST_devalidate] = checked;
	return cost;
}

TEST(Choice, OfAutoIsTheCheapestWayForEachShapeOfATable)
{
	unsigned rebuilt = 0, batched = 0;
	for (const xenmm_cost &prices :
	     {default_cost(), list(100, 10, 600, 3), list(5000, 10, 1, 4), list(1, 9, 100, 5),
	      list(1, 1, XENMM_MAX_COST, 1)})
		for (const Shape &shape : shapes()) {
			SCOPED_TRACE(name_of(shape.op) + " " + std::to_string(shape.asked) +
				     " of " + std::to_string(shape.present));
			Spent chosen = spend(prices, kAuto, shape);
			EXPECT_EQ(chosen.ticks, std::min(spend(prices, kBatch, shape).ticks,
							 spend(prices, kRebuild, shape).ticks));
			(chosen.rebuilt ? rebuilt : batched)++;
		}
	EXPECT_GT(rebuilt, 50u);
	EXPECT_GT(batched, 50u);
}

// Nothing present but what changes is the best that a rebuild can meet.
TEST(Choice, NotToLookDeclinesNoRebuildThatWouldPay)
{
	std::mt19937_64 random(1);
	for (int i = 0; i < 300; i++) {
		xenmm_cost cost;
		for (xenmm_u32 &ticks : cost.ticks)
			ticks = 1 + random() % (2ULL << random() % 23);
		// A rebuild is two hypercalls; where it is said to be less, few entries may pay
		// and many not.
		bool is_absurd = cost.ticks[XENMM_COST_rebuild] < cost.ticks[XENMM_COST_hypercall];
		Planner planner(kAuto, true, true, cost);
		for (Change change : {Change::kMap, Change::kUnmap, Change::kProtect})
			for (uint32_t n = 1; n <= kTableEntries; n++) {
				uint32_t before = change == Change::kMap ? 0 : n;
				bool looks = planner.look(change, n) != Look::kNone;
				bool pays = planner.rebuilds(change, {n, before});
				ASSERT_TRUE(looks || !pays) << i << ": " << n;
				ASSERT_TRUE(pays || !looks || is_absurd) << i << ": " << n;
			}
	}
}

TEST(Choice, BetweenAFlipAndABatchIsByPrice)
{
	for (xenmm_u32 flip : {100, 100 + 512 * 10 - 1, 100 + 512 * 10, 100000}) {
		Harness h(kAuto, kTableEntries);
		h.xen.prices = list(100, 10, XENMM_MAX_COST, 3);
		h.xen.prices.ticks[XENMM_COST_flip] = 1;
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
		ASSERT_EQ(h.run_by({Method::kFlip, 0}, Op::kProtectRo, {piece(0, kTableEntries)}),
			  Errno::kOk);
		h.xen.prices.ticks[XENMM_COST_flip] = flip;
		h.xen.forget_totals();
		ASSERT_EQ(h.run(Op::kProtectRw), Errno::kOk);
		EXPECT_EQ(h.xen.total(XENMM_COUNTER_tables_flipped), flip < 100 + 512 * 10) << flip;
	}
}

} // namespace

} // namespace xenmm::test
