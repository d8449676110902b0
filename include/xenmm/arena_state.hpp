// SPDX-License-Identifier: GPL-2.0
// What an arena owns: its spans, their pages and twins, the workspace of its batches.
// The arena lock, held by the caller of every function here, protects all of it, but for
// twins that leave (twin_removal.hpp).
// Invariant: a page-table entry of the arena, in a visible table or in a twin, maps
// the page of its slot or nothing.
#pragma once

#include "xenmm/backend.hpp"
#include "xenmm/batch.hpp"
#include "xenmm/counters.hpp"
#include "xenmm/detached_table.hpp"
#include "xenmm/progress.hpp"
#include "xenmm/ranges.hpp"
#include "xenmm/span.hpp"

namespace xenmm
{

// A table that is no whole one any more, because Xen refused to take it back: where it
// belongs, its entries, its state, its page. The arena is dead from then on.
struct Casualty {
	VirtAddr at;
	uint64_t *entries; // nullptr: there is none
	TableState state;
	Pfn pfn;
};

template <Backend B>
class ArenaState
{
public:
	explicit ArenaState(B &backend) : backend_(backend) {}

	bool is_attached() const { return spans_; }
	// Changes whenever the file is mapped: what was known of pages before is void.
	uint64_t mapping() const { return mapping_; }
	B &backend() { return backend_; }
	Workspace &workspace() { return *workspace_; }
	// Flag bits of entries, fixed when the arena is attached.
	uint64_t flags(bool writable) const { return writable ? flags_rw_ : flags_ro_; }

	// kNoMem leaves nothing behind.
	Result<void> attach(VirtAddr base, uint64_t length)
	{
		uint64_t nr_spans = (length + kSpanBytes - 1) / kSpanBytes;
		auto workspace = static_cast<Workspace *>(backend_.zalloc(sizeof(Workspace)));
		auto spans = static_cast<Span *>(backend_.zalloc(nr_spans * sizeof(Span)));
		if (!workspace || !spans) {
			backend_.free(workspace);
			backend_.free(spans);
			return Errno::kNoMem;
		}
		mapping_++;
		base_ = base;
		nr_spans_ = nr_spans;
		workspace_ = workspace;
		spans_ = spans;
		casualty_ = {};
		is_dead_ = false;
		flush_pending_ = false;
		flags_rw_ = backend_.pte_flags(true);
		flags_ro_ = backend_.pte_flags(false);
		return {};
	}

	// For work on other memory: the workspace alone, no address is in the span. kNoMem.
	Result<void> attach_nowhere() { return attach({0}, kSpanBytes); }

	// Only when no entry maps any of the pages any more.
	void detach()
	{
		Counters counters;
		for (uint64_t i = 0; i < nr_spans_; i++) {
			if (!spans_[i].has_slots())
				continue;
			free_span(spans_[i], counters);
			(void)backend_.breathe(false); // a killed process frees all the same
		}
		backend_.count(counters);
		backend_.free(spans_);
		backend_.free(workspace_);
		spans_ = nullptr;
		workspace_ = nullptr;
		nr_spans_ = 0;
	}

	// --- addresses

	// The span of an address of the arena, or of its twin.
	Span &span(VirtAddr address) { return spans_[offset_of(address) / kSpanBytes]; }
	const Span &span(VirtAddr address) const { return spans_[offset_of(address) / kSpanBytes]; }
	bool is_visible(VirtAddr address) const
	{
		return base_.bytes && address.bytes - base_.bytes < nr_spans_ * kSpanBytes;
	}
	bool has(VirtAddr address) const { return is_visible(address.visible()); }

	// --- twins

