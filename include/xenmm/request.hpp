// SPDX-License-Identifier: GPL-2.0
// Is a decoded ioctl well formed? Everything but its ranges, which ranges.hpp checks.
#pragma once

#include "xenmm/abi.h"
#include "xenmm/planner.hpp"
#include "xenmm/ranges.hpp"
#include "xenmm/result.hpp"

namespace xenmm
{

// `offered` has a bit (1 << method) for each method of this guest.
// kInval, kNotSupported.
Result<void> check_request(const xenmm_request &request, uint32_t offered);

// What happens to entries.
Change change_of(xenmm_action action);

// Does it change nothing but protection, so that tables may be flipped?
inline bool is_protection(xenmm_action action)
{
	return change_of(action) == Change::kProtect;
}

// Might it take tables out of the address space? See xenmm_request_is_exclusive.
bool is_exclusive(const xenmm_request &request, Ranges ranges, bool is_pv, const xenmm_cost &cost);

} // namespace xenmm
