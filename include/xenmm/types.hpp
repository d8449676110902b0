// SPDX-License-Identifier: GPL-2.0
// Frames, addresses and page-table entries as types, never bare integers.
//
// A pfn is a guest's own page number, an mfn the machine's. Page tables of a PV
// guest hold mfns. The numbers behind them change at save and restore, so an Mfn
// or a MachineAddr lives no longer than the table lock under which it was made.
#pragma once

#include "xenmm/support.hpp"

namespace xenmm
{

inline constexpr unsigned kPageShift = 12;
inline constexpr uint64_t kPageBytes = 1ULL << kPageShift;
inline constexpr unsigned kTableEntries = 512;
inline constexpr uint64_t kSpanBytes = kTableEntries * kPageBytes; // what one L1 table maps

struct Pfn {
	uint64_t number;
};

struct Mfn {
	uint64_t number;
};

struct MachineAddr {
	uint64_t bytes;
};

struct VirtAddr {
	uint64_t bytes;

	constexpr unsigned slot() const { return (bytes >> kPageShift) & (kTableEntries - 1); }
	constexpr VirtAddr table_base() const { return {bytes & ~(kSpanBytes - 1)}; }
	constexpr VirtAddr page(uint64_t n) const { return {bytes + n * kPageBytes}; }
	// Names the same page in the twin of its table (span.hpp), which is hooked nowhere: no
	// address of a process has this bit.
	static constexpr uint64_t kTwinBit = 1ULL << 62;
	constexpr VirtAddr twin() const { return {bytes | kTwinBit}; }
	constexpr VirtAddr visible() const { return {bytes & ~kTwinBit}; }
	constexpr bool is_twin() const { return bytes & kTwinBit; }
	constexpr bool operator==(VirtAddr other) const { return bytes == other.bytes; }
	constexpr bool operator<(VirtAddr other) const { return bytes < other.bytes; }
	constexpr bool operator<=(VirtAddr other) const { return bytes <= other.bytes; }
	constexpr bool operator>=(VirtAddr other) const { return bytes >= other.bytes; }
};

// A raw L1 entry, as the hardware and Xen see it (Intel SDM vol. 3, table 4-20).
class Pte
{
public:
	static constexpr uint64_t kPresent = 1ULL << 0;
	static constexpr uint64_t kWritable = 1ULL << 1;
	static constexpr uint64_t kAccessed = 1ULL << 5;
	static constexpr uint64_t kDirty = 1ULL << 6;
	static constexpr uint64_t kGlobal = 1ULL << 8;
	static constexpr uint64_t kAccessedDirty = kAccessed | kDirty;
	static constexpr uint64_t kFrameMask = 0x000ffffffffff000ULL;

	constexpr Pte() = default;
	constexpr explicit Pte(uint64_t bits) : bits_(bits) {}
	static constexpr Pte of(Mfn frame, uint64_t flags)
	{
		return Pte((frame.number << kPageShift) | flags);
	}

	constexpr uint64_t bits() const { return bits_; }
	constexpr bool is_empty() const { return bits_ == 0; }
	constexpr bool is_present() const { return bits_ & kPresent; }
	constexpr bool is_writable() const { return bits_ & kWritable; }
	constexpr Mfn frame() const { return {(bits_ & kFrameMask) >> kPageShift}; }

	// Same frame, other flags; accessed and dirty stay as they are.
	constexpr Pte with_flags(uint64_t flags) const
	{
		return Pte((bits_ & (kFrameMask | kAccessedDirty)) | flags);
	}
	constexpr Pte read_only() const { return Pte(bits_ & ~kWritable); }
	// Equal but for the bits that others set: hardware may set accessed and dirty at
	// any time, Xen sets global in user entries (adjust_guest_l1e in its pv/mm.h).
	constexpr bool agrees_with(Pte other) const
	{
		return ((bits_ ^ other.bits_) & ~(kAccessedDirty | kGlobal)) == 0;
	}

private:
	uint64_t bits_ = 0;
};

static_assert(sizeof(Pte) == 8);
static_assert(Pte::of({0x1234}, Pte::kPresent).frame().number == 0x1234);
static_assert(VirtAddr{kSpanBytes + 3 * kPageBytes}.slot() == 3);

} // namespace xenmm
