// SPDX-License-Identifier: GPL-2.0
// Small charts for a page: as wide as a telephone, so that they stand side by side on a
// wide screen and one below the other on a narrow one.
#pragma once

#include <string>
#include <vector>

#include "section.hpp"

namespace xenmm
{

// Drawn, kSmallChartWidth wide.
struct SmallChart {
	std::string title;
	double height;
	std::string elements;
};
inline constexpr double kSmallChartWidth = 360;

SmallChart draw(const BarChart &chart);
SmallChart draw(const LineChart &chart);
// All of a section.
std::vector<SmallChart> draw(const Section &section);

// As an element of a page, as wide as there is room.
std::string svg_element(const SmallChart &chart);
// All in one file, three in a row.
std::string svg_sheet(const std::vector<SmallChart> &charts);

} // namespace xenmm
