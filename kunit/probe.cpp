// SPDX-License-Identifier: GPL-2.0
// The probes' C++ side: types and back, no logic of their own.
#include "probe.h"
#include "xenmm/planner.hpp"
#include "xenmm/request.hpp"
#include "xenmm/section.hpp"

using namespace xenmm;

namespace
{

Planner planner_of(const xenmm_probe_plan &plan)
{
	How how = {static_cast<Method>(plan.method), plan.batch};
	return Planner(how, plan.is_pv, plan.exclusive, *plan.cost);
}

xenmm_look look_of(Look look)
{
	switch (look) {
	case Look::kNone:
		return XENMM_LOOK_NONE;
	case Look::kSurvey:
		return XENMM_LOOK_SURVEY;
	case Look::kRebuild:
		break;
	}
	return XENMM_LOOK_REBUILD;
}

xenmm_probe_section describe(const Section &section)
{
	xenmm_probe_section seen = {};
	VirtAddr last = {~0ULL};
	seen.look = look_of(section.look);
	for_each_part(section.begin, section.end, [&](Part part) {
		seen.parts++;
		seen.pages += part.pages;
		seen.tables += !(part.start.table_base() == last);
		last = part.start.table_base();
	});
	return seen;
}

} // namespace

extern "C" {

xenmm_u32 xenmm_probe_parts(const struct xenmm_piece *pieces, xenmm_u32 count,
			    struct xenmm_probe_part *parts, xenmm_u32 most)
{
	xenmm_u32 seen = 0;
	for (PartCursor cursor(Ranges(pieces, count)); !cursor.at_end(); seen++) {
		Part part = cursor.next();
		if (seen < most)
			parts[seen] = {part.start.bytes, part.pages};
	}
	return seen;
}

xenmm_u32 xenmm_probe_sections(const struct xenmm_probe_plan *plan,
			       const struct xenmm_piece *pieces, xenmm_u32 count,
			       struct xenmm_probe_section *sections, xenmm_u32 most)
{
	Planner planner = planner_of(*plan);
	xenmm_u32 seen = 0;
	for (PartCursor cursor(Ranges(pieces, count)); !cursor.at_end(); seen++) {
		Section section = cut_section(cursor, planner, change_of(plan->action));
		cursor = section.end;
		if (seen < most)
			sections[seen] = describe(section);
	}
	return seen;
}

int xenmm_probe_check_shape(const struct xenmm_piece *pieces, xenmm_u32 count)
{
	return to_int(Ranges(pieces, count).check_shape().error());
}

xenmm_u64 xenmm_probe_pages_below(const struct xenmm_piece *pieces, xenmm_u32 count,
				  xenmm_u64 limit)
{
	return Ranges(pieces, count).pages_below({limit});
}

xenmm_u32 xenmm_probe_tables_per_section(const struct xenmm_probe_plan *plan)
{
	return planner_of(*plan).tables_per_section();
}

enum xenmm_look xenmm_probe_look(const struct xenmm_probe_plan *plan, xenmm_u32 asked)
{
	return look_of(planner_of(*plan).look(change_of(plan->action), asked));
}

int xenmm_probe_rebuilds(const struct xenmm_probe_plan *plan, xenmm_u32 changed, xenmm_u32 present)
{
	return planner_of(*plan).rebuilds(change_of(plan->action), {changed, present});
}

int xenmm_probe_flips(const struct xenmm_probe_plan *plan, int matched, xenmm_u32 present)
{
	return planner_of(*plan).flips(matched, present);
}

xenmm_u64 xenmm_probe_pte(xenmm_u64 mfn, xenmm_u64 flags)
{
	return Pte::of({mfn}, flags).bits();
}

xenmm_u64 xenmm_probe_pte_frame(xenmm_u64 entry)
{
	return Pte(entry).frame().number;
}

int xenmm_probe_pte_is_writable(xenmm_u64 entry)
{
	return Pte(entry).is_writable();
}

xenmm_u64 xenmm_probe_pte_with_flags(xenmm_u64 entry, xenmm_u64 flags)
{
	return Pte(entry).with_flags(flags).bits();
}

int xenmm_probe_ptes_agree(xenmm_u64 one, xenmm_u64 other)
{
	return Pte(one).agrees_with(Pte(other));
}

xenmm_u32 xenmm_probe_slot(xenmm_u64 address)
{
	return VirtAddr{address}.slot();
}

xenmm_u64 xenmm_probe_table_base(xenmm_u64 address)
{
	return VirtAddr{address}.table_base().bytes;
}

int xenmm_probe_errno(int error)
{
	return to_int(Result<void>(to_errno(error)).error());
}

xenmm_u32 xenmm_probe_bucket(xenmm_u32 size)
{
	return bucket_of(size);
}

} // extern "C"
