// SPDX-License-Identifier: GPL-2.0
// The two logarithmic axes of a chart: what is marked on them, and where a value lies.
#pragma once

#include <string>
#include <vector>

#include "chart.hpp"

namespace xenmm
{

class LogScale
{
public:
	LogScale(double least, double greatest) : least_(least), greatest_(greatest) {}
	// 0 at the least, 1 at the greatest; the middle where they are the same.
	double at(double value) const;

private:
	double least_;
	double greatest_;
};

struct Axes {
	std::vector<uint64_t> x_marks; // each x that was measured
	std::vector<double> y_marks;   // 1, 2, 5, 10, ...; or decades alone
	LogScale x;
	LogScale y;
};

// The ends of the y axis are round numbers. More than `most_y_marks` of them would be
// too many to mark: then only decades are.
Axes make_axes(const Chart &chart, size_t most_y_marks);

// "0.05", "2,000"
std::string y_text(double mark);

} // namespace xenmm
