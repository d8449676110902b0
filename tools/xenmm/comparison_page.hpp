// SPDX-License-Identifier: GPL-2.0
// The comparison as text for a terminal, and as a page for a browser: one HTML file that
// asks for nothing from elsewhere.
#pragma once

#include <string>

#include "comparison.hpp"

namespace xenmm
{

std::string comparison_text(const Comparison &comparison);
std::string comparison_page(const Comparison &comparison);

} // namespace xenmm
