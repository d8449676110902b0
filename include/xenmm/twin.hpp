// SPDX-License-Identifier: GPL-2.0
// What is written into twins: they are made to match the visible table, cleared with it,
// and both are cleared ahead of munmap.
#pragma once

#include "xenmm/work.hpp"

namespace xenmm
{

// Which entries of a visible table are present.
class Presence
{
public:
	Presence() = default;
	explicit Presence(const xenmm_table &table)
	{
		for (unsigned slot = 0; slot < kTableEntries; slot++) {
			uint64_t present = !load_entry(&table.entries[slot]).is_empty();
			words_[slot / 64] |= present << slot % 64;
			count_ += present;
		}
	}

	bool has(unsigned slot) const { return words_[slot / 64] >> slot % 64 & 1; }
	uint32_t count() const { return count_; }

private:
	uint64_t words_[kTableEntries / 64] = {};
	uint32_t count_ = 0;
};

// The twin maps what the visible table maps, all of it with one protection.
template <Backend B>
class MatchWork : public PlainWork
{
public:
	static constexpr xenmm_counter kEffect = XENMM_COUNTER_twin_updates;
	static constexpr Change kChange = Change::kMap;
	static constexpr uint64_t kCommand = MMU_NORMAL_PT_UPDATE;

	struct Rule {
		B &backend;
		const Slot *slots;
		const Presence &present;
		uint64_t flags;

		bool applies() const { return true; }
		bool changes(unsigned slot, Pte now) const
		{
			return now.is_empty() ? present.has(slot)
					      : !now.agrees_with(wanted(slot, now));
		}
		Pte wanted(unsigned slot, Pte) const
		{
			if (!present.has(slot))
				return Pte();
			return Pte::of(backend.to_mfn(slots[slot].pfn()), flags);
		}
	};

	MatchWork(ArenaState<B> &state, const Presence &present, bool writable)
		: state_(state), present_(present), writable_(writable)
	{
	}
	// It does, but the exchange that follows ends with a flush.
	bool revokes() const { return false; }
	bool needs_table(Part) { return false; } // it is there
	Rule rule(Part part)
	{
		return {state_.backend(), state_.span(part.start).slots(), present_,
			state_.flags(writable_)};
	}
	void settle(Batch<B> &, Part part, Settlement settlement)
	{
		bool matches = settlement.limit == kNoLimit;
		state_.span(part.start).set_twin(matches ? matched_twin(writable_) : Twin::kStale);
	}

private:
	ArenaState<B> &state_;
	const Presence &present_;
	bool writable_;
};

// Twins lose the entries that their visible tables have just lost.
template <Backend B>
class TwinUnmapWork : public UnmapWork
{
public:
	static constexpr xenmm_counter kEffect = XENMM_COUNTER_twin_updates;
	static constexpr bool kMayBeGone = true;

	struct Rule : UnmapWork::Rule {
		bool may_map;
		bool applies() const { return may_map; }
	};

	explicit TwinUnmapWork(ArenaState<B> &state) : state_(state) {}
	Rule rule(Part part) { return {{}, may_map_pages(state_.span(part.start).twin())}; }
	void settle(Batch<B> &, Part part, Settlement settlement)
	{
		Span &span = state_.span(part.start);
		bool is_empty = settlement.limit == kNoLimit && part.is_whole();
		if (is_empty && span.twin() == Twin::kStale)
			span.set_twin(Twin::kEmpty);
	}

private:
	ArenaState<B> &state_;
};

// Ahead of munmap: entries of our own pages go, whatever else the table may hold.
template <Backend B>
class RetireWork : public PlainWork
{
public:
	static constexpr xenmm_counter kEffect = XENMM_COUNTER_teardown_pages;
	static constexpr Change kChange = Change::kUnmap;
	static constexpr uint64_t kCommand = MMU_NORMAL_PT_UPDATE;
	static constexpr bool kWholeTablesOnly = true;

	struct Rule {
		B &backend;
		const Slot *slots; // nullptr: nothing to do

		bool applies() const { return slots; }
		bool changes(unsigned slot, Pte now) const
		{
			Slot page = slots[slot];
			return !now.is_empty() && page.has_page() &&
			       now.frame().number == backend.to_mfn(page.pfn()).number;
		}
		Pte wanted(unsigned, Pte) const { return Pte(); }
	};

	explicit RetireWork(ArenaState<B> &state) : state_(state) {}
	bool revokes() const { return true; }
	bool needs_table(Part) { return false; }
	Rule rule(Part part) { return {state_.backend(), state_.span(part.start).slots()}; }
	// Whichever of the two tables it was, they differ now.
	void settle(Batch<B> &, Part part, Settlement) { state_.span(part.start).spoil_twin(); }

private:
	ArenaState<B> &state_;
};

} // namespace xenmm
