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
	cost.ticks[XENMM_COST_map] = 620;
	cost.ticks[XENMM_COST_unmap] = 480;
	cost.ticks[XENMM_COST_protect] = 720;
	cost.ticks[XENMM_COST_rebuild] = 12000;
	cost.ticks[XENMM_COST_validate] = 240;
	cost.ticks[XENMM_COST_devalidate] = 120;
	cost.ticks[XENMM_COST_flip] = 4000;
	return cost;
}

} // namespace xenmm
