// SPDX-License-Identifier: GPL-2.0
// The fork hint: entries that the kernel is about to make read-only one by one, with a trap
// each, are made read-only in batches, or by whole tables, right before it does.
//
//   memory        whose                        what fork finds afterwards
//   private,      the kernel's own: its rmap,  read-only entries, which it copies
//   anonymous     its locks, its swap entries  without a trap
//
// These are no tables of an arena: nothing is known of their pages, entries that are
// not present mean something to the kernel, and an entry that is lost is a page that is
// lost. So only present, writable entries change, and those in nothing but the right to
// write, which a later write gets back from the kernel's own fault.
#pragma once

#include "xenmm/table_writer.hpp"

namespace xenmm
{

class ShieldWork : public PlainWork
{
public:
	static constexpr xenmm_counter kEffect = XENMM_COUNTER_pages_protected;
	static constexpr Change kChange = Change::kProtect;
	static constexpr uint64_t kCommand = MMU_PT_UPDATE_PRESERVE_AD;

	struct Rule {
		bool applies() const { return true; }
		bool changes(unsigned, Pte now) const
		{
			return now.is_present() && now.is_writable();
		}
		Pte wanted(unsigned, Pte now) const { return now.read_only(); }
	};

	bool revokes() const { return true; }
	bool needs_table(Part) { return false; }
	Rule rule(Part) { return {}; }

	// While a table is unhooked nobody finds an entry in it: who wants to turn a migration
	// entry back into a page would leave it as it is, for good.
	bool may_rebuild(const xenmm_table &table)
	{
		for (unsigned slot = 0; slot < kTableEntries; slot++)
			if (Pte now = load_entry(&table.entries[slot]);
			    !now.is_empty() && !now.is_present())
				return false;
		return true;
	}
	void lose(uint32_t entries) { lost_ += entries; }
	uint32_t lost() const { return lost_; }

private:
	uint32_t lost_ = 0;
};

} // namespace xenmm
