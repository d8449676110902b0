// SPDX-License-Identifier: GPL-2.0
// Measures the operations from which the module's prices follow, by explicit methods,
// on an arena of its own. Ticks are the TSC's: instructions under `-icount`.
#pragma once

#include "prices.hpp"

namespace xenmm
{

// Of each operation the least of `runs`: what disturbs a run only adds to it. `pages`
// is a multiple of XENMM_SPAN_PAGES; the guest has to offer batch, rebuild and flip.
Timings survey(uint64_t pages, unsigned runs);

} // namespace xenmm
