// SPDX-License-Identifier: GPL-2.0
// An arena as its users see it: requests of the ioctls, demand faults, and what
// becomes of its mappings. Its caller holds the mmap lock and the arena lock, in
// this order.
#pragma once

#include "xenmm/request.hpp"
#include "xenmm/shield.hpp"
#include "xenmm/tracker.hpp"
#include "xenmm/twin_removal.hpp"

namespace xenmm
{

template <Backend B>
class Arena
{
public:
	Arena(B backend, bool is_pv) : backend_(backend), state_(backend_), is_pv_(is_pv) {}
	Arena(const Arena &) = delete;
	Arena &operator=(const Arena &) = delete;

	Result<void> attach(VirtAddr base, uint64_t length)
	{
		if (base.slot() || base.bytes % kPageBytes || !length)
			return Errno::kInval;
		if (state_.is_attached())
			return Errno::kBusy;
		return state_.attach(base, length);
	}
	void detach()
	{
		if (state_.is_attached())
			state_.detach();
	}

	// The request has passed check_request(). Errors: kInval with pages_done 0, kBusy and
	// kAccess changed nothing; kNoMem, kIntr, kIo as request's out fields say.
	Result<void> run(xenmm_request &request, Ranges ranges)
	{
		XENMM_TRY(ranges.check_shape());
		XENMM_TRY(check_mapped(backend_, ranges));
		Planner planner = plan(request);
		XENMM_TRY(permit(request, ranges, planner));
		Counters counters;
		Progress progress = perform(request, ranges, planner, counters);
		request.pages_done = ranges.pages_below(progress.limit);
		request.failed_address = progress.ok() ? 0 : progress.limit.bytes;
		if (progress.error == Errno::kBusy) // it lies in the section behind the limit
			(void)permit(request, ranges, planner);
		request.hypervisor_error = progress.hypervisor_error;
		return tell(progress, counters);
	}

	// kAccess: a write to a read-only page, nothing was mapped. kNoMem, kIo.
	Result<void> fault(VirtAddr address, bool write, uint32_t window, Extent extent)
	{
		if (state_.is_dead())
			return Errno::kIo;
		Counters counters;
		Progress progress = write ? make_writable(address, counters) : Progress();
		if (progress.ok())
			progress = populate_around(address, window, extent, counters);
		counters.add(XENMM_COUNTER_faults, progress.ok());
		return tell(progress, counters);
	}

	// See xenmm_arena_write.
	Result<void> write(VirtAddr address)
	{
		if (state_.is_dead())
			return Errno::kIo;
		Counters counters;
		return tell(make_writable(address, counters), counters);
	}

	// See xenmm_arena_collect.
	Result<void> collect(xenmm_harvest &harvest)
	{
		Ranges range(&harvest.range, 1);
		harvest.nr_found = 0;
		harvest.pages = 0;
		harvest.resume = harvest.range.start;
		harvest.hypervisor_error = 0;
		harvest.mapping = state_.mapping();
		XENMM_TRY(range.check_shape());
		XENMM_TRY(check_mapped(backend_, range));
		if (state_.is_dead())
			return Errno::kIo;
		Counters counters;
		// Written pages lie apart: tables share a hypercall.
		How how = is_pv_ ? How{Method::kBatch, kMaxBatch} : fault_how(is_pv_);
		Planner planner(how, is_pv_, false, {});
		return tell(Tracker<B>(state_, planner, counters).collect(harvest), counters);
	}
	void uncollect(const xenmm_harvest &harvest)
	{
		if (!state_.is_attached() || harvest.mapping != state_.mapping())
			return;
		Counters counters;
		Planner planner = entries_alone();
		Tracker<B>(state_, planner, counters).uncollect(harvest);
	}

	// munmap of a part of the mapping is under way, see xenmm_arena_retire.
	void retire(Extent extent)
	{
		if (!is_pv_ || !state_.is_attached())
			return;
		mend();
		Counters counters;
		Planner planner({Method::kAuto, 0}, true, true, backend_.cost());
		Operation<B> operation(state_, planner, counters);
		for (VirtAddr at = extent.from; at < extent.to;) {
			VirtAddr end = min_of({at.table_base().bytes + kSpanBytes}, extent.to);
			uint32_t pages = (end.bytes - at.bytes) >> kPageShift;
			if (state_.is_visible(at))
				operation.retire({at, pages});
			at = end;
		}
		backend_.count(counters);
	}

	// The tables of a part of the mapping are about to go, see xenmm_arena_oust.
	void oust(Extent extent)
	{
		if (!state_.is_attached() || !state_.has_twins())
			return;
		Counters counters;
		TwinRemoval<B> removal(state_, counters);
		for (VirtAddr at = extent.from.table_base(); at < extent.to;
		     at.bytes += kSpanBytes) {
			if (!state_.is_visible(at) || !state_.has_twin(at))
				continue;
			removal.remove(at);
			// Whoever is killed has to do it all the same.
			(void)backend_.breathe(false);
		}
		backend_.count(counters);
	}

