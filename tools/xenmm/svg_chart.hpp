// SPDX-License-Identifier: GPL-2.0
// Charts as one self-contained SVG: no script, no font and no file from elsewhere.
#pragma once

#include <string>
#include <vector>

#include "chart.hpp"

namespace xenmm
{

// One below the other.
std::string svg_charts(const std::vector<Chart> &charts);

} // namespace xenmm
