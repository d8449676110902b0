// SPDX-License-Identifier: GPL-2.0
#include "section.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "comparison.hpp"

namespace xenmm
{

std::string Section::not_available(const std::string &reason)
{
	auto found = std::find(notes.begin(), notes.end(), reason);
	auto number = found - notes.begin() + 1;
	if (found == notes.end())
		notes.push_back(reason);
	return fmt::format("n/a [{}]", number);
}

Section section_by_system(const Comparison &comparison)
{
	Section section;
	section.heads = {"workload"};
	for (const System &system : comparison.systems())
		section.heads.push_back(system.name());
	return section;
}

std::vector<Section> make_sections(const Comparison &comparison)
{
	std::vector<Section> sections;
	for (auto make : {stock_section, arena_section, uses_section, walk_section, memory_section,
			  entries_section, agreement_section}) {
		Section section = make(comparison);
		if (!section.rows.empty())
			sections.push_back(std::move(section));
	}
	return sections;
}

} // namespace xenmm
