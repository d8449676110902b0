// SPDX-License-Identifier: GPL-2.0
// Twins leave ahead of the kernel's tearing down: it frees whatever table is hooked as one
// of its own, so its own table is hooked again, and ours is freed.
//
//                   before                         after
//   L2 entry  ──► ours                      L2 entry ──► the kernel's own, empty
//   spare         the kernel's own          spare        none; ours is an ordinary page again
//
// Empty, because the mapping may stay (a move that is refused), and what the spare maps has
// another protection than its span.
//
// Runs in the notifier that comes first in munmap, mremap and at the end of the mm, with no
// arena lock, which somebody may hold who waits for memory. It needs none:
//
//   who makes, writes or exchanges twins    looks the area up, under the mmap lock
//   munmap                                  has taken the area out under the mmap lock,
//                                           held for writing
//   mremap                                  holds the mmap lock for writing
//   end of the mm                           nobody else uses it any more
//
// So nobody else is at work on these spans; of the arena's state nothing else is touched,
// and all memory that is needed is on the stack.
#pragma once

#include "xenmm/arena_state.hpp"
#include "xenmm/methods.hpp"
#include "xenmm/rebuild.hpp"

namespace xenmm
{

template <Backend B>
class TwinRemoval
{
public:
	TwinRemoval(ArenaState<B> &state, Counters &counters)
		: state_(state), backend_(state.backend()), counters_(counters)
	{
	}

	// Only of a span with a twin.
	void remove(VirtAddr base)
	{
		Span &span = state_.span(base);
		xenmm_flips flips;
		if (!backend_.flips_lock(base, 1, true, flips).ok())
			return; // no L2 table: there is no table either, hence no twin
		Pfn ours = span.is_flipped() ? hooked(flips) : span.spare();
		Pfn own = span.is_flipped() ? span.spare() : hooked(flips);
		if (span.is_flipped()) {
			empty(own);
			hook(flips, own);
			span.set_present(0);
		}
		bool is_free = ours.number && let_go(ours, Let::kAsMemory);
		if (!flips.is_pinned && own.number)
			(void)let_go(own, Let::kAsTable);
		backend_.flips_unlock(flips);
		state_.take_twin(span, counters_);
		if (!is_free)
			return;
		backend_.twin_free(ours);
		backend_.uncharge(1);
	}

private:
	enum class Let { kAsMemory, kAsTable };

	// 0: a dead arena lost it.
	Pfn hooked(const xenmm_flips &flips)
	{
		return flips.l2_value[0] ? backend_.table_pfn(flips.l2_value[0]) : Pfn{0};
	}

	// Where Xen takes the kernel's own table no more, none is hooked: ours is not the
	// kernel's to free.
	void hook(const xenmm_flips &flips, Pfn own)
	{
		Pte value = Pte::of(backend_.to_mfn(own), flips.l2_flags[0]);
		for (int attempt = 0; attempt < 2; attempt++)
			if (!update(flips, value))
				return;
		if (!update(flips, Pte()))
			backend_.table_lost();
	}
	int update(const xenmm_flips &flips, Pte value)
	{
		xen::Update update = {flips.l2_maddr, value.bits()};
		uint32_t done = 0;
		bool flushed = false;
		Stopwatch watch(backend_, counters_, XENMM_COUNTER_hypercall_cycles);
		counters_.add_hypercall(1);
		int error = update_and_flush(backend_, calls_, &update, 1, &done, &flushed);
		counters_.add(XENMM_COUNTER_mmu_updates, !error);
		counters_.add(XENMM_COUNTER_tlb_flushes, flushed);
		return error;
	}

	// Where Xen refuses, hook() will be refused too.
	void empty(Pfn own)
	{
		xenmm_hooks hooks;
		uint64_t *entries = backend_.twin_hooks(own, hooks);
		xenmm_table table = {entries, 0, nullptr, nullptr};
		if (count_present(table))
			(void)DetachedTable<B>(backend_, calls_, entries, hooks, counters_)
				.restore_empty();
	}

	// Its pin goes. false: Xen keeps it.
	bool let_go(Pfn pfn, Let let)
	{
		xenmm_hooks hooks;
		(void)backend_.twin_hooks(pfn, hooks);
		DetachedTable<B> table(backend_, calls_, nullptr, hooks, counters_);
		return !(let == Let::kAsTable ? table.unpin() : table.take_out());
	}

	ArenaState<B> &state_;
	B &backend_;
	Counters &counters_;
	xen::Call calls_[3];
};

} // namespace xenmm
