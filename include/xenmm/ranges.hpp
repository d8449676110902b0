// SPDX-License-Identifier: GPL-2.0
// The ranges of one operation and the walk over them, one L1 table at a time.
//
//   ranges     [----------------)      [--)[----)
//   tables  |         |         |         |         |
//   parts      [-----)[-------)         [--)[-)[--)
//
// Ranges ascend and do not overlap, so parts of one table follow each other and
// share one critical section.
#pragma once

#include "xenmm/abi.h"
#include "xenmm/backend.hpp"
#include "xenmm/result.hpp"
#include "xenmm/types.hpp"

namespace xenmm
{

// A piece of a range inside one L1 table.
struct Part {
	VirtAddr start;
	uint32_t pages; // 1..512

	constexpr unsigned first_slot() const { return start.slot(); }
	constexpr VirtAddr end() const { return start.page(pages); }
	constexpr bool is_whole() const { return pages == kTableEntries; }
};

class Ranges
{
public:
	// Seen `distance` bytes away from where the pieces say.
	constexpr Ranges(const xenmm_piece *pieces, uint32_t count, uint64_t distance = 0)
		: pieces_(pieces), distance_(distance), count_(count)
	{
	}
	constexpr Ranges moved(uint64_t distance) const
	{
		return {pieces_, count_, distance_ + distance};
	}
	constexpr uint32_t count() const { return count_; }
	constexpr xenmm_piece operator[](uint32_t i) const
	{
		return {pieces_[i].start + distance_, pieces_[i].length};
	}

	// Pages in front of `limit`; all of them when limit is past the end.
	uint64_t pages_below(VirtAddr limit) const;
	// Aligned, not empty, not wrapping, ascending, apart. kInval.
	Result<void> check_shape() const;

private:
	const xenmm_piece *pieces_;
	uint64_t distance_;
	uint32_t count_;
};

// Is every range inside the arena's mapping? Asks once per area, not per range.
// mmap lock held. kInval.
template <Backend B>
Result<void> check_mapped(B &backend, Ranges ranges)
{
	Extent extent = {{0}, {0}};
	for (uint32_t i = 0; i < ranges.count(); i++) {
		VirtAddr at = {ranges[i].start};
		VirtAddr end = {at.bytes + ranges[i].length};
		while (at < end) {
			if (at < extent.from || at >= extent.to) {
				auto found = backend.extent(at);
				if (!found.ok())
					return Errno::kInval;
				extent = found.value();
			}
			at = extent.to;
		}
	}
	return {};
}

// Yields the parts in ascending order. A plain value: copy it to walk again.
class PartCursor
{
public:
	explicit PartCursor(Ranges ranges) : ranges_(ranges) { load(); }

	bool at_end() const { return index_ == ranges_.count(); }
	bool is_at(const PartCursor &other) const
	{
		return index_ == other.index_ && (at_end() || at_ == other.at_);
	}
	// Only where at_end() is false.
	Part peek() const
	{
		uint64_t limit = min(end_.bytes, at_.table_base().bytes + kSpanBytes);
		return {at_, static_cast<uint32_t>((limit - at_.bytes) >> kPageShift)};
	}
	Part next()
	{
		Part part = peek();
		at_ = part.end();
		if (at_ == end_) {
			index_++;
			load();
		}
		return part;
	}

private:
	void load()
	{
		if (at_end())
			return;
		at_ = {ranges_[index_].start};
		end_ = {at_.bytes + ranges_[index_].length};
	}

	Ranges ranges_;
	uint32_t index_ = 0;
	VirtAddr at_ = {0};
	VirtAddr end_ = {0};
};

} // namespace xenmm
