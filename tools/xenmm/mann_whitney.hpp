// SPDX-License-Identifier: GPL-2.0
// The test of Mann and Whitney (1947): could two samples be of one distribution? It asks for
// ranks alone, so that a slow outlier, which times are full of, does not matter.
#pragma once

#include <cstddef>
#include <vector>

namespace xenmm
{

// The two-sided p. Exact for at most 20 values each without ties, else by the normal
// approximation with corrections for ties and continuity. 1 when one of them is empty, or all
// values are equal.
double mann_whitney(const std::vector<double> &a, const std::vector<double> &b);

// The least p that samples of these sizes can have: when one lies wholly above the other.
double least_p(size_t a, size_t b);

} // namespace xenmm