	bool has_twins() const { return __atomic_load_n(&nr_twins_, __ATOMIC_RELAXED); }
	bool has_twin(VirtAddr address) const { return span(address).twin() != Twin::kNone; }
	// The page that is now the twin of a span without any.
	void give_twin(Span &span, Pfn ours, Counters &counters)
	{
		span.give_twin(ours);
		__atomic_fetch_add(&nr_twins_, 1, __ATOMIC_RELAXED);
		counters.add(XENMM_COUNTER_twins_made);
	}
	// The twin is gone, and its page no longer this span's.
	void take_twin(Span &span, Counters &counters)
	{
		span.take_twin();
		__atomic_fetch_sub(&nr_twins_, 1, __ATOMIC_RELAXED);
		counters.add(XENMM_COUNTER_twins_dropped);
	}

	// --- pages

	// Make sure that the span has slots. kNoMem.
	Result<void> need_slots(VirtAddr address)
	{
		Span &known = span(address);
		if (known.has_slots())
			return {};
		auto slots = static_cast<Slots *>(backend_.zalloc(sizeof(Slots)));
		if (!slots)
			return Errno::kNoMem;
		known.give_slots(slots);
		return {};
	}

	// The first tracked page of a part, or kNoLimit.
	VirtAddr first_tracked(Part part) const
	{
		const Span &known = span(part.start);
		for (uint32_t i = 0; known.has_tracked() && i < part.pages; i++)
			if (VirtAddr at = part.start.page(i); known.is_tracked(at.slot()))
				return at;
		return kNoLimit;
	}
	bool is_tracked(VirtAddr address) const { return span(address).is_tracked(address.slot()); }
	bool is_writable(VirtAddr address) { return span(address).is_writable(address.slot()); }

	// Free the pages of a part, whose entries are empty and flushed.
	void release(Part part, Counters &counters)
	{
		Span &known = span(part.start);
		if (!known.has_slots())
			return;
		uint64_t freed = 0;
		for (unsigned slot = part.first_slot(); slot < part.first_slot() + part.pages;
		     slot++) {
			if (!free_slot(known.slots()[slot]))
				continue;
			freed++;
			known.note_changed(slot);
		}
		account_freed(freed, counters);
	}

	// Free one page whose entry is empty and flushed.
	bool free_slot(Slot &slot)
	{
		if (!slot.has_page())
			return false;
		backend_.page_free(slot.take());
		return true;
	}
	void account_freed(uint64_t pages, Counters &counters)
	{
		backend_.uncharge(pages);
		counters.add(XENMM_COUNTER_pages_freed, pages);
	}

	// --- the TLBs

	// Rights were taken away and no flush followed yet. The arena knows, because another
	// operation may free pages before the one that took them flushes.
	void note_flush_needed() { flush_pending_ = true; }
	void note_flushed() { flush_pending_ = false; }
	bool is_flush_pending() const { return flush_pending_; }

	// --- death

	bool is_dead() const { return is_dead_; }
	void die(Casualty casualty)
	{
		is_dead_ = true;
		casualty_ = casualty;
		backend_.arena_died();
	}
	Casualty &casualty() { return casualty_; }

private:
	uint64_t offset_of(VirtAddr address) const { return address.visible().bytes - base_.bytes; }
	// What a lost table still maps may not be given to anyone else: Xen counts it.
	void free_span(Span &span, Counters &counters)
	{
		uint64_t freed = 0;
		for (unsigned slot = 0; slot < kTableEntries && !span.is_lost(); slot++)
			freed += free_slot(span.slots()[slot]);
		account_freed(freed, counters);
		backend_.free(span.take_slots());
	}

	B &backend_;
	VirtAddr base_ = {0};
	uint64_t mapping_ = 0;
	uint64_t nr_twins_ = 0;
	uint64_t nr_spans_ = 0;
	Span *spans_ = nullptr;
	Workspace *workspace_ = nullptr;
	uint64_t flags_rw_ = 0;
	uint64_t flags_ro_ = 0;
	Casualty casualty_ = {};
	bool is_dead_ = false;
	bool flush_pending_ = false;
};

} // namespace xenmm