	// See xenmm_arena_shield. kBusy where an arena is mapped, kNoMem: nothing was changed.
	Result<void> shield(Ranges ranges, xenmm_shielded &shielded)
	{
		if (state_.is_attached())
			return Errno::kBusy;
		XENMM_TRY(state_.attach_nowhere());
		Counters counters;
		Planner planner({Method::kAuto, 0}, is_pv_, true, backend_.cost());
		TableWriter<B> writer(state_, planner, counters);
		ShieldWork work;
		Progress progress = writer.run(ranges, work);
		writer.flush_if_needed();
		shielded = {counters.get(XENMM_COUNTER_pages_protected),
			    counters.get(XENMM_COUNTER_tables_rebuilt), work.lost()};
		if (state_.is_dead() && !put_back(state_.casualty(), counters)) {
			backend_.table_lost();
			shielded.lost++;
		}
		Errno error = tell(progress, counters);
		state_.detach();
		return error;
	}

	// The mm is about to go, see xenmm_arena_mend.
	void mend()
	{
		Casualty &casualty = state_.casualty();
		if (!casualty.entries)
			return;
		Counters counters;
		if (!put_back(casualty, counters)) {
			Span &span = state_.span(casualty.at);
			span.set_lost();
			// Of two tables the kernel's own is hooked as the twin leaves.
			if (!span.is_flipped() && !casualty.at.is_twin())
				backend_.table_lost();
		}
		casualty.entries = nullptr;
		backend_.count(counters);
	}

private:
	static VirtAddr min_of(VirtAddr a, VirtAddr b) { return a < b ? a : b; }

	Planner plan(const xenmm_request &request)
	{
		How how = {static_cast<Method>(request.method), request.batch};
		return Planner(how, is_pv_, request.exclusive, backend_.cost());
	}

	Errno tell(const Progress &progress, Counters &counters)
	{
		counters.add(XENMM_COUNTER_errors, progress.error == Errno::kIo);
		backend_.count(counters);
		return progress.error;
	}

	Planner entries_alone() { return Planner(fault_how(is_pv_), is_pv_, false, {}); }

	// Pages that are tracked are not protected, and pages that the program itself made
	// read-only are not tracked. kBusy, kAccess.
	Result<void> permit(xenmm_request &request, Ranges ranges, const Planner &planner)
	{
		bool tracks = request.action == XENMM_TRACK || request.action == XENMM_UNTRACK;
		if (!tracks && request.action != XENMM_PROTECT)
			return {};
		Counters counters;
		Tracker<B> tracker(state_, planner, counters);
		VirtAddr barred = tracker.first_barred(ranges, tracks);
		if (barred == kNoLimit)
			return {};
		request.failed_address = barred.bytes;
		return tracks ? Errno::kAccess : Errno::kBusy;
	}

	Progress make_writable(VirtAddr address, Counters &counters)
	{
		if (state_.is_writable(address))
			return {};
		Planner planner = entries_alone();
		return Tracker<B>(state_, planner, counters).let_through(address);
	}

	Progress perform(const xenmm_request &request, Ranges ranges, const Planner &planner,
			 Counters &counters)
	{
		if (state_.is_dead())
			return refused({ranges[0].start}, 0);
		Operation<B> operation(state_, planner, counters);
		switch (request.action) {
		case XENMM_POPULATE:
			return operation.populate(ranges, false);
		case XENMM_DISCARD:
			return operation.discard(ranges);
		case XENMM_PROTECT:
			return operation.protect(ranges, request.prot & kProtWrite);
		case XENMM_MAP:
			return operation.map(ranges);
		case XENMM_UNMAP:
			return operation.unmap(ranges);
		case XENMM_TRACK:
			return Tracker<B>(state_, planner, counters).track(ranges);
		case XENMM_UNTRACK:
			return Tracker<B>(state_, planner, counters).untrack(ranges);
		}
		return {{ranges[0].start}, Errno::kInval, 0};
	}

	Progress populate(xenmm_piece piece, bool optional, Counters &counters)
	{
		Planner planner = entries_alone();
		Operation<B> operation(state_, planner, counters);
		return operation.populate(Ranges(&piece, 1), optional);
	}

	Progress populate_around(VirtAddr address, uint32_t window, Extent extent,
				 Counters &counters)
	{
		Progress progress = populate(around(address, window, extent), true, counters);
		if (progress.error == Errno::kNoMem)
			progress = populate(around(address, 1, extent), false, counters);
		uint64_t mapped = counters.get(XENMM_COUNTER_pages_mapped);
		counters.add(XENMM_COUNTER_fault_around_pages, mapped ? mapped - 1 : 0);
		return progress;
	}

	// The aligned window of `pages` around address, inside the extent. A window
	// is at most a table, so one critical section serves it.
	static xenmm_piece around(VirtAddr address, uint32_t pages, Extent extent)
	{
		uint64_t bytes = pages * kPageBytes;
		uint64_t start = max(address.bytes & ~(bytes - 1), extent.from.bytes);
		uint64_t end = min((address.bytes & ~(bytes - 1)) + bytes, extent.to.bytes);
		return {start, end - start};
	}

	// The table back where it belongs, as it is or at least empty.
	bool put_back(const Casualty &casualty, Counters &counters)
	{
		xenmm_table table;
		xenmm_hooks hooks;
		auto locked = backend_.orphan_lock(casualty.at, casualty.entries, table, hooks);
		if (!locked.ok())
			return false;
		DetachedTable<B> orphan(backend_, state_.workspace().calls, casualty.entries, hooks,
					counters, casualty.state);
		bool is_back = orphan.restore() || orphan.restore_empty();
		backend_.table_unlock(table);
		counters.add(XENMM_COUNTER_repairs, is_back);
		return is_back;
	}

	static constexpr uint32_t kProtWrite = 2;

	B backend_;
	ArenaState<B> state_;
	bool is_pv_;
};

} // namespace xenmm
