// SPDX-License-Identifier: GPL-2.0
// Updates of one critical section: gathered under the locks of up to four L1
// tables, then committed by one of the methods, or abandoned.
//
//   enter(table) push push push  enter(table) push ...   commit   leave
//   |--- table locks held, preemption off, nothing sleeps -----------|
//
// Machine addresses exist only in here. An entry is pushed at most once, because
// ranges do not overlap, so there are no superseded updates to drop.
#pragma once

#include "xenmm/backend.hpp"
#include "xenmm/counters.hpp"
#include "xenmm/method.hpp"
#include "xenmm/types.hpp"
#include "xenmm/xen_abi.hpp"

namespace xenmm
{

inline constexpr uint32_t kMaxTables = kMaxBatch / kTableEntries;

// Memory of an arena for its batches; too large for a kernel stack.
struct Workspace {
	xen::Update updates[kMaxBatch];
	xen::Call calls[kMulticallEntries];
	uint64_t saved[kTableEntries];	// a table before it is rebuilt
	uint64_t wanted[kTableEntries]; // and as it should be, where Xen refused it
};

// Hardware may set accessed and dirty bits at any time.
inline Pte load_entry(const uint64_t *entry)
{
	return Pte(__atomic_load_n(entry, __ATOMIC_RELAXED));
}
inline unsigned slot_of(const xen::Update &update)
{
	return (update.ptr & (kPageBytes - 1)) >> 3;
}

// The first `applied` updates took effect. With an error (Xen's negative errno)
// update number `applied` is the one that failed. Multicalls and the lazy queue go
// on behind a failed entry: `changed` counts all updates that took effect.
struct Outcome {
	uint32_t applied = 0;
	uint32_t changed = 0;
	int error = 0;
	bool flushed = false; // a TLB flush went along
};

// A locked table and where its updates begin.
struct Segment {
	xenmm_table table;
	VirtAddr base;
	uint32_t begin;
};

// What a method gets to see of a batch.
struct Updates {
	Workspace &space;
	const Segment *segments;
	uint32_t nr_segments;
	uint32_t count;

	xen::Update *first() const { return space.updates; }
	uint32_t end_of(uint32_t segment) const
	{
		return segment + 1 < nr_segments ? segments[segment + 1].begin : count;
	}

	// Calls visit(segment, entry, address, update) in order until it answers
	// an error.
	template <class Visitor>
	Outcome for_each(Visitor visit) const
	{
		for (uint32_t s = 0; s < nr_segments; s++) {
			const Segment &segment = segments[s];
			for (uint32_t i = segment.begin; i < end_of(s); i++) {
				xen::Update &update = space.updates[i];
				unsigned slot = slot_of(update);
				if (int error = visit(segment, &segment.table.entries[slot],
						      segment.base.page(slot), update))
					return {i, i, error, false};
			}
		}
		return {count, count, 0, false};
	}
};

template <Backend B>
class Batch
{
public:
	Batch(B &backend, Workspace &space) : backend_(backend), space_(space) {}
	Batch(const Batch &) = delete;
	Batch &operator=(const Batch &) = delete;
	// Neither committed nor abandoned: updates would be lost without a word.
	~Batch()
	{
		if (count_)
			__builtin_trap();
		leave();
	}

	// Lock the table of `address`, unless it is the last one entered; of the twin's it is
	// `spare`. Tables are entered in ascending order, at most kMaxTables.
	// kNoEntry: there is none; kInval, kIo: see xenmm_k_table_lock.
	Result<void> enter(VirtAddr address, Pfn spare = {0})
	{
		VirtAddr base = address.table_base();
		if (nr_segments_ && segments_[nr_segments_ - 1].base == base)
			return {};
		Segment &segment = segments_[nr_segments_];
		const xenmm_table *previous =
			nr_segments_ ? &segments_[nr_segments_ - 1].table : nullptr;
		XENMM_TRY(address.is_twin()
				  ? backend_.twin_lock(address.visible(), spare, nr_segments_,
						       previous, segment.table)
				  : backend_.table_lock(address, nr_segments_, previous,
							segment.table));
		segment.base = base;
		segment.begin = count_;
		nr_segments_++;
		return {};
	}

	// The table entered last, and an entry of it.
	const xenmm_table &table() const { return segments_[nr_segments_ - 1].table; }
	Pte read(unsigned slot) const { return load_entry(&table().entries[slot]); }

	// Queue an entry of the table entered last. `command` is one of
	// MMU_NORMAL_PT_UPDATE and MMU_PT_UPDATE_PRESERVE_AD.
	void push(unsigned slot, Pte value, uint64_t command)
	{
		space_.updates[count_++] = {(table().maddr + slot * sizeof(Pte)) | command,
					    value.bits()};
	}

	uint32_t count() const { return count_; }

	// Calls visit(base, table, updates pushed) for each table entered.
	template <class Visitor>
	void for_each_table(uint32_t count, Visitor visit) const
	{
		for (uint32_t s = 0; s < nr_segments_; s++) {
			uint32_t end = s + 1 < nr_segments_ ? segments_[s + 1].begin : count;
			visit(segments_[s].base, segments_[s].table, end - segments_[s].begin);
		}
	}

	// The page whose entry update number i changes.
	VirtAddr address_of(uint32_t i) const
	{
		uint32_t s = nr_segments_ - 1;
		while (s && segments_[s].begin > i)
			s--;
		return segments_[s].base.page(slot_of(space_.updates[i]));
	}

	// Find an entry after the commit; the locks are still held.
	Pte read_at(VirtAddr address) const
	{
		for (uint32_t s = 0; s < nr_segments_; s++)
			if (segments_[s].base == address.table_base())
				return load_entry(&segments_[s].table.entries[address.slot()]);
		return Pte();
	}

	template <class Submit>
	Outcome commit(Submit submit)
	{
		Updates updates = {space_, segments_, nr_segments_, count_};
		Outcome outcome;
		if (count_) {
			VirtAddr first = address_of(0);
			backend_.trace_batch_begin(first, count_);
			outcome = submit(updates);
			backend_.trace_batch_end(first, count_, outcome.changed, outcome.error);
		}
		count_ = 0;
		return outcome;
	}

	// Forget what was pushed.
	void abandon() { count_ = 0; }

	// Unlock all tables; the batch may be filled anew.
	void leave()
	{
		while (nr_segments_)
			backend_.table_unlock(segments_[--nr_segments_].table);
	}

private:
	B &backend_;
	Workspace &space_;
	Segment segments_[kMaxTables];
	uint32_t nr_segments_ = 0;
	uint32_t count_ = 0;
};

} // namespace xenmm
