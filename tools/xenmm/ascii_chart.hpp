// SPDX-License-Identifier: GPL-2.0
// A chart in characters: any terminal, any mail, any log shows it.
#pragma once

#include <string>

#include "chart.hpp"

namespace xenmm
{

struct Size {
	size_t width;
	size_t height;
};

// Title, `size.height` rows of drawing, the axis, a legend and the conclusions.
std::string ascii_chart(const Chart &chart, Size size);

} // namespace xenmm
