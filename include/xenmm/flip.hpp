// SPDX-License-Identifier: GPL-2.0
// The protection of whole tables by exchanging them with their twins:
//
//                  before                          after
//   L2 entry  ──► table A, writable        L2 entry ──► table B, read-only
//   spare         table B, read-only       spare        table A, writable
//
// Both tables map the same pages and are pinned, so Xen checks nothing but the L2 entry:
// one update for 512 pages, all tables of a range in one mmu_update, and the TLB flush
// along with the last of them. The spare is hooked nowhere: no address leads to it.
//
// The machine addresses live from flips_lock to flips_unlock, with preemption off. Xen
// applies the updates in order and says how many: each of them is a flip of its own.
#pragma once

#include "xenmm/table_writer.hpp"
#include "xenmm/twin.hpp"
#include "xenmm/twin_maker.hpp"

namespace xenmm
{

template <Backend B>
class Flipper
{
public:
	Flipper(ArenaState<B> &state, const Planner &planner, Counters &counters, bool yields)
		: state_(state), planner_(planner), counters_(counters), yields_(yields)
	{
	}

	bool may_flip(Part part) const
	{
		return planner_.may_flip() && part.is_whole() &&
		       state_.span(part.start).has_slots() &&
		       !(yields_ && state_.span(part.start).has_tracked());
	}

	// Flips tables from the cursor on, at least one of which may_flip(), and advances
	// it over them. Not tried: it would not pay, or there is no twin; nothing has
	// changed, and the caller goes another way. The flush goes along at the end of all
	// ranges. On kIo what is not done is as before, or the arena is dead.
	struct Flipped {
		bool tried;
		Progress progress;
	};
	static constexpr Flipped kNotTried = {false, {}};
	Flipped flip(PartCursor &cursor, bool writable)
	{
		// From here on no lock is given away: what is surveyed stays true.
		Part first = cursor.peek();
		if (auto alive = state_.backend().breathe(yields_); !alive.ok())
			return {true, {first.start, alive.error(), 0}};
		if (is_flipped(first, writable)) {
			cursor.next();
			return kDone;
		}
		PartCursor next = cursor;
		uint32_t count = 0;
		for (; may_join(first, count, next); count++) {
			Flipped ready = make_ready(next.peek(), writable);
			if (!ready.tried || !ready.progress.ok()) {
				if (count)
					break; // its turn comes next
				return ready;
			}
			next.next();
		}
		Flipped flipped = exchange(first, count, writable, next.at_end());
		if (flipped.tried)
			cursor = next;
		return flipped;
	}

private:
	static constexpr Flipped kDone = {true, {}};
	static constexpr uint64_t kL2Bytes = kTableEntries * kSpanBytes; // what an L2 maps

	bool is_flipped(Part part, bool writable) const
	{
		const Span &span = state_.span(part.start);
		return span.is_uniform() && span.is_writable_throughout() == writable;
	}

	// Is the cursor's part the one behind `count` tables from `first` on, and of the
	// same L2 table?
	bool may_join(Part first, uint32_t count, const PartCursor &cursor) const
	{
		if (count == XENMM_MAX_FLIPS || cursor.at_end())
			return false;
		Part part = cursor.peek();
		VirtAddr behind = first.start.page(uint64_t(count) * kTableEntries);
		return part.start == behind && may_flip(part) &&
		       first.start.bytes / kL2Bytes == behind.bytes / kL2Bytes;
	}

	bool matches(Part part, bool writable)
	{
		return state_.span(part.start).twin() == matched_twin(writable);
	}

	Flipped make_ready(Part part, bool writable)
	{
		if (!matches(part, writable))
			return match(part, writable);
		return planner_.flips(true, kTableEntries) ? kDone : kNotTried;
	}

	Flipped match(Part part, bool writable)
	{
		Presence present = survey(part.start);
		if (!present.count() || !planner_.flips(false, present.count()))
			return kNotTried;
		if (!state_.has_twin(part.start)) {
			TwinMaker<B> maker(state_, counters_);
			return maker.make(part.start, present, writable).ok() ? kDone : kNotTried;
		}
		Planner planner({Method::kAuto, 0}, true, true, state_.backend().cost());
		TableWriter<B> twin_writer(state_, planner, counters_);
		MatchWork<B> work(state_, present, writable);
		Progress progress = twin_writer.run_table(part.start.twin(), work);
		state_.note_flush_needed();
		progress.limit = progress.ok() ? kNoLimit : part.start;
		return {!progress.ok() || matches(part, writable), progress};
	}
	// Nothing is present where there is no table.
	Presence survey(VirtAddr base)
	{
		Batch<B> batch(state_.backend(), state_.workspace());
		return batch.enter(base).ok() ? Presence(batch.table()) : Presence();
	}

	Flipped exchange(Part first, uint32_t count, bool writable, bool flush)
	{
		xenmm_flips flips;
		if (!state_.backend().flips_lock(first.start, count, false, flips).ok())
			return kNotTried;
		Progress progress;
		uint32_t flipped = submit(first, flips, count, flush, progress);
		for (uint32_t i = 0; i < flipped; i++)
			span(first, i).flip(writable,
					    state_.backend().table_pfn(flips.l2_value[i]));
		state_.backend().flips_unlock(flips);
		counters_.add(XENMM_COUNTER_tables_flipped, flipped);
		if (flipped)
			state_.backend().trace_flipped(first.start.table_base(), flipped);
		return {true, progress};
	}
	Span &span(Part first, uint32_t i)
	{
		return state_.span(first.start.page(uint64_t(i) * kTableEntries));
	}

	// How many tables are exchanged now; fewer than all with an error in `progress`.
	uint32_t submit(Part first, const xenmm_flips &flips, uint32_t count, bool flush,
			Progress &progress)
	{
		xen::Update *updates = state_.workspace().updates;
		for (uint32_t i = 0; i < count; i++)
			updates[i] = {flips.l2_maddr + i * sizeof(uint64_t),
				      Pte::of(state_.backend().to_mfn(span(first, i).spare()),
					      flips.l2_flags[i])
					      .bits()};
		Stopwatch watch(state_.backend(), counters_, XENMM_COUNTER_hypercall_cycles);
		uint32_t done = 0; // Xen may leave it alone when nothing was applied
		bool flushed = false;
		int error = update(updates, count, flush, &done, &flushed);
		counters_.add(XENMM_COUNTER_mmu_updates, done);
		counters_.add(XENMM_COUNTER_tlb_flushes, flushed);
		if (flushed)
			state_.note_flushed();
		else if (done)
			state_.note_flush_needed();
		if (!error)
			return count;
		counters_.add(XENMM_COUNTER_partial_batches, done != 0);
		progress = refused(first.start.page(uint64_t(done) * kTableEntries), error);
		return done;
	}

	int update(xen::Update *updates, uint32_t count, bool flush, uint32_t *done, bool *flushed)
	{
		counters_.add_hypercall(count);
		int error = flush ? update_and_flush(state_.backend(), state_.workspace().calls,
						     updates, count, done, flushed)
				  : state_.backend().mmu_update(updates, count, done);
		if (!error)
			*done = count;
		return error;
	}

	ArenaState<B> &state_;
	const Planner &planner_;
	Counters &counters_;
	bool yields_;
};

} // namespace xenmm
