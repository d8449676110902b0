// SPDX-License-Identifier: GPL-2.0
// How much of a range is written at once: the parts of one table, or of up to four.
#pragma once

#include "xenmm/planner.hpp"
#include "xenmm/ranges.hpp"

namespace xenmm
{

struct Section {
	PartCursor begin;
	PartCursor end;
	Look look;	// other than kNone: the section is one table
	uint32_t asked; // pages, of its last table
};

template <class Visitor>
void for_each_part(PartCursor cursor, const PartCursor &end, Visitor visit)
{
	while (!cursor.is_at(end))
		visit(cursor.next());
}

// The section that begins at `cursor`, which is not at its end. A table that deserves
// a look is a section of its own.
inline Section cut_section(PartCursor cursor, const Planner &planner, Change change)
{
	Section section = {cursor, cursor, Look::kNone, 0};
	for (uint32_t tables = 0; !cursor.at_end() && tables < planner.tables_per_section();
	     tables++) {
		VirtAddr base = cursor.peek().start.table_base();
		uint32_t asked = 0;
		while (!cursor.at_end() && cursor.peek().start.table_base() == base)
			asked += cursor.next().pages;
		Look look = planner.look(change, asked);
		if (look != Look::kNone && tables)
			return section;
		section.end = cursor;
		section.look = look;
		section.asked = asked;
		if (look != Look::kNone)
			return section;
	}
	return section;
}

} // namespace xenmm
