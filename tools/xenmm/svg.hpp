// SPDX-License-Identifier: GPL-2.0
// Elements of an SVG, and text that is safe inside one or inside HTML.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace xenmm
{

// Can be told apart by the colour-blind, too; the ninth is the first again.
const char *colour_of(size_t series);
inline constexpr size_t kColourCount = 8;

std::string escaped(std::string_view text);
std::string text_at(double x, double y, std::string_view text, std::string_view attributes = "");
std::string line(double x1, double y1, double x2, double y2, const char *colour);

} // namespace xenmm
