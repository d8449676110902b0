// SPDX-License-Identifier: GPL-2.0
// One operation on the ranges of an arena: the walk in critical sections, the TLB
// flush, and what is left when something fails.
//
//   for each section (one table; up to four when a batch is larger than a table)
//     breathe, prepare      may sleep
//     enter, gather         locks, preemption off
//     commit, settle        page tables and slots agree again
//     leave
//   flush, unless the last commit took it along
//
// After a failure everything below `limit` is as asked for and everything else
// as it was; a page is never half done. (A multicall and the lazy queue may have
// changed entries behind the failed one; their slots say so.)
#pragma once

#include "xenmm/arena_state.hpp"
#include "xenmm/methods.hpp"
#include "xenmm/work.hpp"

namespace xenmm
{

inline constexpr VirtAddr kNoLimit = {~0ULL};

// How far an operation came. error is kOk exactly when limit is kNoLimit.
struct Progress {
	VirtAddr limit = kNoLimit; // first page that is not as asked for
	Errno error = Errno::kOk;
	int hypervisor_error = 0;

	bool ok() const { return error == Errno::kOk; }
};

template <Backend B>
class Operation
{
public:
	Operation(ArenaState<B> &state, How how, Counters &counters)
		: state_(state), how_(how), counters_(counters)
	{
	}

	Progress map(Ranges ranges)
	{
		MapWork<B> work(state_);
		return run(ranges, work);
	}
	Progress unmap(Ranges ranges)
	{
		UnmapWork<B> work;
		return run(ranges, work);
	}
	Progress protect(Ranges ranges, bool writable)
	{
		ProtectWork<B> work(state_, writable);
		return run(ranges, work);
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
		Progress progress = run(ranges, work);
		state_.backend().uncharge(missing - (kept() - before));
		return progress;
	}

private:
	static VirtAddr first_page(Ranges ranges) { return {ranges[0].start}; }
	static Part below(Part part, VirtAddr limit)
	{
		uint64_t bytes = part.start < limit ? limit.bytes - part.start.bytes : 0;
		return {part.start, static_cast<uint32_t>(bytes >> kPageShift)};
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
			const Span *span = state_.span(part.start);
			missing += part.pages;
			for (uint32_t i = 0; span && i < part.pages; i++)
				missing -= span->slots[part.first_slot() + i].has_page();
		}
		return missing;
	}
	uint32_t tables_per_section() const { return max(how_.batch / kTableEntries, 1U); }

	template <class Work>
	Progress run(Ranges ranges, Work &work)
	{
		Progress progress;
		for (PartCursor cursor(ranges); !cursor.at_end() && progress.ok();) {
			PartCursor end = cursor;
			progress = prepare_section(end, work);
			if (progress.ok())
				progress = write_section(cursor, end, work);
			cursor = end;
		}
		if (flush_pending_)
			flush();
		return progress;
	}

	// Advances `cursor` over the parts of one section, making room for each. On
	// failure the section is as it was.
	template <class Work>
	Progress prepare_section(PartCursor &cursor, Work &work)
	{
		PartCursor begin = cursor;
		if (auto alive = state_.backend().breathe(); !alive.ok())
			return {cursor.peek().start, alive.error(), 0};
		VirtAddr base = cursor.peek().start.table_base();
		for (uint32_t tables = 1; !cursor.at_end();) {
			if (!(cursor.peek().start.table_base() == base)) {
				base = cursor.peek().start.table_base();
				if (++tables > tables_per_section())
					break;
			}
			if (auto ready = prepare_part(cursor.next(), work); !ready.ok()) {
				Progress failed = {begin.peek().start, ready.error(), 0};
				for_each_part(begin, cursor, [&](Part part) { work.undo(part); });
				return failed;
			}
		}
		return {};
	}
	template <class Work>
	Result<void> prepare_part(Part part, Work &work)
	{
		XENMM_TRY(work.prepare(part));
		if (work.needs_table(part))
			XENMM_TRY(state_.backend().table_make(part.start));
		return {};
	}

	template <class Work>
	Progress write_section(const PartCursor &begin, const PartCursor &end, Work &work)
	{
		Batch<B> batch(state_.backend(), state_.workspace());
		if (auto gathered = gather(batch, begin, end, work); !gathered.ok()) {
			batch.abandon();
			settle(batch, begin, end, begin.peek().start, work);
			return {begin.peek().start, gathered.error(), 0};
		}
		if (how_.method == Method::kNative && work.revokes())
			return zap_section(batch, begin, end, work);
		return commit_section(batch, begin, end, work);
	}

	template <class Work>
	Result<void> gather(Batch<B> &batch, const PartCursor &begin, const PartCursor &end,
			    Work &work)
	{
		Result<void> result;
		for_each_part(begin, end, [&](Part part) {
			if (!result.ok())
				return;
			auto entered = batch.enter(part.start);
			if (entered.ok())
				work.gather(batch, part);
			else if (entered.error() != Errno::kNoEntry)
				result = entered;
			else if (work.needs_table(part))
				result = Errno::kIo; // gone since prepare made it
		});
		return result;
	}

	template <class Work>
	Progress commit_section(Batch<B> &batch, const PartCursor &begin, const PartCursor &end,
				Work &work)
	{
		Order order = {how_, work.revokes() && end.at_end()};
		flush_pending_ |= work.revokes() && batch.count();
		Outcome outcome = batch.commit([&](const Updates &updates) {
			return submit(state_.backend(), updates, order, counters_);
		});
		if (outcome.flushed)
			flush_pending_ = false;
		counters_.add(Work::kEffect, outcome.changed);

		Progress progress;
		if (outcome.error)
			progress = {batch.address_of(outcome.applied), Errno::kIo, outcome.error};
		settle(batch, begin, end, progress.limit, work);
		batch.leave();
		return progress;
	}

	// A module cannot flush another CPU's TLB on its own where no hypervisor does
	// it, so rights are taken away by the kernel's zap; pages fault back in.
	template <class Work>
	Progress zap_section(Batch<B> &batch, const PartCursor &begin, const PartCursor &end,
			     Work &work)
	{
		uint32_t affected = batch.count();
		batch.abandon();
		settle(batch, begin, end, kNoLimit, work);
		batch.leave();
		counters_.add(Work::kEffect, affected);
		if (!affected)
			return {};
		for_each_part(begin, end, [&](Part part) {
			state_.backend().zap(part.start, part.pages * kPageBytes);
			counters_.add(XENMM_COUNTER_tlb_flushes);
		});
		return {};
	}

	template <class Work>
	void settle(Batch<B> &batch, const PartCursor &begin, const PartCursor &end, VirtAddr limit,
		    Work &work)
	{
		for_each_part(begin, end, [&](Part part) { work.settle(batch, part, limit); });
	}

	template <class Visitor>
	static void for_each_part(PartCursor cursor, const PartCursor &end, Visitor visit)
	{
		while (!cursor.is_at(end))
			visit(cursor.next());
	}

	void flush()
	{
		state_.backend().flush();
		counters_.add(XENMM_COUNTER_tlb_flushes);
		flush_pending_ = false;
	}

	ArenaState<B> &state_;
	How how_;
	Counters &counters_;
	bool flush_pending_ = false;
};

} // namespace xenmm
