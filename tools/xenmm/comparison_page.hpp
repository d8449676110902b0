// SPDX-License-Identifier: GPL-2.0
// The comparison as text for a terminal, as a page for a browser and as a picture for a
// document: one file each, that asks for nothing from elsewhere.
#pragma once

#include <string>

#include "comparison.hpp"

namespace xenmm
{

std::string comparison_text(const Comparison &comparison);
// The page's charts alone, as one SVG.
std::string comparison_picture(const Comparison &comparison);
// The same tables as GitHub shows them, for an issue or a wiki.
std::string comparison_markdown(const Comparison &comparison);
std::string comparison_page(const Comparison &comparison);

} // namespace xenmm
