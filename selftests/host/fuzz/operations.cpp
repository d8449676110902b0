// SPDX-License-Identifier: GPL-2.0
// Fuzzes batches, planner and ranges: bytes choose an arena's shape, prices and
// methods, then operations with their ranges, refusals by Xen and the kernel, accesses
// and unmappings (life.hpp), until they are used up. The model, the invariants and the
// judge of each write say what is right.
#include "life.hpp"

namespace xenmm::test
{

namespace
{

// From 1 to some 16,000,000 ticks, as likely in each power of two.
uint32_t some_price(Choices &choices)
{
	uint32_t power = 1U << choices.below(24);
	return std::min<uint32_t>(power + choices.below(power), XENMM_MAX_COST);
}

std::optional<xenmm_cost> some_prices(Choices &choices)
{
	if (choices.below(2))
		return {};
	xenmm_cost cost;
	for (xenmm_u32 &ticks : cost.ticks)
		ticks = some_price(choices);
	return cost;
}

// One method of any batch size, or all in turn.
std::vector<How> some_hows(Choices &choices)
{
	std::vector<How> hows = all_hows();
	if (choices.below(2)) {
		std::erase_if(hows, [](How how) { return how.method == Method::kNative; });
		return hows;
	}
	How how = hows[choices.below(hows.size())];
	if (how.method == Method::kBatch)
		how.batch = 1 + choices.below(kMaxBatch);
	if (how.method == Method::kRebuild)
		how.batch = choices.below(kTableEntries + 1);
	return {how};
}

Setting some_setting(Choices &choices)
{
	Setting setting = {some_hows(choices), !choices.below(2)};
	setting.pages = (1 + choices.below(3)) * kTableEntries;
	if (choices.below(2))
		setting.pages += 1 + choices.below(kTableEntries - 1);
	setting.prices = some_prices(choices);
	return setting;
}

} // namespace

} // namespace xenmm::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	xenmm::test::Choices choices(bytes, count);
	xenmm::test::Setting setting = xenmm::test::some_setting(choices);
	xenmm::test::Life(setting, choices).run(~0U);
	return 0;
}
