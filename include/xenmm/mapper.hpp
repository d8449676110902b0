// SPDX-License-Identifier: GPL-2.0
// Entries of an area that belongs to another module: mapped and cleared by the hundred
// for each hypercall, and each page told whether it was.
//
//   pages of the driver    p0  p1  p2  p3  p4  p5 ...
//   mmu_update            [p0  p1  p2!                   Xen refuses p2
//   results                0   0   -22
//   mmu_update                         [p3  p4  p5 ...   and on behind it
//
// Nothing is known of the pages but that the area holds them: no slots, no twin, no account.
#pragma once

#include "xenmm/table_writer.hpp"

namespace xenmm
{

// Empty entries take a page each; what is mapped already stays, and is told.
template <Backend B, class PageAt>
class LendWork : public PlainWork
{
public:
	static constexpr xenmm_counter kEffect = XENMM_COUNTER_pages_mapped;
	static constexpr Change kChange = Change::kMap;
	static constexpr uint64_t kCommand = MMU_NORMAL_PT_UPDATE;

	struct Rule {
		LendWork &work;
		VirtAddr base;

		bool applies() const { return true; }
		bool changes(unsigned slot, Pte now) const
		{
			if (now.is_empty())
				return true;
			work.results_[work.index_of(base.page(slot))] = to_int(Errno::kBusy);
			return false;
		}
		Pte wanted(unsigned slot, Pte) const
		{
			Pfn page = work.page_at_(work.index_of(base.page(slot)));
			return Pte::of(work.backend_.to_mfn(page), work.flags_);
		}
	};

	LendWork(B &backend, VirtAddr start, uint64_t flags, PageAt page_at, int *results)
		: backend_(backend), start_(start), flags_(flags), page_at_(page_at),
		  results_(results)
	{
	}
	bool revokes() const { return false; }
	bool needs_table(Part) { return true; }
	Rule rule(Part part) { return {*this, part.start.table_base()}; }
	uint32_t index_of(VirtAddr at) const { return (at.bytes - start_.bytes) >> kPageShift; }

private:
	B &backend_;
	VirtAddr start_;
	uint64_t flags_;
	PageAt page_at_;
	int *results_;
};

template <Backend B>
class Mapper
{
public:
	Mapper(B backend, bool is_pv)
		: backend_(backend), state_(backend_),
		  planner_(is_pv ? How{Method::kBatch, kTableEntries} : fault_how(false), is_pv,
			   false, {})
	{
	}
	Mapper(const Mapper &) = delete;
	Mapper &operator=(const Mapper &) = delete;
	~Mapper()
	{
		if (state_.is_attached())
			state_.detach();
	}

	// kNoMem.
	Result<void> make() { return state_.attach_nowhere(); }

	// See xenmm_mapper_map.
	template <class PageAt>
	uint32_t map(VirtAddr start, uint32_t count, uint64_t flags, PageAt page_at, int *results)
	{
		LendWork<B, PageAt> work(backend_, start, flags, page_at, results);
		for (uint32_t i = 0; i < count; i++)
			results[i] = 0;
		Counters counters;
		for (uint32_t next = 0; next < count;) {
			Progress progress = write(start.page(next), count - next, work, counters);
			if (progress.ok())
				break;
			next = work.index_of(progress.limit);
			next = tell(progress, next, count, results);
		}
		backend_.count(counters);
		uint32_t mapped = 0;
		for (uint32_t i = 0; i < count; i++)
			mapped += !results[i];
		return mapped;
	}

	// See xenmm_mapper_clear.
	Result<void> clear(VirtAddr start, uint32_t count)
	{
		UnmapWork work;
		Counters counters;
		Progress progress = write(start, count, work, counters);
		counters.add(XENMM_COUNTER_errors, progress.error == Errno::kIo);
		backend_.count(counters);
		return progress.error;
	}

private:
	template <class Work>
	Progress write(VirtAddr start, uint32_t count, Work &work, Counters &counters)
	{
		xenmm_piece piece = {start.bytes, count * kPageBytes};
		TableWriter<B> writer(state_, planner_, counters);
		Progress progress = writer.run(Ranges(&piece, 1), work);
		writer.flush_if_needed();
		return progress;
	}

	// What Xen refuses concerns one page, anything else all that follow. Where to go on.
	static uint32_t tell(const Progress &progress, uint32_t failed, uint32_t count,
			     int *results)
	{
		bool is_refusal = progress.error == Errno::kIo && progress.hypervisor_error;
		uint32_t end = is_refusal ? failed + 1 : count;
		int error = is_refusal ? progress.hypervisor_error : to_int(progress.error);
		for (uint32_t i = failed; i < end; i++)
			results[i] = error;
		return end;
	}

	B backend_;
	ArenaState<B> state_;
	Planner planner_;
};

} // namespace xenmm
