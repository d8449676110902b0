// SPDX-License-Identifier: GPL-2.0
// Write tracking: which pages were written since they were tracked, or collected last?
//
//              track                 first write              collect
//   writable ────────► read-only ────────────────► writable ────────► read-only
//                      tracked                     tracked            tracked, and
//                                                  and written        the caller knows
//
// Tracking takes the right to write away as PROTECT does, so by a flip where that is
// cheapest; the first write to a page pays a fault and one update; collecting looks at
// groups of slots with written pages and protects those pages alone.
//
// Invariant, arena lock not held: a tracked page that is writable is written. Hence no
// lock is given away here, and PROTECT of a tracked page is refused.
#pragma once

#include "xenmm/operation.hpp"

namespace xenmm
{

template <Backend B>
class Tracker
{
public:
	Tracker(ArenaState<B> &state, const Planner &planner, Counters &counters)
		: state_(state), operation_(state, planner, counters), counters_(counters)
	{
	}

	// The first page that may not be protected as it is tracked, or, `tracks`, that may
	// not be tracked or untracked as the program itself made it read-only; or kNoLimit.
	VirtAddr first_barred(Ranges ranges, bool tracks) const
	{
		for (PartCursor cursor(ranges); !cursor.at_end();) {
			Part part = cursor.next();
			VirtAddr at = tracks ? first_read_only(part) : state_.first_tracked(part);
			if (at < kNoLimit)
				return at;
		}
		return kNoLimit;
	}

	// No page is barred. kNoMem changed nothing; on kIo and kIntr pages from `limit` on
	// are as they were.
	Progress track(Ranges ranges)
	{
		for (PartCursor cursor(ranges); !cursor.at_end();)
			if (Part part = cursor.next();
			    !part.is_whole() && !state_.need_slots(part.start).ok())
				return {{ranges[0].start}, Errno::kNoMem, 0};
		Progress progress = operation_.protect(ranges, false, false);
		// Behind the limit, too: see TableWriter.
		for (PartCursor cursor(ranges); !cursor.at_end();)
			note_tracked(cursor.next());
		return progress;
	}

	// Likewise; what was noted of these pages is forgotten.
	Progress untrack(Ranges ranges)
	{
		Progress progress = operation_.protect(ranges, true, false);
		for (PartCursor cursor(ranges); !cursor.at_end();)
			note_untracked(cursor.next(), progress.limit);
		return progress;
	}

	// A write to a read-only page. kAccess: it is not tracked. kIo changed nothing.
	Progress let_through(VirtAddr page)
	{
		if (!state_.is_tracked(page))
			return {page, Errno::kAccess, 0};
		xenmm_piece piece = {page.bytes, kPageBytes};
		Progress progress = operation_.protect(Ranges(&piece, 1), true, false);
		if (!progress.ok())
			return progress;
		state_.span(page).set_written(page.slot(), true);
		counters_.add(XENMM_COUNTER_writes_noted);
		state_.backend().write_noted();
		return progress;
	}

	// See xenmm_arena_collect.
	Progress collect(xenmm_harvest &harvest)
	{
		find(harvest);
		Progress progress = operation_.protect(found(harvest), false, false);
		if (!progress.ok())
			cut(harvest, progress.limit);
		set_written(found(harvest), false);
		harvest.pages = found(harvest).pages_below(kNoLimit);
		harvest.hypervisor_error = progress.hypervisor_error;
		return progress;
	}
	void uncollect(const xenmm_harvest &harvest) { set_written(found(harvest), true); }

private:
	static bool is_all_writable(const Span &span)
	{
		return span.is_uniform() && span.is_writable_throughout();
	}
	// The first page that is read-only though it is not tracked: the program made it so.
	VirtAddr first_read_only(Part part) const
	{
		const Span &span = state_.span(part.start);
		if (is_all_writable(span) || span.is_all_tracked())
			return kNoLimit;
		for (uint32_t i = 0; i < part.pages; i++) {
			VirtAddr at = part.start.page(i);
			if (!state_.is_tracked(at) && !span.is_writable(at.slot()))
				return at;
		}
		return kNoLimit;
	}
	static Ranges found(const xenmm_harvest &harvest)
	{
		return {harvest.found, harvest.nr_found};
	}

	// What is read-only is so because it is tracked.
	void note_tracked(Part part)
	{
		Span &span = state_.span(part.start);
		if (part.is_whole() && span.is_uniform() && !span.is_writable_throughout())
			return span.set_all_tracked(true);
		for (unsigned slot = part.first_slot(); slot < end_slot(part); slot++)
			if (span.has_slots() && !span.is_writable(slot))
				span.set_tracked(slot, true);
	}
	void note_untracked(Part part, VirtAddr limit)
	{
		Span &span = state_.span(part.start);
		if (part.is_whole() && part.end() <= limit)
			return span.set_all_tracked(false);
		for (uint32_t i = 0; span.has_slots() && i < part.pages; i++) {
			VirtAddr at = part.start.page(i);
			if (at < limit)
				span.set_tracked(at.slot(), false);
			else if (span.is_writable(at.slot()))
				span.note_changed(at.slot());
		}
	}
	void set_written(Ranges ranges, bool written)
	{
		for (PartCursor cursor(ranges); !cursor.at_end();) {
			Part part = cursor.next();
			Span &span = state_.span(part.start);
			for (unsigned slot = part.first_slot(); slot < end_slot(part); slot++)
				if (span.is_tracked(slot))
					span.set_written(slot, written);
		}
	}
	static unsigned end_slot(Part part) { return part.first_slot() + part.pages; }

	// The written pages, as many as there is room for.
	void find(xenmm_harvest &harvest) const
	{
		harvest.nr_found = 0;
		harvest.resume = harvest.range.start + harvest.range.length;
		for (PartCursor cursor(Ranges(&harvest.range, 1)); !cursor.at_end();) {
			VirtAddr full = find_in(cursor.next(), harvest);
			if (full < kNoLimit) {
				harvest.resume = full.bytes;
				return;
			}
		}
	}
	// The first page for which there was no room.
	VirtAddr find_in(Part part, xenmm_harvest &harvest) const
	{
		const Span &span = state_.span(part.start);
		unsigned slot = part.first_slot();
		while (span.has_written() && slot < end_slot(part)) {
			VirtAddr at = part.start.page(slot - part.first_slot());
			if (!span.has_written(slot)) {
				slot = (slot / Span::kGroup + 1) * Span::kGroup;
				continue;
			}
			if (span.slots()[slot].is_written() && !append(harvest, at))
				return at;
			slot++;
		}
		return kNoLimit;
	}
	static bool append(xenmm_harvest &harvest, VirtAddr page)
	{
		xenmm_piece *last = harvest.found + harvest.nr_found - 1;
		if (harvest.nr_found && last->start + last->length == page.bytes) {
			last->length += kPageBytes;
			return true;
		}
		if (harvest.nr_found == harvest.max_found)
			return false;
		harvest.found[harvest.nr_found++] = {page.bytes, kPageBytes};
		return true;
	}
	// What is behind the limit was not found.
	static void cut(xenmm_harvest &harvest, VirtAddr limit)
	{
		while (harvest.nr_found && harvest.found[harvest.nr_found - 1].start >= limit.bytes)
			harvest.nr_found--;
		if (harvest.nr_found) {
			xenmm_piece &last = harvest.found[harvest.nr_found - 1];
			last.length = min(last.length, limit.bytes - last.start);
		}
		harvest.resume = limit.bytes;
	}

	ArenaState<B> &state_;
	Operation<B> operation_;
	Counters &counters_;
};

} // namespace xenmm
