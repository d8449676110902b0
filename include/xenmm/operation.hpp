// SPDX-License-Identifier: GPL-2.0
// One operation on the ranges of an arena: which works it is made of, the TLB flush,
// the accounts, and what is left when something fails.
#pragma once

#include "xenmm/arena_state.hpp"
#include "xenmm/flip.hpp"
#include "xenmm/table_writer.hpp"
#include "xenmm/twin.hpp"

namespace xenmm
{

template <Backend B>
class Operation
{
public:
	Operation(ArenaState<B> &state, const Planner &planner, Counters &counters)
		: state_(state), planner_(planner), counters_(counters)
	{
	}

	Progress map(Ranges ranges)
	{
		MapWork<B> work(state_);
		TableWriter<B> writer(state_, planner_, counters_, true);
		Progress progress = writer.run(ranges, work);
		writer.flush_if_needed(); // a table that Xen refused may have lost entries
		return progress;
	}

	// No lock is given away before the twins have followed.
	Progress unmap(Ranges ranges)
	{
		TableWriter<B> writer(state_, planner_, counters_);
		UnmapWork work;
		Progress progress = writer.run(ranges, work);
		if (state_.has_twins())
			progress = unmap_twins(ranges, progress);
		writer.flush_if_needed();
		return progress;
	}

	// `yields`: as TableWriter says; then tracked pages are not protected (kBusy), as they are
	// when the tracker itself protects.
	Progress protect(Ranges ranges, bool writable, bool yields = true)
	{
		TableWriter<B> writer(state_, planner_, counters_, yields);
		Flipper<B> flipper(state_, planner_, counters_, yields);
		ProtectWork<B> work(state_, writable, yields);
		Progress progress;
		for (PartCursor cursor(ranges); !cursor.at_end() && progress.ok();) {
			auto flipped = flipper.may_flip(cursor.peek())
					       ? flipper.flip(cursor, writable)
					       : flipper.kNotTried;
			progress =
				flipped.tried ? flipped.progress : writer.run_section(cursor, work);
		}
		writer.flush_if_needed();
		return progress;
	}

	// Pages go only after their entries are empty and every TLB is flushed.
	Progress discard(Ranges ranges)
	{
		Progress progress = unmap(ranges);
		for (PartCursor cursor(ranges); !cursor.at_end();) {
			Part part = cursor.next();
			if (part.end().bytes > progress.limit.bytes)
				part = below(part, progress.limit);
			state_.release(part, counters_);
		}
		return progress;
	}

	// All missing pages are charged before the first is allocated, so that a
	// limit changes nothing.
	Progress populate(Ranges ranges, bool optional)
	{
		uint64_t missing = count_missing(ranges);
		if (auto charged = state_.backend().charge(missing); !charged.ok())
			return {first_page(ranges), charged.error(), 0};
		uint64_t before = kept();
		PopulateWork<B> work(state_, optional, counters_);
		TableWriter<B> writer(state_, planner_, counters_, !optional);
		Progress progress = writer.run(ranges, work);
		writer.flush_if_needed(); // as in map
		state_.backend().uncharge(missing - (kept() - before));
		return progress;
	}

	// Ahead of munmap, see xenmm_arena_retire. What fails is left to the kernel.
	void retire(Part part)
	{
		TableWriter<B> writer(state_, planner_, counters_);
		RetireWork<B> work(state_);
		xenmm_piece piece = {part.start.bytes, part.pages * kPageBytes};
		Ranges range(&piece, 1);
		(void)writer.run(range, work);
		if (state_.has_twin(part.start))
			(void)writer.run(range.moved(VirtAddr::kTwinBit), work);
		writer.flush_if_needed();
	}

private:
	static VirtAddr first_page(Ranges ranges) { return {ranges[0].start}; }
	static Part below(Part part, VirtAddr limit)
	{
		uint64_t bytes = part.start < limit ? limit.bytes - part.start.bytes : 0;
		return {part.start, static_cast<uint32_t>(bytes >> kPageShift)};
	}
	static Progress first_of(const Progress &one, const Progress &other)
	{
		return other.limit < one.limit ? other : one;
	}

	// `visible`: what became of the visible tables. Whatever method writes those, a twin has
	// no address for it; and as it is hooked nowhere, it may be rebuilt at any time.
	Progress unmap_twins(Ranges ranges, const Progress &visible)
	{
		Planner planner({Method::kAuto, 0}, true, true, state_.backend().cost());
		TableWriter<B> writer(state_, planner, counters_);
		TwinUnmapWork<B> work(state_);
		Progress progress = writer.run(ranges.moved(VirtAddr::kTwinBit), work);
		if (!progress.ok())
			progress.limit = progress.limit.visible();
		progress = first_of(visible, progress);
		if (!progress.ok()) // one table may have lost what the other one kept
			spoil_twins(ranges);
		return progress;
	}
	void spoil_twins(Ranges ranges)
	{
		for (PartCursor cursor(ranges); !cursor.at_end();)
			state_.span(cursor.next().start).spoil_twin();
	}

	uint64_t kept() const
	{
		return counters_.get(XENMM_COUNTER_pages_allocated) -
		       counters_.get(XENMM_COUNTER_pages_freed);
	}
	uint64_t count_missing(Ranges ranges)
	{
		uint64_t missing = 0;
		for (PartCursor cursor(ranges); !cursor.at_end();) {
			Part part = cursor.next();
			const Span &span = state_.span(part.start);
			missing += part.pages;
			for (uint32_t i = 0; span.has_slots() && i < part.pages; i++)
				missing -= span.slots()[part.first_slot() + i].has_page();
		}
		return missing;
	}

	ArenaState<B> &state_;
	const Planner &planner_;
	Counters &counters_;
};

} // namespace xenmm
