// SPDX-License-Identifier: GPL-2.0
// What an arena knows about 2 MiB of its pages, independent of any page table: which
// page belongs into each slot, what may be written, and what the twin table is worth.
// One span corresponds to one L1 table.
//
// Protection is kept as one word for the span and the slots that deviate from it, so
// that the protection of 2 MiB changes without a look at 512 slots.
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
		bits_ = (bits_ & kDeviates) | (pfn.number << kPageShift) | kHasPage | kFresh;
	}
	constexpr Pfn take()
	{
		Pfn taken = pfn();
		bits_ &= kDeviates; // protection survives a discard
		return taken;
	}
	// Fresh: given by the operation under way, which may still have to take it back.
	constexpr bool is_fresh() const { return bits_ & kFresh; }
	constexpr void settle() { bits_ &= ~kFresh; }
	// Has another protection than its span says.
	constexpr bool deviates() const { return bits_ & kDeviates; }
	constexpr void set_deviates(bool deviates)
	{
		bits_ = deviates ? bits_ | kDeviates : bits_ & ~kDeviates;
	}

private:
	static constexpr uint64_t kHasPage = 1;
	static constexpr uint64_t kDeviates = 2;
	static constexpr uint64_t kFresh = 4;
	uint64_t bits_ = 0; // all zero: no page, as the span says
};

struct Slots {
	Slot slot[kTableEntries];
};
static_assert(sizeof(Slots) == kPageBytes);

// The second L1 table of a span, hooked at another address (Documentation/design.rst,
// "Flip"). It maps the span's own pages or nothing, in every state.
enum class Twin : uint8_t {
	kNone,	    // maps nothing, and has no table as far as we know
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
	// The two tables change places: the visible one is now `writable` throughout.
	void flip(bool writable)
	{
		twin_ = is_uniform() ? matched_twin(is_writable_throughout()) : Twin::kStale;
		set_all_writable(writable);
	}
	// A table of this span is nowhere hooked and still maps pages: they stay.
	bool is_lost() const { return lost_; }
	void set_lost() { lost_ = true; }

private:
	Slots *slots_ = nullptr;
	uint16_t deviating_ = 0; // slots that do
	uint16_t present_ = 0;
	bool read_only_ = false;
	bool lost_ = false;
	Twin twin_ = Twin::kNone;
};

static_assert(sizeof(Span) == 16);

} // namespace xenmm
