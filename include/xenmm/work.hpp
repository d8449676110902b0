// SPDX-License-Identifier: GPL-2.0
// What an operation does to one part of one table. Each work has these steps, called
// by TableWriter in this order:
//
//   prepare  may sleep, no lock      make room: slots, pages. May fail
//   rule     table locked            says of each entry whether it must change, and
//                                    into what
//   settle   table locked            note in the slots what was written
//   undo     no lock                 prepare failed in this section: take it back
//
// kEffect is the counter of changed entries, kChange what happens to them, kCommand
// how an mmu_update does it. needs_table(), asked after prepare, says whether a
// missing L1 table is made or means that there is nothing to do.
#pragma once

#include "xenmm/arena_state.hpp"
#include "xenmm/planner.hpp"
#include "xenmm/progress.hpp"

namespace xenmm
{

// What became of a section.
struct Settlement {
	VirtAddr limit; // entries at or behind it were not written, or perhaps were
	bool changed;	// some entry of the section was
};

// Most works prepare nothing and leave nothing to note.
class PlainWork
{
public:
	// Is rebuilt only where all 512 entries are asked for, and all that are present
	// are the arena's.
	static constexpr bool kWholeTablesOnly = false;
	// The area may have been unmapped: then there is nothing to do.
	static constexpr bool kMayBeGone = false;

	Result<void> prepare(Part) { return {}; }
	template <Backend B>
	void settle(Batch<B> &, Part, Settlement)
	{
	}
	void undo(Part) {}
	// May this table be taken out for a while?
	bool may_rebuild(const xenmm_table &) { return true; }
	// Of a table that Xen refused so many entries stay empty: a touch brings them back.
	void lose(uint32_t) {}
};

// Populated pages become present.
template <Backend B>
class MapWork : public PlainWork
{
public:
	static constexpr xenmm_counter kEffect = XENMM_COUNTER_pages_mapped;
	static constexpr Change kChange = Change::kMap;
	static constexpr uint64_t kCommand = MMU_NORMAL_PT_UPDATE;

	struct Rule {
		B &backend;
		const Slot *slots; // nullptr: nothing to do
		uint64_t flags[2]; // as the span says, and of slots that deviate

		bool applies() const { return slots; }
		bool changes(unsigned slot, Pte now) const
		{
			return now.is_empty() && slots[slot].has_page();
		}
		Pte wanted(unsigned slot, Pte) const
		{
			Slot page = slots[slot];
			return Pte::of(backend.to_mfn(page.pfn()), flags[page.deviates()]);
		}
	};

	explicit MapWork(ArenaState<B> &state) : state_(state) {}
	bool revokes() const { return false; }
	bool needs_table(Part part) { return state_.span(part.start).has_slots(); }
	Rule rule(Part part)
	{
		const Span &span = state_.span(part.start);
		bool writable = span.is_writable_throughout();
		return {state_.backend(),
			span.slots(),
			{state_.flags(writable), state_.flags(!writable)}};
	}
	void settle(Batch<B> &, Part part, Settlement settlement)
	{
		if (settlement.changed)
			state_.span(part.start).spoil_twin();
	}

protected:
	ArenaState<B> &state_;
};

// Entries become empty; pages stay.
class UnmapWork : public PlainWork
{
public:
	static constexpr xenmm_counter kEffect = XENMM_COUNTER_pages_unmapped;
	static constexpr Change kChange = Change::kUnmap;
	static constexpr uint64_t kCommand = MMU_NORMAL_PT_UPDATE;

	struct Rule {
		bool applies() const { return true; }
		bool changes(unsigned, Pte now) const { return !now.is_empty(); }
		// Empty is exactly 0: an absent entry with address bits is an L1TF gadget,
		// and Xen crashes the domain that writes one.
		Pte wanted(unsigned, Pte) const { return Pte(); }
	};

