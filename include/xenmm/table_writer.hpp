// SPDX-License-Identifier: GPL-2.0
// Writes what a work wants into the tables of a range, in critical sections of one
// table, or of up to four that share a hypercall:
//
//   breathe, prepare      may sleep
//   lock, look            preemption off until unlock; the planner chooses
//   write                 by a batch of entries, or by a rebuild of the table
//   settle                page tables and slots agree again
//   unlock
//
// After a failure everything below `limit` is as asked for and everything else as it
// was; a page is never half done. (A multicall and the lazy queue may have changed
// entries behind the failed one; their slots say so.)
#pragma once

#include "xenmm/arena_state.hpp"
#include "xenmm/methods.hpp"
#include "xenmm/planner.hpp"
#include "xenmm/rebuild.hpp"
#include "xenmm/section.hpp"
#include "xenmm/work.hpp"

namespace xenmm
{

template <Backend B>
class TableWriter
{
public:
	// `yields`: between sections the locks may be given away to who waits for them.
	TableWriter(ArenaState<B> &state, const Planner &planner, Counters &counters,
		    bool yields = false)
		: state_(state), planner_(planner), counters_(counters), yields_(yields)
	{
	}

	template <class Work>
	Progress run(Ranges ranges, Work &work)
	{
		Progress progress;
		for (PartCursor cursor(ranges); !cursor.at_end() && progress.ok();)
			progress = run_section(cursor, work);
		return progress;
	}

	// One section; advances the cursor over it.
	template <class Work>
	Progress run_section(PartCursor &cursor, Work &work)
	{
		if (auto alive = state_.backend().breathe(yields_); !alive.ok())
			return {cursor.peek().start, alive.error(), 0};
		Section section = cut_section(cursor, planner_, Work::kChange);
		cursor = section.end;
		return write_section(section, work);
	}

	// One whole table; gives no lock away.
	template <class Work>
	Progress run_table(VirtAddr base, Work &work)
	{
		xenmm_piece piece = {base.bytes, kSpanBytes};
		PartCursor cursor(Ranges(&piece, 1));
		return write_section(cut_section(cursor, planner_, Work::kChange), work);
	}

	void flush_if_needed()
	{
		if (!state_.is_flush_pending())
			return;
		state_.backend().flush();
		counters_.add(XENMM_COUNTER_tlb_flushes);
		state_.note_flushed();
	}

private:
	template <class Work>
	Progress write_section(const Section &section, Work &work)
	{
		Progress progress = prepare(section, work);
		if (!progress.ok() || !has_business(section, work))
			return progress;
		Batch<B> batch(state_.backend(), state_.workspace());
		return write(batch, section, work);
	}

	// Else nothing has to be noted either.
	template <class Work>
	static bool has_business(const Section &section, Work &work)
	{
		for (PartCursor cursor = section.begin; !cursor.is_at(section.end);)
			if (work.rule(cursor.next()).applies())
				return true;
		return false;
	}

	// On failure the section is as it was.
	template <class Work>
	Progress prepare(const Section &section, Work &work)
	{
		VirtAddr made = {0}; // the table seen to last
		for (PartCursor cursor = section.begin; !cursor.is_at(section.end);) {
			auto ready = prepare_part(cursor.next(), made, work);
			if (ready.ok())
				continue;
			for_each_part(section.begin, cursor, [&](Part part) { work.undo(part); });
			return {section.begin.peek().start, ready.error(), 0};
		}
		return {};
	}
	template <class Work>
	Result<void> prepare_part(Part part, VirtAddr &made, Work &work)
	{
		XENMM_TRY(work.prepare(part));
		VirtAddr base = part.start.table_base();
		if (base == made || !work.needs_table(part))
			return {};
		made = base;
		return state_.backend().table_make(part.start);
	}

