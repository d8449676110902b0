// SPDX-License-Identifier: GPL-2.0
// An L1 table that is taken out of the address space, so that its entries are plain
// memory, and put back, when Xen validates all of them at once.
//
//             take_out()                              put_back()
//   hooked ─► L2 entry := 0 ─► unpin ─► alias RW │ stores │ alias RO ─► pin ─► hook
//             `------- one multicall ---------'            `---- one multicall ---'
//
// A multicall goes on after a failed entry, so every result is looked at, and what is
// true of the table is known after each step. A table that does not go back as it is
// goes back empty, because an empty table always validates (hazards: 13 to 15).
//
// A twin is hooked nowhere (its hooks' l2_maddr is 0): it counts as hooked throughout.
//
// Until it is back: table lock held, nothing sleeps, and no fault or walk can come by
// (abi.h, xenmm_k_table_hooks). A read-only table that is not pinned yet gets no
// emulation: a store into it would be fatal, so alias RO and pin go together.
#pragma once

#include "xenmm/stopwatch.hpp"

namespace xenmm
{

// What is true of a table.
struct TableState {
	bool hooked;
	bool pinned; // always true where Linux pins no single tables
	bool writable;

	constexpr bool is_whole() const { return hooked && pinned && !writable; }
};

template <Backend B>
class DetachedTable
{
public:
	DetachedTable(B &backend, xen::Call *calls, uint64_t *entries, const xenmm_hooks &hooks,
		      Counters &counters, TableState state = {true, true, false})
		: backend_(backend), calls_(calls), entries_(entries), hooks_(hooks),
		  counters_(counters), state_(state)
	{
	}

	const TableState &state() const { return state_; }

	// 0: the entries are plain memory now. Else Xen's error, and the table is back,
	// unchanged, or is_whole() is false: lost.
	int take_out()
	{
		int error = carry_out({Step::kUnhook, Step::kUnpin, Step::kMakeWritable});
		if (error)
			restore();
		return error;
	}

	// 0: back, with the entries as stored. Else Xen's error, and the table is back,
	// empty, or lost.
	int put_back()
	{
		int error = carry_out({Step::kMakeReadOnly, Step::kPin, Step::kHook});
		if (!error)
			return 0;
		counters_.add(XENMM_COUNTER_repairs);
		if (restore())
			return 0;
		restore_empty();
		return error;
	}

	// Of a table that stays hooked. Else Xen's error, and nothing has changed.
	int pin() { return carry_out({Step::kPin}); }
	int unpin() { return carry_out({Step::kUnpin}); }

	// Brings the table back with the entries that it has. Each missing step is tried
	// twice: Xen may have had a passing reason.
	bool restore()
	{
		for (int attempt = 0; attempt < 2 && !state_.is_whole(); attempt++)
			(void)carry_out({Step::kMakeReadOnly, Step::kPin, Step::kHook});
		return state_.is_whole();
	}

	bool restore_empty()
	{
		for (int attempt = 0; attempt < 2 && !state_.writable; attempt++)
			(void)carry_out({Step::kUnhook, Step::kUnpin, Step::kMakeWritable});
		if (state_.writable)
			for (unsigned slot = 0; slot < kTableEntries; slot++)
				__atomic_store_n(&entries_[slot], 0, __ATOMIC_RELAXED);
		return restore();
	}

private:
	enum class Step { kUnhook, kUnpin, kMakeWritable, kMakeReadOnly, kPin, kHook };

	// What is true already needs no step.
	bool is_done(Step step) const
	{
		switch (step) {
		case Step::kUnhook:
			return !state_.hooked || !hooks_.l2_maddr;
		case Step::kUnpin:
			return !state_.pinned || !hooks_.is_pinned;
		case Step::kMakeWritable:
			return state_.writable;
		case Step::kMakeReadOnly:
			return !state_.writable;
		case Step::kPin:
			return state_.pinned || !hooks_.is_pinned;
		case Step::kHook:
			break;
		}
		return state_.hooked;
	}

	void note_done(Step step)
	{
		switch (step) {
		case Step::kUnhook:
		case Step::kHook:
			state_.hooked = step == Step::kHook;
			counters_.add(XENMM_COUNTER_mmu_updates);
			break;
		case Step::kUnpin:
		case Step::kPin:
			state_.pinned = step == Step::kPin;
			break;
		case Step::kMakeWritable:
		case Step::kMakeReadOnly:
			state_.writable = step == Step::kMakeWritable;
			break;
		}
	}

	xen::Call call_for(Step step)
	{
		switch (step) {
		case Step::kUnhook:
		case Step::kHook:
			hook_ = {hooks_.l2_maddr, step == Step::kHook ? hooks_.l2_value : 0};
			return xen::mmu_update_call(&hook_, 1, nullptr);
		case Step::kUnpin:
		case Step::kPin:
			pin_.cmd = step == Step::kPin ? MMUEXT_PIN_L1_TABLE : MMUEXT_UNPIN_TABLE;
			pin_.arg1.mfn = hooks_.mfn;
			return xen::extended_call(&pin_);
		case Step::kMakeWritable:
		case Step::kMakeReadOnly:
			break;
		}
		// Only this CPU has ever looked through the writable alias.
		return xen::va_mapping_call(hooks_.alias,
					    step == Step::kMakeWritable ? hooks_.alias_rw
									: hooks_.alias_ro,
					    UVMF_INVLPG | UVMF_LOCAL);
	}

	// Those steps that are not done, in one multicall. The first error of any.
	template <unsigned N>
	int carry_out(const Step (&steps)[N])
	{
		Step tried[N];
		uint32_t count = 0;
		for (Step step : steps) {
			if (is_done(step))
				continue;
			calls_[count] = call_for(step);
			tried[count++] = step;
		}
		if (!count)
			return 0;
		Stopwatch watch(backend_, counters_, XENMM_COUNTER_hypercall_cycles);
		counters_.add_hypercall(1);
		if (int error = backend_.multicall(calls_, count))
			return error;
		int first = 0;
		for (uint32_t i = 0; i < count; i++) {
			int error = xen::result_of(calls_[i]);
			if (!error)
				note_done(tried[i]);
			else if (!first)
				first = error;
		}
		return first;
	}

	B &backend_;
	xen::Call *calls_;
	uint64_t *entries_;
	const xenmm_hooks &hooks_;
	Counters &counters_;
	TableState state_;
	xen::Update hook_ = {};
	xen::ExtendedOp pin_ = {};
};

} // namespace xenmm