	bool revokes() const { return true; }
	bool needs_table(Part) { return false; }
	Rule rule(Part) { return {}; }
};

// Present entries and slots take a protection; unpopulated pages remember it.
template <Backend B>
class ProtectWork : public PlainWork
{
public:
	static constexpr xenmm_counter kEffect = XENMM_COUNTER_pages_protected;
	static constexpr Change kChange = Change::kProtect;
	static constexpr uint64_t kCommand = MMU_PT_UPDATE_PRESERVE_AD;

	struct Rule {
		uint64_t flags;
		bool writable;

		bool applies() const { return true; }
		bool changes(unsigned, Pte now) const
		{
			return !now.is_empty() && now.is_writable() != writable;
		}
		Pte wanted(unsigned, Pte now) const { return now.with_flags(flags); }
	};

	// `spares_tracked`: the locks may be away between two sections, and pages be tracked then.
	ProtectWork(ArenaState<B> &state, bool writable, bool spares_tracked)
		: state_(state), writable_(writable), spares_tracked_(spares_tracked)
	{
	}
	bool revokes() const { return !writable_; }
	bool needs_table(Part) { return false; }

	// kBusy: a page is tracked. kNoMem.
	Result<void> prepare(Part part)
	{
		if (spares_tracked_ && state_.first_tracked(part) < kNoLimit)
			return Errno::kBusy;
		const Span &span = state_.span(part.start);
		bool is_said = part.is_whole() || span.is_writable(part.first_slot()) == writable_;
		if (is_said && !span.has_slots())
			return {};
		return state_.need_slots(part.start);
	}
	Rule rule(Part) { return {state_.flags(writable_), writable_}; }
	void settle(Batch<B> &batch, Part part, Settlement settlement)
	{
		Span &span = state_.span(part.start);
		if (part.is_whole() && part.end() <= settlement.limit)
			return span.set_all_writable(writable_);
		for (uint32_t i = 0; i < part.pages; i++) {
			VirtAddr at = part.start.page(i);
			if (at < settlement.limit)
				span.set_writable(at.slot(), writable_);
			else if (Pte now = batch.read_at(at); !now.is_empty())
				span.set_writable(at.slot(), now.is_writable());
		}
	}

private:
	ArenaState<B> &state_;
	bool writable_;
	bool spares_tracked_;
};

// Allocates what is missing, then maps. The pages are charged by the caller.
template <Backend B>
class PopulateWork : public MapWork<B>
{
public:
	PopulateWork(ArenaState<B> &state, bool optional, Counters &counters)
		: MapWork<B>(state), optional_(optional), counters_(counters)
	{
	}

	Result<void> prepare(Part part)
	{
		XENMM_TRY(this->state_.need_slots(part.start));
		Slot *slots = this->slots(part);
		for (uint32_t i = 0; i < part.pages; i++) {
			if (slots[i].has_page())
				continue;
			auto page = this->state_.backend().page_alloc(optional_);
			if (!page.ok())
				return page.error();
			slots[i].give(page.value());
			counters_.add(XENMM_COUNTER_pages_allocated);
		}
		return {};
	}
	void settle(Batch<B> &batch, Part part, Settlement settlement)
	{
		MapWork<B>::settle(batch, part, settlement);
		Slot *slots = this->slots(part);
		for (uint32_t i = 0; i < part.pages; i++) {
			VirtAddr at = part.start.page(i);
			if (!(at < settlement.limit) && batch.read_at(at).is_empty())
				take_back(slots[i]);
			slots[i].settle();
		}
	}
	void undo(Part part)
	{
		if (!this->state_.span(part.start).has_slots())
			return;
		Slot *slots = this->slots(part);
		for (uint32_t i = 0; i < part.pages; i++)
			take_back(slots[i]);
	}

private:
	Slot *slots(Part part) { return &this->state_.span(part.start).slots()[part.first_slot()]; }
	void take_back(Slot &slot)
	{
		if (slot.is_fresh())
			counters_.add(XENMM_COUNTER_pages_freed, this->state_.free_slot(slot));
	}

	bool optional_;
	Counters &counters_;
};

} // namespace xenmm
