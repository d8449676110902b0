// SPDX-License-Identifier: GPL-2.0
// Validation of an ioctl's fields: method, batch size, protection, reserved fields.
#include "xenmm/request.hpp"
#include "xenmm/method.hpp"

namespace xenmm
{

namespace
{

constexpr uint32_t kMaxRanges = 1U << 20; // XENMM_MAX_RANGES
constexpr uint32_t kProtRead = 1;
constexpr uint32_t kProtReadWrite = 3;

bool is_prot_valid(const xenmm_request &request)
{
	if (request.action != XENMM_PROTECT)
		return request.prot == 0;
	return request.prot == kProtRead || request.prot == kProtReadWrite;
}

// No more than a table's, if there are as many.
uint32_t pages_up_to_a_table(Ranges ranges)
{
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < ranges.count() && bytes < kSpanBytes; i++)
		bytes += min(ranges[i].length, kSpanBytes);
	return static_cast<uint32_t>(min(bytes, kSpanBytes) >> kPageShift);
}

} // namespace

Change change_of(xenmm_action action)
{
	switch (action) {
	case XENMM_POPULATE:
	case XENMM_MAP:
		return Change::kMap;
	case XENMM_DISCARD:
	case XENMM_UNMAP:
		return Change::kUnmap;
	case XENMM_PROTECT:
	case XENMM_TRACK:
	case XENMM_UNTRACK:
		break;
	}
	return Change::kProtect;
}

bool is_exclusive(const xenmm_request &request, Ranges ranges, bool is_pv, const xenmm_cost &cost)
{
	How how = {static_cast<Method>(request.method), request.batch};
	Planner planner(how, is_pv, true, cost);
	uint32_t pages = pages_up_to_a_table(ranges);
	bool may_flip = is_protection(request.action) && planner.may_flip();
	return planner.look(change_of(request.action), pages) != Look::kNone ||
	       (may_flip && pages == kTableEntries);
}

Result<void> check_request(const xenmm_request &request, uint32_t offered)
{
	if (request.reserved || !is_prot_valid(request))
		return Errno::kInval;
	// A flip knows no presence.
	if (static_cast<Method>(request.method) == Method::kFlip && !is_protection(request.action))
		return Errno::kInval;
	if (request.nr_pieces == 0 || request.nr_pieces > kMaxRanges)
		return Errno::kInval;
	return check_how(request.method, request.batch, offered).error();
}

} // namespace xenmm
