// SPDX-License-Identifier: GPL-2.0
// What an operation does to one part of one table. Each work has the same five
// steps, called by Operation in this order:
//
//   prepare  may sleep, no lock      make room: spans, pages. May fail
//   gather   table locked            push the entries that must change
//   settle   table locked            note in the slots what was written; everything
//                                    at or behind `limit` was not
//   undo     no lock                 prepare failed in this section: take it back
//
// kEffect is the counter of changed entries. needs_table(), asked after prepare, says
// whether a missing L1 table is made or means that there is nothing to do.
#pragma once

#include "xenmm/arena_state.hpp"

namespace xenmm
{

// Populated pages become present.
template <Backend B>
class MapWork
{
public:
	static constexpr xenmm_counter kEffect = XENMM_COUNTER_pages_mapped;

	explicit MapWork(ArenaState<B> &state) : state_(state) {}
	bool revokes() const { return false; }
	bool needs_table(Part part) { return state_.span(part.start); }

	Result<void> prepare(Part) { return {}; }
	void gather(Batch<B> &batch, Part part)
	{
		const Span *span = state_.span(part.start);
		if (!span)
			return;
		for (unsigned slot = part.first_slot(); slot < part.first_slot() + part.pages;
		     slot++) {
			Slot page = span->slots[slot];
			if (!page.has_page() || !batch.read(slot).is_empty())
				continue;
			Mfn frame = state_.backend().to_mfn(page.pfn());
			batch.push(slot, Pte::of(frame, state_.flags(page.is_writable())),
				   MMU_NORMAL_PT_UPDATE);
		}
	}
	void settle(Batch<B> &, Part, VirtAddr) {}
	void undo(Part) {}

protected:
	ArenaState<B> &state_;
};

// Entries become empty; pages stay.
template <Backend B>
class UnmapWork
{
public:
	static constexpr xenmm_counter kEffect = XENMM_COUNTER_pages_unmapped;

	bool revokes() const { return true; }
	bool needs_table(Part) { return false; }
	Result<void> prepare(Part) { return {}; }
	void gather(Batch<B> &batch, Part part)
	{
		// Empty is exactly 0: an absent entry with address bits is an L1TF
		// gadget, and Xen crashes the domain that writes one.
		for (unsigned slot = part.first_slot(); slot < part.first_slot() + part.pages;
		     slot++)
			if (!batch.read(slot).is_empty())
				batch.push(slot, Pte(), MMU_NORMAL_PT_UPDATE);
	}
	void settle(Batch<B> &, Part, VirtAddr) {}
	void undo(Part) {}
};

// Present entries and slots take a protection; unpopulated pages remember it.
template <Backend B>
class ProtectWork
{
public:
	static constexpr xenmm_counter kEffect = XENMM_COUNTER_pages_protected;

	ProtectWork(ArenaState<B> &state, bool writable) : state_(state), writable_(writable) {}
	bool revokes() const { return !writable_; }
	bool needs_table(Part) { return false; }

	Result<void> prepare(Part part) { return state_.need_span(part.start); }
	void gather(Batch<B> &batch, Part part)
	{
		uint64_t flags = state_.flags(writable_);
		for (unsigned slot = part.first_slot(); slot < part.first_slot() + part.pages;
		     slot++) {
			Pte now = batch.read(slot);
			if (!now.is_empty() && now.is_writable() != writable_)
				batch.push(slot, now.with_flags(flags), MMU_PT_UPDATE_PRESERVE_AD);
		}
	}
	void settle(Batch<B> &batch, Part part, VirtAddr limit)
	{
		Slot *slots = &state_.span(part.start)->slots[part.first_slot()];
		for (uint32_t i = 0; i < part.pages; i++) {
			VirtAddr at = part.start.page(i);
			if (at < limit)
				slots[i].set_writable(writable_);
			else if (Pte now = batch.read_at(at); !now.is_empty())
				slots[i].set_writable(now.is_writable());
		}
	}
	void undo(Part) {}

private:
	ArenaState<B> &state_;
	bool writable_;
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
		XENMM_TRY(this->state_.need_span(part.start));
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
	void settle(Batch<B> &batch, Part part, VirtAddr limit)
	{
		Slot *slots = this->slots(part);
		for (uint32_t i = 0; i < part.pages; i++) {
			VirtAddr at = part.start.page(i);
			if (!(at < limit) && batch.read_at(at).is_empty())
				take_back(slots[i]);
			slots[i].settle();
		}
	}
	void undo(Part part)
	{
		if (!this->state_.span(part.start))
			return;
		Slot *slots = this->slots(part);
		for (uint32_t i = 0; i < part.pages; i++)
			take_back(slots[i]);
	}

private:
	Slot *slots(Part part) { return &this->state_.span(part.start)->slots[part.first_slot()]; }
	void take_back(Slot &slot)
	{
		if (slot.is_fresh())
			counters_.add(XENMM_COUNTER_pages_freed, this->state_.free_slot(slot));
	}

	bool optional_;
	Counters &counters_;
};

} // namespace xenmm
