// SPDX-License-Identifier: GPL-2.0
// The protection of whole tables by exchanging them with their twins:
//
//                 before                        after
//   visible  L2 ──► table A, writable      L2 ──► table B, read-only
//   twin     L2 ──► table B, read-only     L2 ──► table A, writable
//
// Both tables map the same pages and stay hooked and pinned, so Xen checks nothing
// but the two L2 entries. It finishes each of them with a flush and a re-entry of the
// hypercall (Xen's arch/x86/mm.c, old_guest_table), hence a few thousand instructions
// for 512 pages.
//
// The machine addresses live from pairs_lock to pairs_unlock, with preemption off.
// Xen applies the entries in order and says how many: a pair that is half applied is
// put back, otherwise one table would hang twice, to be freed twice at exit, and the
// other one nowhere.
#pragma once

#include "xenmm/table_writer.hpp"
#include "xenmm/twin.hpp"

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
		return planner_.may_flip() && part.is_whole() && state_.has_twin_mapping() &&
		       state_.span(part.start).has_slots() &&
		       !(yields_ && state_.span(part.start).has_tracked());
	}

	// Flips tables from the cursor on, at least one of which may_flip(), and advances
	// it over them. Not tried: it would not pay, or a table is missing; nothing has
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

	static bool share_l2(VirtAddr a, VirtAddr b)
	{
		return a.bytes / kL2Bytes == b.bytes / kL2Bytes;
	}

	bool is_flipped(Part part, bool writable) const
	{
		const Span &span = state_.span(part.start);
		return span.is_uniform() && span.is_writable_throughout() == writable;
	}

	// Is the cursor's part the one behind `count` tables from `first` on, and of the
	// same L2 tables?
	bool may_join(Part first, uint32_t count, const PartCursor &cursor) const
	{
		if (count == XENMM_MAX_PAIRS || cursor.at_end())
			return false;
		Part part = cursor.peek();
		VirtAddr behind = first.start.page(uint64_t(count) * kTableEntries);
		return part.start == behind && may_flip(part) && share_l2(first.start, behind) &&
		       share_l2(state_.twin_of(first.start), state_.twin_of(behind));
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
		Planner planner({Method::kAuto, 0}, true, true, state_.backend().cost());
		TableWriter<B> twin_writer(state_, planner, counters_);
		MatchWork<B> work(state_, present, writable, counters_);
		Progress progress = twin_writer.run_table(state_.twin_of(part.start), work);
		state_.note_flush_needed();
		switch (progress.error) {
		case Errno::kInval: // the twin's area was unmapped
			state_.set_twin(state_.span(part.start), Twin::kNone, counters_);
			return kNotTried;
		case Errno::kNoMem:
			return kNotTried;
		default:
			progress.limit = progress.ok() ? kNoLimit : part.start;
			return {!progress.ok() || matches(part, writable), progress};
		}
	}
	// Nothing is present where there is no table.
	Presence survey(VirtAddr base)
	{
		Batch<B> batch(state_.backend(), state_.workspace());
		return batch.enter(base).ok() ? Presence(batch.table()) : Presence();
	}

	Flipped exchange(Part first, uint32_t count, bool writable, bool flush)
	{
		xenmm_pairs pairs;
		VirtAddr twin = state_.twin_of(first.start);
		auto locked = state_.backend().pairs_lock(first.start, twin, count, pairs);
		if (!locked.ok()) {
			for (uint32_t i = 0; i < count; i++)
				span(first, i).spoil_twin();
			return kNotTried;
		}
		Progress progress;
		uint32_t flipped = submit(first.start, pairs, count, flush, progress);
		state_.backend().pairs_unlock(pairs);
		for (uint32_t i = 0; i < flipped; i++)
			span(first, i).flip(writable);
		counters_.add(XENMM_COUNTER_tables_flipped, flipped);
		if (flipped)
			state_.backend().trace_flipped(first.start.table_base(), flipped);
		return {true, progress};
	}
	Span &span(Part first, uint32_t i)
	{
		return state_.span(first.start.page(uint64_t(i) * kTableEntries));
	}

	// How many pairs are exchanged now; fewer than all with an error in `progress`.
	uint32_t submit(VirtAddr first, const xenmm_pairs &pairs, uint32_t count, bool flush,
			Progress &progress)
	{
		xen::Update *updates = state_.workspace().updates;
		for (uint32_t i = 0; i < count; i++)
			for (int side = 0; side < 2; side++)
				updates[2 * i + side] = {maddr(pairs, side, i),
							 pairs.l2_value[!side][i]};
		Stopwatch watch(state_.backend(), counters_, XENMM_COUNTER_hypercall_cycles);
		uint32_t done = 0; // Xen may leave it alone when nothing was applied
		bool flushed = false;
		int error = update(updates, 2 * count, flush, &done, &flushed);
		counters_.add(XENMM_COUNTER_mmu_updates, done);
		counters_.add(XENMM_COUNTER_tlb_flushes, flushed);
		if (flushed)
			state_.note_flushed();
		else if (done)
			state_.note_flush_needed();
		if (!error)
			return count;
		counters_.add(XENMM_COUNTER_partial_batches, done != 0);
		progress = refused(first.page(uint64_t(done / 2) * kTableEntries), error);
		if (done % 2)
			put_back(progress.limit, pairs, done / 2);
		return done / 2;
	}
	static uint64_t maddr(const xenmm_pairs &pairs, int side, uint32_t i)
	{
		return pairs.l2_maddr[side] + i * sizeof(uint64_t);
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

	// Of pair i the twin's table hangs twice, the visible one nowhere.
	void put_back(VirtAddr at, const xenmm_pairs &pairs, uint32_t i)
	{
		for (int attempt = 0; attempt < 2; attempt++) {
			xen::Update back = {maddr(pairs, 0, i), pairs.l2_value[0][i]};
			uint32_t done = 0;
			bool flushed = false;
			if (update(&back, 1, false, &done, &flushed))
				continue;
			counters_.add(XENMM_COUNTER_mmu_updates);
			counters_.add(XENMM_COUNTER_repairs);
			return state_.note_flush_needed();
		}
		uint64_t *entries = state_.backend().table_entries(pairs.l2_value[0][i]);
		state_.die({at, entries, {false, true, false}});
	}

	ArenaState<B> &state_;
	const Planner &planner_;
	Counters &counters_;
	bool yields_;
};

} // namespace xenmm
