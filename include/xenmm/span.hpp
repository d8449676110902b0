// SPDX-License-Identifier: GPL-2.0
// What an arena knows about 2 MiB of its pages, independent of any page table: which
// page belongs into each slot, what may be written, and what the twin table is worth.
// One span corresponds to one L1 table.
//
// Protection is kept as one word for the span and the slots that deviate from it, so
// that the protection of 2 MiB changes without a look at 512 slots.
//
// A tracked page is one whose writes are to be noted: it is read-only until the first
// write, and writable and written from then on (tracker.hpp).
#pragma once

#include "xenmm/types.hpp"

namespace xenmm
{

class Slot
{
public:
	constexpr bool has_page() const { return bits_ & kHasPage; }
	constexpr Pfn pfn() const { return {bits_ >> kPageShift}; }

	constexpr void give(Pfn pfn)
	{
		bits_ = (bits_ & kLasting) | (pfn.number << kPageShift) | kHasPage | kFresh;
	}
	constexpr Pfn take()
	{
		Pfn taken = pfn();
		bits_ &= kLasting; // protection survives a discard
		return taken;
	}
	// Fresh: given by the operation under way, which may still have to take it back.
	constexpr bool is_fresh() const { return bits_ & kFresh; }
	constexpr void settle() { bits_ &= ~kFresh; }
	// Has another protection than its span says.
	constexpr bool deviates() const { return bits_ & kDeviates; }
	constexpr void set_deviates(bool deviates) { set(kDeviates, deviates); }
	constexpr bool is_tracked() const { return bits_ & kTracked; }
	constexpr void set_tracked(bool tracked) { set(kTracked, tracked); }
	constexpr bool is_written() const { return bits_ & kWritten; }
	constexpr void set_written(bool written) { set(kWritten, written); }

private:
	constexpr void set(uint64_t bit, bool is_set)
	{
		bits_ = is_set ? bits_ | bit : bits_ & ~bit;
	}

	static constexpr uint64_t kHasPage = 1;
	static constexpr uint64_t kDeviates = 2;
	static constexpr uint64_t kFresh = 4;
	static constexpr uint64_t kTracked = 8;
	static constexpr uint64_t kWritten = 16;
	static constexpr uint64_t kLasting = kDeviates | kTracked | kWritten;
	uint64_t bits_ = 0; // all zero: no page, as the span says
};

struct Slots {
	Slot slot[kTableEntries];
};
static_assert(sizeof(Slots) == kPageBytes);

// The second L1 table of a span, pinned and hooked nowhere (Documentation/design.rst,
// "Flip"). It maps the span's own pages or nothing, in every state.
enum class Twin : uint8_t {
	kNone,	    // there is none
	kEmpty,	    // maps nothing
	kStale,	    // maps something; not to be relied on
	kReadOnly,  // maps exactly what the visible table maps, read-only throughout
	kReadWrite, // the same, writable throughout
};

constexpr bool may_map_pages(Twin twin)
{
	return twin > Twin::kEmpty;
}

constexpr Twin matched_twin(bool writable)
{
	return writable ? Twin::kReadWrite : Twin::kReadOnly;
}

// All zero: no page anywhere, all writable, no twin.
class Span
{
public:
	bool has_slots() const { return slots_; }
	Slot *slots() { return slots_ ? slots_->slot : nullptr; }
	const Slot *slots() const { return slots_ ? slots_->slot : nullptr; }
	Slots *take_slots()
	{
		Slots *taken = slots_;
		slots_ = nullptr;
		deviating_ = 0;
		tracked_ = 0;
		all_tracked_ = false;
		written_groups_ = 0;
		return taken;
	}
	void give_slots(Slots *slots) { slots_ = slots; }

	bool is_writable(unsigned slot) const
	{
		return read_only_ == (slots_ && slots_->slot[slot].deviates());
	}
	bool is_uniform() const { return !deviating_; }
	// But for the slots that deviate.
	bool is_writable_throughout() const { return !read_only_; }
	void set_all_writable(bool writable)
	{
		if (deviating_)
			for (Slot &slot : slots_->slot)
				slot.set_deviates(false);
		deviating_ = 0;
		read_only_ = !writable;
	}
	// Without slots only to what the span says anyway.
	void set_writable(unsigned slot, bool writable)
	{
		bool deviates = writable == read_only_;
		if (!slots_ || slots_->slot[slot].deviates() == deviates)
			return;
		slots_->slot[slot].set_deviates(deviates);
		deviating_ += deviates ? 1 : -1;
	}

