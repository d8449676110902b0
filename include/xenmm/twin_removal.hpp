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
		Casualty spare = take_casualty(base.twin(), span.spare());
		Casualty ours = spare, own = {{0}, nullptr, kWhole, hooked(flips)};
		if (span.is_flipped()) {
			ours = take_casualty(base, own.pfn);
			own = spare;
			empty(own.pfn, own.state);
			hook(flips, own.pfn);
			own.state = kWhole;
			span.set_present(0);
		}
		bool is_free = let_go(ours, Let::kAsMemory);
		if (!flips.is_pinned)
			(void)let_go(own, Let::kAsTable);
		backend_.flips_unlock(flips);
		state_.take_twin(span, counters_);
		if (!is_free)
			return;
		backend_.twin_free(ours.pfn);
		backend_.uncharge(1);
	}

private:
	enum class Let { kAsMemory, kAsTable };
	static constexpr TableState kWhole = {true, true, false};

	// 0: a dead arena lost it.
	Pfn hooked(const xenmm_flips &flips)
	{
		return flips.l2_value[0] ? backend_.table_pfn(flips.l2_value[0]) : Pfn{0};
	}

	// Nobody else can do it later, so whatever passing reason Xen has to refuse a step,
	// it is asked again.
	static constexpr int kAttempts = 16;
	template <class Step>
	static bool insist(Step step)
	{
		for (int attempt = 0; attempt < kAttempts; attempt++)
			if (step())
				return true;
		return false;
	}

	// Where Xen takes the kernel's own table no more, none is hooked: ours is not the
	// kernel's to free.
	void hook(const xenmm_flips &flips, Pfn own)
	{
		Pte value = Pte::of(backend_.to_mfn(own), flips.l2_flags[0]);
		if (insist([&] { return !update(flips, value); }))
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

	// What is true of a table: a dead arena may have left it half way. Nobody else is to
	// put it back then.
	Casualty take_casualty(VirtAddr at, Pfn pfn)
	{
		Casualty &casualty = state_.casualty();
		if (!casualty.entries || !(casualty.at == at))
			return {at, nullptr, kWhole, pfn};
		casualty.entries = nullptr;
		return casualty;
	}

	// Where Xen refuses, hook() will be refused too.
	void empty(Pfn own, TableState state)
	{
		xenmm_hooks hooks;
		uint64_t *entries = backend_.twin_hooks(own, hooks);
		uint32_t present = count_present({entries, 0, nullptr, nullptr});
		if (!present && state.is_whole())
			return;
		DetachedTable<B> table(backend_, calls_, entries, hooks, counters_, state);
		if (insist([&] { return table.restore_empty(); }))
			counters_.add(XENMM_COUNTER_teardown_pages, present);
	}

	// Its pin goes. false: Xen keeps it, or it is lost.
	bool let_go(const Casualty &table, Let let)
	{
		if (!table.pfn.number)
			return false;
		xenmm_hooks hooks;
		uint64_t *entries = backend_.twin_hooks(table.pfn, hooks);
		// Whatever hooks it is no concern here any more.
		TableState state = {true, table.state.pinned, table.state.writable};
		DetachedTable<B> page(backend_, calls_, entries, hooks, counters_, state);
		return insist(
			[&] { return !(let == Let::kAsTable ? page.unpin() : page.take_out()); });
	}

	ArenaState<B> &state_;
	B &backend_;
	Counters &counters_;
	xen::Call calls_[3];
};

} // namespace xenmm
