// SPDX-License-Identifier: GPL-2.0
// /dev/xenmm: open it, ask it, and say in plain words why that is not possible.
// A Device that exists speaks this tool's ABI version.
#pragma once

#include <optional>
#include <string>

#include "unique_fd.hpp"
#include "uapi/xenmm.h"

namespace xenmm
{

class Device
{
public:
	// Failure kMissing when there is no module or no privilege.
	static Device open();
	// The same, but the reason goes to `why` (if given).
	static std::optional<Device> try_open(std::string *why = nullptr);

	const xenmm_info &info() const { return info_; }
	xenmm_stats stats() const;
	// Switches the counting of what the kernel does (XENMM_KERNEL_ON, _OFF, _LEAVE) and
	// reads it. Failure kMissing without privilege or for a module that is too old,
	// kNotPossible where there is nothing to count; nothing has changed then.
	xenmm_kernel kernel(unsigned counting) const;
	int fd() const { return fd_.get(); }

private:
	explicit Device(UniqueFd fd);

	UniqueFd fd_;
	xenmm_info info_ = {};
};

} // namespace xenmm