	// As with protection, all slots are tracked by a word, or those that say so.
	bool has_tracked() const { return all_tracked_ || tracked_; }
	bool is_all_tracked() const { return all_tracked_; }
	bool is_tracked(unsigned slot) const
	{
		return all_tracked_ || (tracked_ && slots_->slot[slot].is_tracked());
	}
	// What is written stays so, or is no more.
	void set_all_tracked(bool tracked)
	{
		for (unsigned slot = 0; tracked_ && slot < kTableEntries; slot++)
			slots_->slot[slot].set_tracked(false);
		tracked_ = 0;
		all_tracked_ = tracked;
		for (unsigned slot = 0; !tracked && written_groups_ && slot < kTableEntries; slot++)
			set_written(slot, false);
	}
	// Only with slots.
	void set_tracked(unsigned slot, bool tracked)
	{
		if (is_tracked(slot) == tracked)
			return;
		spread_tracked();
		slots_->slot[slot].set_tracked(tracked);
		tracked_ += tracked ? 1 : -1;
		if (!tracked)
			set_written(slot, false);
	}

	// Likewise. A group of slots is looked at only where it has a written one.
	static constexpr unsigned kGroup = 8;
	bool has_written(unsigned slot) const { return written_groups_ >> slot / kGroup & 1; }
	bool has_written() const { return written_groups_; }
	void set_written(unsigned slot, bool written)
	{
		uint64_t group = 1ULL << slot / kGroup;
		slots_->slot[slot].set_written(written);
		written_groups_ = written || is_group_written(slot) ? written_groups_ | group
								    : written_groups_ & ~group;
	}
	// Its content has changed, though by no write.
	void note_changed(unsigned slot)
	{
		if (!is_tracked(slot))
			return;
		set_writable(slot, true);
		set_written(slot, true);
	}

	// Entries of the visible table that are present. For the planner alone: nothing
	// breaks when it is wrong.
	uint32_t present() const { return present_; }
	void set_present(uint32_t present) { present_ = static_cast<uint16_t>(present); }

	Twin twin() const { return twin_; }
	void set_twin(Twin twin) { twin_ = twin; }
	// The visible table maps other pages than before: what matched it does no more.
	void spoil_twin()
	{
		if (may_map_pages(twin_))
			twin_ = Twin::kStale;
	}
	// The table that is hooked nowhere; only with a twin.
	Pfn spare() const { return {spare_}; }
	// Is that the kernel's own, and the one hooked ours?
	bool is_flipped() const { return flipped_; }
	void give_twin(Pfn ours)
	{
		twin_ = Twin::kEmpty;
		spare_ = ours.number;
		flipped_ = false;
	}
	void take_twin()
	{
		twin_ = Twin::kNone;
		spare_ = 0;
		flipped_ = false;
	}
	// The two tables change places: the visible one is now `writable` throughout.
	void flip(bool writable, Pfn unhooked)
	{
		twin_ = is_uniform() ? matched_twin(is_writable_throughout()) : Twin::kStale;
		spare_ = unhooked.number;
		flipped_ = !flipped_;
		set_all_writable(writable);
	}
	// A table of this span is nowhere hooked and still maps pages: they stay.
	bool is_lost() const { return lost_; }
	void set_lost() { lost_ = true; }

private:
	void spread_tracked()
	{
		for (unsigned slot = 0; all_tracked_ && slot < kTableEntries; slot++)
			slots_->slot[slot].set_tracked(true);
		tracked_ = all_tracked_ ? kTableEntries : tracked_;
		all_tracked_ = false;
	}
	bool is_group_written(unsigned slot) const
	{
		const Slot *group = &slots_->slot[slot / kGroup * kGroup];
		bool is_written = false;
		for (unsigned i = 0; i < kGroup; i++)
			is_written |= group[i].is_written();
		return is_written;
	}

	Slots *slots_ = nullptr;
	uint16_t deviating_ = 0; // slots that do
	uint16_t present_ = 0;
	uint16_t tracked_ = 0;	  // slots that say so
	uint64_t spare_ : 48 = 0; // a pfn
	bool all_tracked_ : 1 = false;
	bool read_only_ : 1 = false;
	bool lost_ : 1 = false;
	bool flipped_ : 1 = false;
	Twin twin_ = Twin::kNone;
	uint64_t written_groups_ = 0; // a bit for each that has a written slot
};

static_assert(sizeof(Span) == 32);
static_assert(kTableEntries / Span::kGroup == 64);

} // namespace xenmm
