// SPDX-License-Identifier: GPL-2.0
// The planner's choices: pure arithmetic, so tables of cases.
#include "harness.hpp"
#include "xenmm/request.hpp"
#include "xenmm/section.hpp"

namespace xenmm::test
{

namespace
{

constexpr How kAuto = {Method::kAuto, 0};

// Prices that are easy to reckon with.
xenmm_cost simple_cost()
{
	xenmm_cost cost = {};
	cost.ticks[XENMM_COST_hypercall] = 100;
	cost.ticks[XENMM_COST_map] = 10;
	cost.ticks[XENMM_COST_unmap] = 8;
	cost.ticks[XENMM_COST_protect] = 12;
	cost.ticks[XENMM_COST_rebuild] = 600;
	cost.ticks[XENMM_COST_validate] = 4;
	cost.ticks[XENMM_COST_devalidate] = 2;
	cost.ticks[XENMM_COST_flip] = 300;
	return cost;
}

Planner auto_planner(xenmm_cost cost = simple_cost())
{
	return Planner(kAuto, true, true, cost);
}

TEST(Planner, AutoRebuildsWhatIsCheaperRebuilt)
{
	struct Case {
		Change change;
		TableShape shape; // changed, present before
		bool rebuilds;
	};
	const Case cases[] = {
		// batch 100 + 10n, rebuild 600 + 2 * before + 4 * (before + n)
		{Change::kMap, {512, 0}, true},
		{Change::kMap, {84, 0}, true},
		{Change::kMap, {83, 0}, false},
		{Change::kMap, {200, 312}, false},
		{Change::kMap, {256, 128}, true},
		// batch 100 + 8n, rebuild 600 + 2 * before + 4 * (before - n)
		{Change::kUnmap, {512, 512}, true},
		{Change::kUnmap, {84, 84}, true},
		{Change::kUnmap, {83, 83}, false},
		{Change::kUnmap, {256, 512}, false},
		// batch 100 + 12n, rebuild 600 + 6 * before
		{Change::kProtect, {512, 512}, true},
		{Change::kProtect, {298, 512}, true},
		{Change::kProtect, {297, 512}, false},
		{Change::kProtect, {84, 84}, true},
		{Change::kProtect, {0, 512}, false},
	};
	for (const Case &c : cases)
		EXPECT_EQ(auto_planner().rebuilds(c.change, c.shape), c.rebuilds)
			<< c.shape.changed << " of " << c.shape.present;
}

TEST(Planner, AutoLooksOnlyWhereARebuildCouldPay)
{
	for (Change change : {Change::kMap, Change::kUnmap, Change::kProtect}) {
		EXPECT_EQ(auto_planner().look(change, 83), Look::kNone);
		EXPECT_EQ(auto_planner().look(change, 84), Look::kSurvey);
		EXPECT_EQ(auto_planner().look(change, 512), Look::kSurvey);
	}
	xenmm_cost dear = simple_cost();
	dear.ticks[XENMM_COST_validate] = 12;
	EXPECT_EQ(auto_planner(dear).look(Change::kMap, 512), Look::kNone) << "never pays";
	EXPECT_EQ(auto_planner(dear).look(Change::kUnmap, 512), Look::kSurvey);
	xenmm_cost cheap = simple_cost();
	cheap.ticks[XENMM_COST_rebuild] = 1;
	EXPECT_EQ(auto_planner(cheap).look(Change::kMap, 1), Look::kSurvey) << "always pays";
}

TEST(Planner, NoticesWhatEntriesIntoXenCost)
{
	xenmm_cost xpti = simple_cost();
	xpti.ticks[XENMM_COST_rebuild] = 60000; // two of them, and flushes
	EXPECT_EQ(auto_planner(xpti).look(Change::kProtect, 512), Look::kNone);
	EXPECT_TRUE(auto_planner(xpti).flips(true, 512));
}

TEST(Planner, NamedMethodsAreTaken)
{
	const xenmm_cost cost = simple_cost();
	for (Change change : {Change::kMap, Change::kUnmap, Change::kProtect}) {
		Planner whole({Method::kRebuild, 0}, true, true, cost);
		EXPECT_EQ(whole.look(change, 511), Look::kNone);
		EXPECT_EQ(whole.look(change, 512), Look::kRebuild);
		Planner from({Method::kRebuild, 7}, true, true, cost);
		EXPECT_EQ(from.look(change, 6), Look::kNone);
		EXPECT_EQ(from.look(change, 7), Look::kRebuild);
		for (Method method : {Method::kFlip, Method::kBatch, Method::kTrap}) {
			Planner other({method, 512}, true, true, cost);
			EXPECT_EQ(other.look(change, 512), Look::kNone);
		}
	}
	EXPECT_TRUE(Planner({Method::kFlip, 0}, true, true, cost).flips(false, 1));
	EXPECT_FALSE(Planner({Method::kRebuild, 0}, true, true, cost).may_flip());
	EXPECT_EQ(Planner({Method::kFlip, 0}, true, true, cost).entries().batch, 512u);
	EXPECT_EQ(Planner({Method::kTrap, 0}, true, true, cost).entries().method, Method::kTrap);
}

TEST(Planner, NothingIsTakenOutWithoutTheLockOrWithoutXen)
{
	for (auto [is_pv, exclusive] : {std::pair(true, false), std::pair(false, true)}) {
		Planner planner(kAuto, is_pv, exclusive, simple_cost());
		EXPECT_EQ(planner.look(Change::kMap, 512), Look::kNone);
		EXPECT_FALSE(planner.may_flip());
		EXPECT_FALSE(planner.flips(true, 512));
		EXPECT_EQ(planner.entries().method, is_pv ? Method::kBatch : Method::kNative);
	}
}

TEST(Planner, AutoFlipsWhatIsCheaperFlipped)
{
	EXPECT_TRUE(auto_planner().flips(true, 512));
	EXPECT_TRUE(auto_planner().flips(false, 512))
		<< "a twin is written for less than a rebuild";
	EXPECT_FALSE(auto_planner().flips(false, 3)) << "a batch of three is cheaper";
	xenmm_cost dear = simple_cost();
	dear.ticks[XENMM_COST_flip] = 10000;
	EXPECT_FALSE(auto_planner(dear).flips(true, 512));
	EXPECT_FALSE(auto_planner(dear).flips(false, 512));
}

TEST(Planner, DefaultPricesPreferWhatTheMeasurementsDo)
{
	Planner planner(kAuto, true, true, default_cost());
	EXPECT_TRUE(planner.flips(true, 512));
	EXPECT_TRUE(planner.flips(false, 512));
	for (Change change : {Change::kMap, Change::kUnmap, Change::kProtect}) {
		EXPECT_TRUE(planner.rebuilds(change, {512, change == Change::kMap ? 0u : 512u}));
		EXPECT_EQ(planner.look(change, 16), Look::kNone);
		EXPECT_FALSE(planner.rebuilds(change, {16, change == Change::kMap ? 496u : 512u}));
	}
}

// --- sections

std::vector<std::pair<uint64_t, Look>> sections_of(const Planner &planner, const Pieces &pieces)
{
	Ranges ranges(pieces.data(), static_cast<uint32_t>(pieces.size()));
	std::vector<std::pair<uint64_t, Look>> sections;
	for (PartCursor cursor(ranges); !cursor.at_end();) {
		Section section = cut_section(cursor, planner, Change::kProtect);
		EXPECT_FALSE(section.begin.is_at(section.end));
		uint64_t pages = 0;
		for_each_part(section.begin, section.end, [&](Part part) { pages += part.pages; });
		sections.push_back({pages, section.look});
		cursor = section.end;
	}
	return sections;
}

TEST(Sections, OfAutoAreFourSparseTablesOrOneThatDeservesALook)
{
	using S = std::pair<uint64_t, Look>;
	Pieces sparse;
	for (uint64_t table = 0; table < 9; table++)
		sparse.push_back(piece(table * 512 + 7, 3));
	EXPECT_EQ(sections_of(auto_planner(), sparse),
		  (std::vector<S>{{12, Look::kNone}, {12, Look::kNone}, {3, Look::kNone}}));
	EXPECT_EQ(sections_of(auto_planner(), {piece(500, 1100)}),
		  (std::vector<S>{{12, Look::kNone},
				  {512, Look::kSurvey},
				  {512, Look::kSurvey},
				  {64, Look::kNone}}));
	EXPECT_EQ(sections_of(auto_planner(), {piece(0, 40), piece(100, 44), piece(600, 1)}),
		  (std::vector<S>{{84, Look::kSurvey}, {1, Look::kNone}}));
}

// --- the lock of a request

TEST(Exclusive, AreRequestsThatMightTakeATableOut)
{
	struct Case {
		Method method;
		uint32_t batch;
		xenmm_action action;
		uint64_t pages;
		bool on_pv;
	};
	const Case cases[] = {
		{Method::kAuto, 0, XENMM_PROTECT, 84, true},
		{Method::kAuto, 0, XENMM_PROTECT, 83, false},
		{Method::kAuto, 0, XENMM_POPULATE, 5000, true},
		{Method::kAuto, 0, XENMM_DISCARD, 10, false},
		{Method::kRebuild, 0, XENMM_MAP, 512, true},
		{Method::kRebuild, 0, XENMM_MAP, 511, false},
		{Method::kRebuild, 1, XENMM_UNMAP, 1, true},
		{Method::kFlip, 0, XENMM_PROTECT, 512, true},
		{Method::kFlip, 0, XENMM_PROTECT, 511, false},
		{Method::kBatch, 512, XENMM_PROTECT, 5000, false},
	};
	for (const Case &c : cases) {
		xenmm_request request = {};
		request.action = c.action;
		request.method = static_cast<uint32_t>(c.method);
		request.batch = c.batch;
		// In two pieces, of which neither need be right.
		const xenmm_piece pieces[] = {{1, (c.pages - 1) * kPageBytes}, {0, kPageBytes}};
		Ranges ranges(pieces, 2);
		EXPECT_EQ(is_exclusive(request, ranges, true, simple_cost()), c.on_pv) << c.pages;
		EXPECT_FALSE(is_exclusive(request, ranges, false, simple_cost()));
	}
	const xenmm_piece absurd[] = {{0, ~0ULL}, {0, ~0ULL}};
	xenmm_request request = {};
	EXPECT_TRUE(is_exclusive(request, Ranges(absurd, 2), true, simple_cost()));
}

} // namespace

} // namespace xenmm::test
