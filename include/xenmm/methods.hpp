// SPDX-License-Identifier: GPL-2.0
// One function a method: hand a batch's updates to whoever owns the page tables,
// in order, and say how many took effect. The tables are locked, nothing sleeps.
//
//   trap        mov ─► #PF ─► Xen's ptwr emulator, once per entry
//   hypercall   mmu_update(1)            per entry
//   va_mapping  update_va_mapping        per entry
//   multicall   [mmu_update(1) x 32]     per 32 entries
//   lazy        the kernel's queue       31 per hypercall
//   batch       mmu_update(N), the last one with the TLB flush in a multicall
//   native      mov
//
// rebuild and flip write no single entries: rebuild.hpp, flip.hpp.
#pragma once

#include "xenmm/batch.hpp"
#include "xenmm/stopwatch.hpp"

namespace xenmm
{

// How, and whether a TLB flush is wanted along with the last update.
struct Order {
	How how;
	bool flush;
};

template <Backend B>
Outcome submit_trap(B &backend, const Updates &updates, Counters &counters)
{
	Stopwatch watch(backend, counters, XENMM_COUNTER_trap_cycles);
	Outcome outcome = updates.for_each(
		[&](const Segment &, uint64_t *entry, VirtAddr, xen::Update &update) {
			return backend.store(entry, update.val);
		});
	counters.add(XENMM_COUNTER_traps, outcome.applied);
	return outcome;
}

template <Backend B>
Outcome submit_hypercall(B &backend, const Updates &updates, Counters &counters)
{
	Stopwatch watch(backend, counters, XENMM_COUNTER_hypercall_cycles);
	Outcome outcome =
		updates.for_each([&](const Segment &, uint64_t *, VirtAddr, xen::Update &update) {
			uint32_t done = 0;
			counters.add_hypercall(1);
			return backend.mmu_update(&update, 1, &done);
		});
	counters.add(XENMM_COUNTER_mmu_updates, outcome.applied);
	return outcome;
}

template <Backend B>
Outcome submit_va_mapping(B &backend, const Updates &updates, Counters &counters)
{
	Stopwatch watch(backend, counters, XENMM_COUNTER_hypercall_cycles);
	Outcome outcome = updates.for_each(
		[&](const Segment &, uint64_t *, VirtAddr address, xen::Update &update) {
			counters.add_hypercall(1);
			return backend.update_va_mapping(address, update.val);
		});
	counters.add(XENMM_COUNTER_va_mappings, outcome.applied);
	return outcome;
}

// One multicall of at most kMulticallEntries singles. All are tried.
template <Backend B>
Outcome submit_one_multicall(B &backend, const Updates &updates, uint32_t begin, uint32_t count,
			     Counters &counters)
{
	xen::Call *calls = updates.space.calls;
	for (uint32_t i = 0; i < count; i++)
		calls[i] = xen::mmu_update_call(updates.first() + begin + i, 1, nullptr);
	counters.add_hypercall(count);
	counters.add(XENMM_COUNTER_multicalls);
	if (int error = backend.multicall(calls, count))
		return {begin, begin, error, false};

	Outcome outcome = {begin + count, begin, 0, false};
	for (uint32_t i = 0; i < count; i++) {
		int result = xen::result_of(calls[i]);
		outcome.changed += result == 0;
		if (result && !outcome.error) {
			outcome.applied = begin + i;
			outcome.error = result;
		}
	}
	uint32_t succeeded = outcome.changed - begin;
	counters.add(XENMM_COUNTER_mmu_updates, succeeded);
	counters.add(XENMM_COUNTER_partial_batches, outcome.error && succeeded);
	return outcome;
}

template <Backend B>
Outcome submit_multicall(B &backend, const Updates &updates, Counters &counters)
{
	Stopwatch watch(backend, counters, XENMM_COUNTER_hypercall_cycles);
	Outcome outcome;
	while (outcome.applied < updates.count && !outcome.error) {
		uint32_t count = min(kMulticallEntries, updates.count - outcome.applied);
		outcome = submit_one_multicall(backend, updates, outcome.applied, count, counters);
	}
	return outcome;
}

// Which updates took effect, by the entries themselves.
inline Outcome read_back(const Updates &updates)
{
	Outcome outcome = {.applied = updates.count};
	uint32_t i = 0;
	(void)updates.for_each(
		[&](const Segment &, uint64_t *entry, VirtAddr, const xen::Update &update) {
			Pte now = load_entry(entry);
			if (now.agrees_with(Pte(update.val)))
				outcome.changed++;
			else if (!outcome.error)
				outcome = {i, outcome.changed, to_int(Errno::kIo), false};
			i++;
			return 0;
		});
	return outcome;
}

// The kernel's queue tells nobody of a failed entry (it warns in the log).
template <Backend B>
Outcome submit_lazy(B &backend, const Updates &updates, Counters &counters)
{
	backend.lazy_enter();
	(void)updates.for_each([&](const Segment &segment, uint64_t *, VirtAddr address,
				   xen::Update &update) {
		bool preserve = (update.ptr & xen::kCommandMask) == MMU_PT_UPDATE_PRESERVE_AD;
		backend.lazy_set(segment.table, address, update.val, preserve);
		return 0;
	});
	backend.lazy_leave();
	counters.add(XENMM_COUNTER_lazy_updates, updates.count);
	return read_back(updates);
}

// mmu_update and flush in one hypercall. A multicall goes on after a failed entry,
// so the flush happens even when the updates were refused half way.
template <Backend B>
int update_and_flush(B &backend, xen::Call *calls, xen::Update *updates, uint32_t count,
		     uint32_t *done, bool *flushed)
{
	xen::ExtendedOp flush = xen::flush_all_op();
	calls[0] = xen::mmu_update_call(updates, count, done);
	calls[1] = xen::extended_call(&flush);
	if (int error = backend.multicall(calls, 2))
		return error;
	*flushed = true;
	return xen::result_of(calls[0]);
}

template <Backend B>
Outcome submit_batch(B &backend, const Updates &updates, const Order &order, Counters &counters)
{
	Stopwatch watch(backend, counters, XENMM_COUNTER_hypercall_cycles);
	Outcome outcome;
	while (outcome.applied < updates.count && !outcome.error) {
		uint32_t begin = outcome.applied;
		uint32_t count = min(order.how.batch, updates.count - begin);
		bool flush = order.flush && begin + count == updates.count;
		bool flushed = false;
		uint32_t done = 0; // Xen may leave it alone when nothing was applied
		int error =
			flush ? update_and_flush(backend, updates.space.calls,
						 updates.first() + begin, count, &done, &flushed)
			      : backend.mmu_update(updates.first() + begin, count, &done);
		if (!error)
			done = count;
		outcome = {begin + done, begin + done, error, flushed};
		counters.add_hypercall(count);
		counters.add(XENMM_COUNTER_mmu_updates, done);
		counters.add(XENMM_COUNTER_partial_batches, error && done);
		counters.add(XENMM_COUNTER_tlb_flushes, flushed);
	}
	return outcome;
}

template <Backend B>
Outcome submit_native(B &backend, const Updates &updates, Counters &counters)
{
	Outcome outcome = updates.for_each(
		[&](const Segment &, uint64_t *entry, VirtAddr, xen::Update &update) {
			backend.store_native(entry, update.val);
			return 0;
		});
	counters.add(XENMM_COUNTER_native_stores, outcome.applied);
	return outcome;
}

template <Backend B>
Outcome submit(B &backend, const Updates &updates, const Order &order, Counters &counters)
{
	switch (order.how.method) {
	case Method::kTrap:
		return submit_trap(backend, updates, counters);
	case Method::kHypercall:
		return submit_hypercall(backend, updates, counters);
	case Method::kVaMapping:
		return submit_va_mapping(backend, updates, counters);
	case Method::kMulticall:
		return submit_multicall(backend, updates, counters);
	case Method::kLazy:
		return submit_lazy(backend, updates, counters);
	case Method::kBatch:
		return submit_batch(backend, updates, order, counters);
	case Method::kNative:
		return submit_native(backend, updates, counters);
	case Method::kAuto: // the planner names another one
	case Method::kRebuild:
	case Method::kFlip:
		break;
	}
	return {.error = to_int(Errno::kInval)};
}

} // namespace xenmm