	template <class Work>
	Progress write(Batch<B> &batch, const Section &section, Work &work)
	{
		if (section.look != Look::kNone) {
			auto entered = enter(batch, section.begin.peek(), work);
			if (!entered.ok())
				return stop(batch, section, entered.error(), work);
			if (entered.value() && is_to_rebuild(batch, section, work))
				return rebuild(batch, section, work);
		}
		if (auto gathered = gather(batch, section, work); !gathered.ok())
			return stop(batch, section, gathered.error(), work);
		if (planner_.entries().method == Method::kNative && work.revokes())
			return zap(batch, section, work);
		return commit(batch, section, work);
	}

	// Nothing of the section was written.
	template <class Work>
	Progress stop(Batch<B> &batch, const Section &section, Errno error, Work &work)
	{
		batch.abandon();
		VirtAddr begin = section.begin.peek().start;
		settle(batch, section, {begin, false}, work);
		return {begin, error, 0};
	}

	// Locks the part's table. false: there is nothing to do.
	template <class Work>
	Result<bool> enter(Batch<B> &batch, Part part, Work &work)
	{
		bool is_twin = part.start.is_twin();
		if (is_twin && !state_.has_twin(part.start))
			return false;
		auto entered =
			batch.enter(part.start, is_twin ? state_.span(part.start).spare() : Pfn{0});
		if (entered.ok())
			return true;
		if (Work::kMayBeGone && entered.error() == Errno::kInval)
			return false;
		if (entered.error() != Errno::kNoEntry)
			return entered.error();
		if (work.needs_table(part))
			return Errno::kIo; // gone since prepare made it
		return false;
	}

	template <class Work>
	bool is_to_rebuild(const Batch<B> &batch, const Section &section, Work &work)
	{
		if (Work::kWholeTablesOnly && !section.begin.peek().is_whole())
			return false;
		if (!work.may_rebuild(batch.table()))
			return false;
		return section.look == Look::kRebuild ? has_work(batch, section, work)
						      : pays(batch, section, work);
	}
	template <class Work>
	bool has_work(const Batch<B> &batch, const Section &section, Work &work)
	{
		bool found = false;
		for_each_part(section.begin, section.end, [&](Part part) {
			auto rule = work.rule(part);
			unsigned end = part.first_slot() + part.pages;
			for (unsigned slot = part.first_slot();
			     !found && rule.applies() && slot < end; slot++)
				found = rule.changes(slot, batch.read(slot));
		});
		return found;
	}

	// Where the table may not be taken out its entries are written after all.
	template <class Work>
	Progress rebuild(Batch<B> &batch, const Section &section, Work &work)
	{
		Rebuild<B, Work> rebuild(state_, counters_, batch, section, work);
		if (!rebuild.is_possible()) {
			(void)gather(batch, section, work); // has entered already
			return commit(batch, section, work);
		}
		Progress progress = rebuild.run();
		if (rebuild.has_revoked())
			state_.note_flush_needed();
		note_present<Work>(section.begin.peek().start, batch.table(), rebuild.changed(),
				   !rebuild.was_refilled());
		settle(batch, section, {progress.limit, rebuild.changed() != 0}, work);
		if (rebuild.was_refilled() && state_.has(section.begin.peek().start))
			state_.span(section.begin.peek().start).spoil_twin(); // it may lack some
		work.lose(rebuild.lost());
		return progress;
	}

