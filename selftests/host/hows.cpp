// SPDX-License-Identifier: GPL-2.0
// The ways to write that tests go through, by name. See harness.hpp.
#include "harness.hpp"

namespace xenmm
{

void PrintTo(const How &how, std::ostream *stream)
{
	*stream << test::name_of(how);
}

} // namespace xenmm

namespace xenmm::test
{

const char *word_of(Method method)
{
	switch (method) {
#define XENMM_CASE(number, NAME, name, Name) \
	case Method::k##Name:                \
		return #name;
		XENMM_METHODS(XENMM_CASE)
#undef XENMM_CASE
	}
	return "unknown";
}

std::string name_of(How how)
{
	std::string name = word_of(how.method);
	return how.batch ? name + std::to_string(how.batch) : name;
}

bool writes_entries(How how)
{
	return how.method != Method::kAuto && how.method != Method::kRebuild &&
	       how.method != Method::kFlip;
}

bool may_flip(How how)
{
	return how.method == Method::kAuto || how.method == Method::kFlip;
}

#define XENMM_LISTED(number, NAME, name, Name) Method::k##Name,

std::vector<How> pv_hows()
{
	std::vector<How> hows;
	for (Method method : {XENMM_ENTRY_METHODS(XENMM_LISTED)})
		hows.push_back({method, 0});
	for (uint32_t batch : {1, 2, 8, 31, 511, 512, 513, 1024, 2047, 2048})
		hows.push_back({Method::kBatch, batch});
	return hows;
}

std::vector<How> entry_hows()
{
	std::vector<How> hows = pv_hows();
	hows.push_back({Method::kNative, 0});
	return hows;
}

std::vector<How> table_hows()
{
	return {{Method::kAuto, 0},
		{Method::kRebuild, 0},
		{Method::kRebuild, 1},
		{Method::kRebuild, 100},
		{Method::kFlip, 0}};
}

std::vector<How> all_hows()
{
	std::vector<How> hows = entry_hows();
	for (How how : table_hows())
		hows.push_back(how);
	return hows;
}

std::vector<How> short_hows()
{
	std::vector<How> hows;
	for (How how : all_hows())
		if (how.method != Method::kBatch || how.batch == 8 || how.batch == 512 ||
		    how.batch == 2048)
			hows.push_back(how);
	return hows;
}

} // namespace xenmm::test
