// SPDX-License-Identifier: GPL-2.0
// A twin is made: a page of ours becomes an L1 table that maps what the visible table of
// its span maps, read-only or writable throughout.
//
//   ordinary page ─► stores │ alias RO ─► pin │ hooked nowhere
//                           `- one multicall -'
//
// It is validated once, as a whole, and no CPU walks it before a flip hooks it. Both tables
// of a span with a twin are pinned, so that the one that is not hooked stays a page table.
#pragma once

#include "xenmm/detached_table.hpp"
#include "xenmm/twin.hpp"

namespace xenmm
{

template <Backend B>
class TwinMaker
{
public:
	TwinMaker(ArenaState<B> &state, Counters &counters) : state_(state), counters_(counters) {}

	// mmap lock held for writing. kNoMem, kNotSupported, kIo: there is no twin, or an empty
	// one, and the visible table is as it was.
	Result<void> make(VirtAddr base, const Presence &present, bool writable)
	{
		B &backend = state_.backend();
		XENMM_TRY(backend.charge(1));
		auto ours = backend.twin_alloc(base);
		if (!ours.ok()) {
			backend.uncharge(1);
			return ours.error();
		}
		Span &span = state_.span(base);
		state_.give_twin(span, ours.value(), counters_);
		TableState made = kOrdinary;
		if (hold_own(base, true).ok()) {
			MatchWork<B> work(state_, present, writable);
			made = fill(base, ours.value(), present, work);
		}
		if (!made.is_whole())
			give_back(base, ours.value(), made);
		return is_matched(span, writable) ? Result<void>() : Errno::kIo;
	}

private:
	static constexpr TableState kOrdinary = {true, false, true};

	static bool is_matched(const Span &span, bool writable)
	{
		return span.twin() == matched_twin(writable);
	}

	// Where Linux pins no single tables, hooking alone made the kernel's own a table.
	Result<void> hold_own(VirtAddr base, bool pinned)
	{
		Batch<B> batch(state_.backend(), state_.workspace());
		XENMM_TRY(batch.enter(base));
		xenmm_hooks hooks;
		XENMM_TRY(state_.backend().table_hooks(base, batch.table(), hooks));
		if (hooks.is_pinned)
			return {};
		hooks.is_pinned = true;
		DetachedTable<B> own(state_.backend(), state_.workspace().calls,
				     batch.table().entries, hooks, counters_,
				     {true, !pinned, false});
		return (pinned ? own.pin() : own.unpin()) ? Result<void>(Errno::kIo)
							  : Result<void>();
	}

	// What has become of the page.
	TableState fill(VirtAddr base, Pfn ours, const Presence &present, MatchWork<B> &work)
	{
		Batch<B> batch(state_.backend(), state_.workspace());
		if (!batch.enter(base.twin(), ours).ok())
			return kOrdinary;
		xenmm_hooks hooks;
		uint64_t *entries = state_.backend().twin_hooks(ours, hooks);
		DetachedTable<B> table(state_.backend(), state_.workspace().calls, entries, hooks,
				       counters_, kOrdinary);
		Part part = {base, kTableEntries};
		store(entries, present, work.rule(part));
		if (!table.put_back()) {
			work.settle(batch, part, {kNoLimit, true});
			counters_.add(XENMM_COUNTER_twin_updates, present.count());
		}
		return table.state();
	}
	static void store(uint64_t *entries, const Presence &present,
			  typename MatchWork<B>::Rule rule)
	{
		for (unsigned slot = 0; slot < kTableEntries; slot++)
			if (present.has(slot))
				__atomic_store_n(&entries[slot], rule.wanted(slot, Pte()).bits(),
						 __ATOMIC_RELAXED);
	}

	// Xen took it for no table. What it let go of neither is lost, 4 KiB.
	void give_back(VirtAddr base, Pfn ours, TableState made)
	{
		(void)hold_own(base, false); // not held: Xen says so
		state_.take_twin(state_.span(base), counters_);
		if (!made.writable || made.pinned)
			return;
		state_.backend().twin_free(ours);
		state_.backend().uncharge(1);
	}

	ArenaState<B> &state_;
	Counters &counters_;
};

} // namespace xenmm
