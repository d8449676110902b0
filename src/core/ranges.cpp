// SPDX-License-Identifier: GPL-2.0
// Checks and sums over the ranges of an operation.
#include "xenmm/ranges.hpp"

namespace xenmm
{

uint64_t Ranges::pages_below(VirtAddr limit) const
{
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < count_ && (*this)[i].start < limit.bytes; i++)
		bytes += min<uint64_t>((*this)[i].length, limit.bytes - (*this)[i].start);
	return bytes >> kPageShift;
}

Result<void> Ranges::check_shape() const
{
	uint64_t previous_end = 0;
	for (uint32_t i = 0; i < count_; i++) {
		const xenmm_piece piece = (*this)[i];
		uint64_t end = 0;
		if ((piece.start | piece.length) % kPageBytes || !piece.length)
			return Errno::kInval;
		if (__builtin_add_overflow(piece.start, piece.length, &end))
			return Errno::kInval;
		if (piece.start < previous_end)
			return Errno::kInval;
		previous_end = end;
	}
	return {};
}

} // namespace xenmm
