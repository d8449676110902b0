// SPDX-License-Identifier: GPL-2.0
// Both axes are logarithmic: densities double, and prices differ by factors.
#include "axes.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "table.hpp"

namespace xenmm
{

namespace
{

// 1, 2, 5, 10, ...: from the last that is not above `least` to the first that is not
// below `greatest`, at least two.
std::vector<double> round_numbers(double least, double greatest)
{
	std::vector<double> result;
	for (double decade = std::pow(10, std::floor(std::log10(least)));; decade *= 10)
		for (double step : {1, 2, 5}) {
			double number = step * decade;
			if (number <= least)
				result.clear();
			result.push_back(number);
			if (result.size() > 1 && number >= greatest)
				return result;
		}
}

bool is_decade(double number)
{
	double power = std::log10(number);
	return std::abs(power - std::round(power)) < 1e-6;
}

std::vector<double> y_numbers(const Chart &chart)
{
	double least = std::numeric_limits<double>::max();
	double greatest = 0;
	for (const Series &series : chart.series)
		for (const auto &[x, y] : series.points) {
			least = std::min(least, y);
			greatest = std::max(greatest, y);
		}
	return round_numbers(least, greatest);
}

} // namespace

double LogScale::at(double value) const
{
	if (least_ >= greatest_)
		return 0.5;
	return std::log(value / least_) / std::log(greatest_ / least_);
}

Axes make_axes(const Chart &chart, size_t most_y_marks)
{
	std::set<uint64_t> xs = chart.xs();
	std::vector<double> ys = y_numbers(chart);
	LogScale y(ys.front(), ys.back());
	if (ys.size() > most_y_marks)
		std::erase_if(ys, [](double number) { return !is_decade(number); });
	return {{xs.begin(), xs.end()},
		ys,
		LogScale(static_cast<double>(*xs.begin()), static_cast<double>(*xs.rbegin())),
		y};
}

std::string y_text(double mark)
{
	return mark < 1 ? fmt::format("{:g}", mark) : grouped(std::llround(mark));
}

} // namespace xenmm
