// SPDX-License-Identifier: GPL-2.0
// Random lives of arenas (life.hpp) by one method, and by all of them in turn. Seeds
// are fixed.
#include "life.hpp"

namespace xenmm::test
{

namespace
{

// One life after the other, until so many steps are made.
void live(const Setting &setting, uint64_t seed, unsigned steps)
{
	SCOPED_TRACE("seed " + std::to_string(seed));
	Choices choices(seed);
	while (steps && !::testing::Test::HasFailure())
		steps -= Life(setting, choices).run(steps);
}

class Modelled : public EachHow
{
};
INSTANTIATE_TEST_SUITE_P(Each, Modelled, ::testing::ValuesIn(all_hows()), how_name);

TEST_P(Modelled, RandomOperationsDoWhatTheModelSays)
{
	for (uint64_t seed = 1; seed <= 3; seed++)
		live({{GetParam()}, false}, seed, 60);
}

TEST_P(Modelled, RandomOperationsWithRefusalsKeepEverythingInAgreement)
{
	for (uint64_t seed = 11; seed <= 13; seed++)
		live({{GetParam()}, true}, seed, 60);
}

std::vector<How> mixed_hows()
{
	std::vector<How> hows = short_hows();
	std::erase_if(hows, [](How how) { return how.method == Method::kNative; });
	return hows;
}

// Most are flips: it takes several in a row to meet what an earlier one left.
std::vector<How> whole_hows()
{
	std::vector<How> hows = table_hows();
	hows.insert(hows.end(), 4, {Method::kFlip, 0});
	return hows;
}

class Mixed : public ::testing::TestWithParam<uint64_t>
{
};
INSTANTIATE_TEST_SUITE_P(Seeds, Mixed, ::testing::Range<uint64_t>(101, 141));

TEST_P(Mixed, MethodsDoWhatTheModelSays)
{
	live({mixed_hows(), false}, GetParam(), 80);
}

TEST_P(Mixed, MethodsWithRefusalsKeepEverythingInAgreement)
{
	live({mixed_hows(), true}, GetParam(), 80);
}

// What involves twins and whole tables is most likely to meet itself here.
TEST_P(Mixed, MethodsOfWholeTablesWithRefusalsKeepEverythingInAgreement)
{
	live({whole_hows(), true}, GetParam(), 80);
}

} // namespace

} // namespace xenmm::test
