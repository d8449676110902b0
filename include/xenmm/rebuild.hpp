// SPDX-License-Identifier: GPL-2.0
// A whole table rewritten by a work: taken out, its entries changed by plain stores,
// put back and validated by Xen in one go.
//
// When Xen refuses the new table it comes back empty and is filled again by a batch,
// which says which entry was the bad one: entries below it take their new value, all
// others their old one. What Xen refuses even then stays empty, which is always a
// legal state of an entry: a touch brings the page back.
#pragma once

#include "xenmm/arena_state.hpp"
#include "xenmm/methods.hpp"
#include "xenmm/section.hpp"
#include "xenmm/work.hpp"

namespace xenmm
{

inline uint32_t count_present(const xenmm_table &table)
{
	uint32_t present = 0;
	for (unsigned slot = 0; slot < kTableEntries; slot += 4)
		for (unsigned i = 0; i < 4; i++)
			present += !load_entry(&table.entries[slot + i]).is_empty();
	return present;
}

template <Backend B, class Work>
class Rebuild
{
public:
	// The batch has entered the section's one table and holds no updates.
	Rebuild(ArenaState<B> &state, Counters &counters, Batch<B> &batch, const Section &section,
		Work &work)
		: state_(state), counters_(counters), batch_(batch), section_(section), work_(work),
		  base_(section.begin.peek().start.table_base())
	{
	}

	bool is_possible()
	{
		if (base_.is_twin()) {
			(void)state_.backend().twin_hooks(state_.span(base_).spare(), hooks_);
			return true;
		}
		bool is_possible = state_.backend().table_hooks(base_, batch_.table(), hooks_).ok();
		// Both tables of a span with a twin are pinned, whatever Linux does.
		hooks_.is_pinned |= state_.has(base_) && state_.has_twin(base_);
		return is_possible;
	}

	Progress run()
	{
		DetachedTable<B> table(state_.backend(), state_.workspace().calls, entries(),
				       hooks_, counters_);
		if (int error = table.take_out())
			return give_up(table, error);
		save();
		rewrite();
		int error = table.put_back();
		if (error && !table.state().is_whole())
			return give_up(table, error);
		counters_.add(XENMM_COUNTER_tables_rebuilt);
		Progress progress = error ? fill_again() : Progress();
		counters_.add(Work::kEffect, changed_);
		state_.backend().trace_rebuilt(base_, changed_);
		return progress;
	}

	// After run(): how many entries changed? Was a right to access taken away, if only
	// for a while?
	uint32_t changed() const { return changed_; }
	bool was_refilled() const { return refilled_; }
	// Entries that Xen did not take back: they are empty now.
	uint32_t lost() const { return lost_; }
	bool has_revoked() const { return refilled_ || (changed_ && work_.revokes()); }

private:
	uint64_t *entries() { return batch_.table().entries; }
	uint64_t *saved() { return state_.workspace().saved; }
	uint64_t *wanted() { return state_.workspace().wanted; }

	// Hardware is out of the way since the unhook: these are the last values.
	void save() { __builtin_memcpy(saved(), entries(), kTableEntries * sizeof(uint64_t)); }

	void rewrite()
	{
		for_each_part(section_.begin, section_.end, [this](Part part) {
			if (auto rule = work_.rule(part); rule.applies())
				changed_ += rewrite_part(entries(), part, rule);
		});
	}
	template <class Rule>
	static uint32_t rewrite_part(uint64_t *table, Part part, Rule rule)
	{
		uint32_t changed = 0;
		unsigned end = part.first_slot() + part.pages;
		for (unsigned slot = part.first_slot(); slot < end; slot++) {
			Pte now(table[slot]);
			if (!rule.changes(slot, now))
				continue;
			__atomic_store_n(&table[slot], rule.wanted(slot, now).bits(),
					 __ATOMIC_RELAXED);
			changed++;
		}
		return changed;
	}

	// The table is unchanged, or lost and the arena with it.
	Progress give_up(const DetachedTable<B> &table, int error)
	{
		if (table.state().is_whole())
			counters_.add(XENMM_COUNTER_repairs);
		else
			state_.die({base_, entries(), table.state(), pfn()});
		changed_ = 0;
		return refused(section_.begin.peek().start, error);
	}

	Pfn pfn()
	{
		return base_.is_twin() ? state_.span(base_).spare()
				       : state_.backend().table_pfn(hooks_.l2_value);
	}

	// The table is back and empty.
	Progress fill_again()
	{
		refilled_ = true;
		__builtin_memcpy(wanted(), saved(), kTableEntries * sizeof(uint64_t));
		for_each_part(section_.begin, section_.end, [this](Part part) {
			if (auto rule = work_.rule(part); rule.applies())
				(void)rewrite_part(wanted(), part, rule);
		});
		Progress progress;
		for (unsigned from = 0; from < kTableEntries;)
			from = fill_from(from, progress);
		changed_ = count_written(progress.limit);
		return progress;
	}

	// Writes the slots from `from` on until Xen refuses one; answers where to go on.
	// One that was to change ends the operation there and keeps its old value; one
	// that cannot even be brought back stays empty.
	unsigned fill_from(unsigned from, Progress &progress)
	{
		for (unsigned slot = from; slot < kTableEntries; slot++)
			if (Pte value = value_of(slot, progress.limit); !value.is_empty())
				batch_.push(slot, value, MMU_NORMAL_PT_UPDATE);
		Outcome outcome = batch_.commit([this](const Updates &updates) {
			Order order = {{Method::kBatch, kTableEntries}, false};
			return submit_batch(state_.backend(), updates, order, counters_);
		});
		if (!outcome.error)
			return kTableEntries;
		VirtAddr at = batch_.address_of(outcome.applied);
		bool was_to_change = wanted()[at.slot()] != saved()[at.slot()];
		if (!was_to_change || !(at < progress.limit)) {
			lost_++;
			return at.slot() + 1;
		}
		progress = refused(at, outcome.error);
		return at.slot();
	}
	Pte value_of(unsigned slot, VirtAddr limit)
	{
		return Pte(base_.page(slot) < limit ? wanted()[slot] : saved()[slot]);
	}
	uint32_t count_written(VirtAddr limit)
	{
		uint32_t written = 0;
		for (unsigned slot = 0; slot < kTableEntries && base_.page(slot) < limit; slot++)
			written += wanted()[slot] != saved()[slot];
		return written;
	}

	ArenaState<B> &state_;
	Counters &counters_;
	Batch<B> &batch_;
	const Section &section_;
	Work &work_;
	VirtAddr base_;
	xenmm_hooks hooks_ = {};
	uint32_t changed_ = 0;
	uint32_t lost_ = 0;
	bool refilled_ = false;
};

} // namespace xenmm
