// SPDX-License-Identifier: GPL-2.0
// The built-in price list: what `xenmm calibrate` measured where the figures of
// Documentation/results.rst come from, in instructions. Only the ratios matter.
#include "xenmm/planner.hpp"

namespace xenmm
{

xenmm_cost default_cost()
{
	xenmm_cost cost = {};
	cost.ticks[XENMM_COST_hypercall] = 490;
	cost.ticks[XENMM_COST_map] = 628;
	cost.ticks[XENMM_COST_unmap] = 482;
	cost.ticks[XENMM_COST_protect] = 716;
	cost.ticks[XENMM_COST_rebuild] = 26500;
	cost.ticks[XENMM_COST_validate] = 228;
	cost.ticks[XENMM_COST_devalidate] = 152;
	cost.ticks[XENMM_COST_flip] = 1960;
	cost.ticks[XENMM_COST_trap] = 1766;
	return cost;
}

} // namespace xenmm
