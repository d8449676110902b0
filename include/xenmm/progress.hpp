// SPDX-License-Identifier: GPL-2.0
// How far an operation came: everything below `limit` is as asked for.
#pragma once

#include "xenmm/result.hpp"
#include "xenmm/types.hpp"

namespace xenmm
{

inline constexpr VirtAddr kNoLimit = {~0ULL};

// error is kOk exactly when limit is kNoLimit.
struct Progress {
	VirtAddr limit = kNoLimit; // first page that is not as asked for
	Errno error = Errno::kOk;
	int hypervisor_error = 0; // what Xen said, with kIo

	bool ok() const { return error == Errno::kOk; }
};

constexpr Progress refused(VirtAddr at, int hypervisor_error)
{
	return {at, Errno::kIo, hypervisor_error};
}

} // namespace xenmm