	// Would a rebuild be cheaper? The entries asked for are looked at only where it
	// might, those of the rest of the table never.
	template <class Work>
	bool pays(const Batch<B> &batch, const Section &section, Work &work)
	{
		VirtAddr base = section.begin.peek().start;
		uint32_t present = state_.is_visible(base) ? state_.span(base).present()
							   : count_present(batch.table());
		if (!planner_.might_rebuild(Work::kChange, section.asked, present))
			return false;
		uint32_t changed = 0;
		for_each_part(section.begin, section.end, [&](Part part) {
			changed += count_changes(batch, part, work.rule(part));
		});
		if (Work::kWholeTablesOnly && changed != count_present(batch.table()))
			return false;
		return planner_.rebuilds(Work::kChange, {changed, present});
	}
	template <class Rule>
	static uint32_t count_changes(const Batch<B> &batch, Part part, Rule rule)
	{
		uint32_t changed = 0;
		const uint64_t *entries = batch.table().entries;
		unsigned end = part.first_slot() + part.pages;
		for (unsigned slot = part.first_slot(); rule.applies() && slot < end; slot++)
			changed += rule.changes(slot, load_entry(&entries[slot]));
		return changed;
	}

	template <class Work>
	Result<void> gather(Batch<B> &batch, const Section &section, Work &work)
	{
		Result<void> result;
		for_each_part(section.begin, section.end, [&](Part part) {
			if (!result.ok())
				return;
			auto entered = enter(batch, part, work);
			result = entered.error();
			if (entered.ok() && entered.value())
				gather_part(batch, part, work);
		});
		return result;
	}
	template <class Work>
	void gather_part(Batch<B> &batch, Part part, Work &work)
	{
		auto rule = work.rule(part);
		if (!rule.applies())
			return;
		unsigned end = part.first_slot() + part.pages;
		for (unsigned slot = part.first_slot(); slot < end; slot++)
			if (Pte now = batch.read(slot); rule.changes(slot, now))
				batch.push(slot, rule.wanted(slot, now), Work::kCommand);
	}

	template <class Work>
	Progress commit(Batch<B> &batch, const Section &section, Work &work)
	{
		Order order = {planner_.entries(), work.revokes() && section.end.at_end()};
		uint32_t count = batch.count();
		if (work.revokes() && count)
			state_.note_flush_needed();
		Outcome outcome = batch.commit([&](const Updates &updates) {
			return submit(state_.backend(), updates, order, counters_);
		});
		if (outcome.flushed)
			state_.note_flushed();
		counters_.add(Work::kEffect, outcome.changed);
		batch.for_each_table(
			count, [&](VirtAddr base, const xenmm_table &table, uint32_t pushed) {
				note_present<Work>(base, table, pushed, !outcome.error);
			});

		Progress progress;
		if (outcome.error)
			progress = refused(batch.address_of(outcome.applied), outcome.error);
		settle(batch, section, {progress.limit, outcome.changed != 0}, work);
		batch.leave();
		return progress;
	}

	// Keeps Span::present(); counts anew where it is not known what was changed.
	template <class Work>
	void note_present(VirtAddr base, const xenmm_table &table, uint32_t changed, bool is_known)
	{
		if (!state_.is_visible(base))
			return;
		Span &span = state_.span(base);
		span.set_present(is_known ? present_after(Work::kChange, span.present(), changed)
					  : count_present(table));
	}

	// A module cannot flush another CPU's TLB on its own where no hypervisor does
	// it, so rights are taken away by the kernel's zap; pages fault back in.
	template <class Work>
	Progress zap(Batch<B> &batch, const Section &section, Work &work)
	{
		uint32_t affected = batch.count();
		batch.abandon();
		settle(batch, section, {kNoLimit, affected != 0}, work);
		batch.leave();
		counters_.add(Work::kEffect, affected);
		if (!affected)
			return {};
		for_each_part(section.begin, section.end, [&](Part part) {
			state_.backend().zap(part.start, part.pages * kPageBytes);
			counters_.add(XENMM_COUNTER_tlb_flushes);
		});
		return {};
	}

	template <class Work>
	void settle(Batch<B> &batch, const Section &section, Settlement settlement, Work &work)
	{
		for_each_part(section.begin, section.end,
			      [&](Part part) { work.settle(batch, part, settlement); });
	}

	ArenaState<B> &state_;
	const Planner &planner_;
	Counters &counters_;
	bool yields_;
};

} // namespace xenmm
