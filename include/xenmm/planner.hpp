// SPDX-License-Identifier: GPL-2.0
// Which way to take for each table: pure arithmetic over a price list, the method
// that the caller named, and what is known of the table.
//
//   whole table, protection only   flip     an exchange of two L2 entries
//   many entries of a table        rebuild  a fixed price, then one for each entry
//                                           that is present before and after
//   else                           batch    a price for each entry that changes
//
// Tables with so few entries to change that no rebuild could pay are not looked at
// and share their hypercalls with up to three others.
#pragma once

#include "xenmm/abi.h"
#include "xenmm/method.hpp"

namespace xenmm
{

// What an operation does to entries.
enum class Change : unsigned { kMap, kUnmap, kProtect };
inline constexpr unsigned kChanges = 3;

// How many are present afterwards.
constexpr uint32_t present_after(Change change, uint32_t present, uint32_t changed)
{
	switch (change) {
	case Change::kMap:
		return min(present + changed, kTableEntries);
	case Change::kUnmap:
		return present - min(present, changed);
	case Change::kProtect:
		break;
	}
	return present;
}

// A table before the operation.
struct TableShape {
	uint32_t changed; // entries that must change
	uint32_t present; // entries present before
};

// What to do with a table in which so many pages are asked for.
enum class Look {
	kNone,	  // write the entries
	kSurvey,  // count, then ask rebuilds()
	kRebuild, // whatever the counts are
};

class Planner
{
public:
	// `exclusive`: tables may be taken out of the address space.
	Planner(How how, bool is_pv, bool exclusive, const xenmm_cost &cost);

	// How single entries are written.
	How entries() const { return entries_; }
	// How many tables may share a critical section.
	uint32_t tables_per_section() const;
	Look look(Change change, uint32_t asked) const
	{
		if (asked < rebuild_from_[static_cast<unsigned>(change)])
			return Look::kNone;
		return by_cost_ ? Look::kSurvey : Look::kRebuild;
	}
	bool rebuilds(Change change, TableShape shape) const;
	// The same before anybody has counted what must change: may it be worth it?
	bool might_rebuild(Change change, uint32_t asked, uint32_t present) const
	{
		uint32_t most = change == Change::kMap ? kTableEntries - present : present;
		return rebuilds(change, {min(asked, most), present});
	}

	bool may_flip() const { return may_flip_; }
	// Is it right to exchange a whole table of which so many entries are present?
	// `matched`: the twin is as it must be, and nobody has counted.
	bool flips(bool matched, uint32_t present) const;

private:
	uint64_t price(xenmm_cost_item item) const { return cost_.ticks[item]; }
	uint64_t batch_price(Change change, uint32_t entries) const;
	uint64_t rebuild_price(uint32_t before, uint32_t after) const;
	uint32_t least_for_rebuild(Change change) const;

	xenmm_cost cost_;
	How entries_;
	bool by_cost_;
	bool may_flip_;
	uint32_t rebuild_from_[kChanges];
};

xenmm_cost default_cost();

} // namespace xenmm
