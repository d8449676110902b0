// SPDX-License-Identifier: GPL-2.0
// Small charts for a page: as wide as a telephone, so that they stand side by side on a
// wide screen and one below the other on a narrow one.
#pragma once

#include <string>

#include "section.hpp"

namespace xenmm
{

std::string svg_of(const BarChart &chart);
std::string svg_of(const LineChart &chart);

} // namespace xenmm
