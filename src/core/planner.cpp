// SPDX-License-Identifier: GPL-2.0
// The planner's arithmetic.
#include "xenmm/planner.hpp"

namespace xenmm
{

namespace
{

constexpr uint32_t kNever = kTableEntries + 1;
// Longer batches gain nothing within a table; across tables they save hypercalls.
constexpr How kOneTable = {Method::kBatch, kTableEntries};
constexpr How kManyTables = {Method::kBatch, kMaxBatch};

How entries_of(How how, bool is_pv)
{
	if (how.method == Method::kAuto)
		return is_pv ? kManyTables : How{Method::kNative, 0};
	if (how.method == Method::kRebuild || how.method == Method::kFlip)
		return kOneTable;
	return how;
}

xenmm_cost_item entry_item(Change change)
{
	switch (change) {
	case Change::kMap:
		return XENMM_COST_map;
	case Change::kUnmap:
		return XENMM_COST_unmap;
	case Change::kProtect:
		break;
	}
	return XENMM_COST_protect;
}

} // namespace

Planner::Planner(How how, bool is_pv, bool exclusive, const xenmm_cost &cost)
	: cost_(cost), entries_(entries_of(how, is_pv)),
	  by_cost_(is_pv && how.method == Method::kAuto),
	  may_flip_(is_pv && exclusive && (by_cost_ || how.method == Method::kFlip))
{
	bool may_rebuild = is_pv && exclusive;
	uint32_t named = how.batch ? how.batch : kTableEntries;
	for (unsigned change = 0; change < kChanges; change++) {
		rebuild_from_[change] = kNever;
		if (may_rebuild && by_cost_)
			rebuild_from_[change] = least_for_rebuild(static_cast<Change>(change));
		else if (may_rebuild && how.method == Method::kRebuild)
			rebuild_from_[change] = named;
	}
}

uint32_t Planner::tables_per_section() const
{
	return max(entries_.batch / kTableEntries, 1U);
}

uint64_t Planner::batch_price(Change change, uint32_t entries) const
{
	return price(XENMM_COST_hypercall) + entries * price(entry_item(change));
}

uint64_t Planner::rebuild_price(uint32_t before, uint32_t after) const
{
	return price(XENMM_COST_rebuild) + before * price(XENMM_COST_devalidate) +
	       after * price(XENMM_COST_validate);
}

bool Planner::rebuilds(Change change, TableShape shape) const
{
	uint32_t after = present_after(change, shape.present, shape.changed);
	return rebuild_price(shape.present, after) < batch_price(change, shape.changed);
}

// With nothing present but what changes, which is the best that a rebuild can meet:
// the least n with rebuild + n * checked < hypercall + n * entry.
uint32_t Planner::least_for_rebuild(Change change) const
{
	uint64_t entry = price(entry_item(change));
	uint64_t checked = 0;
	if (change != Change::kMap)
		checked += price(XENMM_COST_devalidate);
	if (change != Change::kUnmap)
		checked += price(XENMM_COST_validate);
	uint64_t fixed = price(XENMM_COST_rebuild);
	uint64_t hypercall = price(XENMM_COST_hypercall);
	if (fixed + checked < hypercall + entry)
		return 1;
	if (entry <= checked)
		return kNever;
	uint64_t least = (fixed - hypercall) / (entry - checked) + 1;
	return static_cast<uint32_t>(min<uint64_t>(least, kNever));
}

// A twin that does not match has to be written first, and pays off the next time: it
// is made where that costs no more than a rebuild plus the exchange.
bool Planner::flips(bool matched, uint32_t present) const
{
	if (!by_cost_ || !may_flip_)
		return may_flip_;
	if (matched)
		return price(XENMM_COST_flip) < batch_price(Change::kProtect, kTableEntries);
	uint64_t written = min(batch_price(Change::kMap, present), rebuild_price(0, present));
	uint64_t otherwise =
		min(batch_price(Change::kProtect, present), rebuild_price(present, present));
	return written < otherwise && price(XENMM_COST_flip) < otherwise;
}

} // namespace xenmm
