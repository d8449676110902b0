// SPDX-License-Identifier: GPL-2.0
// What the kernel does, as the double counts it: the same amount from one reading to the
// next, so that tests know every figure.
#pragma once

#include "uapi/xenmm.h"

namespace xenmm::fake
{

// XENMM_IOC_KERNEL: 0, or -1 and errno.
int count_kernel(xenmm_kernel &kernel);

} // namespace xenmm::fake
