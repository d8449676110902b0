// SPDX-License-Identifier: GPL-2.0
// What an arena knows about 2 MiB of its pages, slot by slot, independent of any
// page table: which page belongs there and whether it may be written. One span
// fills one page and corresponds to one L1 table.
#pragma once

#include "xenmm/types.hpp"

namespace xenmm
{

class Slot
{
public:
	constexpr bool has_page() const { return bits_ & kHasPage; }
	constexpr Pfn pfn() const { return {bits_ >> kPageShift}; }
	constexpr bool is_writable() const { return !(bits_ & kReadOnly); }

	constexpr void give(Pfn pfn)
	{
		bits_ = (bits_ & kReadOnly) | (pfn.number << kPageShift) | kHasPage | kFresh;
	}
	constexpr Pfn take()
	{
		Pfn taken = pfn();
		bits_ &= kReadOnly; // protection survives a discard
		return taken;
	}
	// Fresh: given by the operation under way, which may still have to take it back.
	constexpr bool is_fresh() const { return bits_ & kFresh; }
	constexpr void settle() { bits_ &= ~kFresh; }
	constexpr void set_writable(bool writable)
	{
		bits_ = writable ? bits_ & ~kReadOnly : bits_ | kReadOnly;
	}

private:
	static constexpr uint64_t kHasPage = 1;
	static constexpr uint64_t kReadOnly = 2;
	static constexpr uint64_t kFresh = 4;
	uint64_t bits_ = 0; // all zero: no page, writable
};

struct Span {
	Slot slots[kTableEntries];
};

static_assert(sizeof(Span) == kPageBytes);

} // namespace xenmm
