// SPDX-License-Identifier: GPL-2.0
// Where one way becomes cheaper than another. auto is no way of its own: it takes one
// of the others, so it is compared with the best of them.
#include <algorithm>
#include <fmt/format.h>

#include "chart.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

// Nearer than this is the same: no crossing for noise.
constexpr double kSame = 1.02;

bool is_auto(const Series &series)
{
	return series.way && series.way->method == XENMM_METHOD_AUTO;
}

// Null where there is none.
const Series *cheapest(const Chart &chart, uint64_t x)
{
	const Series *best = nullptr;
	for (const Series &series : chart.series)
		if (!is_auto(series) && series.points.contains(x) &&
		    (!best || series.points.at(x) < best->points.at(x)))
			best = &series;
	return best;
}

bool is_cheapest(const Chart &chart, const Series &series, uint64_t x)
{
	auto point = series.points.find(x);
	return !is_auto(series) && point != series.points.end() &&
	       point->second <= cheapest(chart, x)->points.at(x) * kSame;
}

// From `first` to `last` it is the cheapest.
struct Stretch {
	const Series *series;
	uint64_t first;
	uint64_t last;
};

Stretch stretch_from(const Chart &chart, const Series &series, uint64_t first)
{
	Stretch stretch = {&series, first, first};
	for (uint64_t x : chart.xs())
		if (x > first && !is_cheapest(chart, series, x))
			break;
		else
			stretch.last = std::max(first, x);
	return stretch;
}

// Of those that are the same at its beginning the one that holds on longest.
std::vector<Stretch> stretches(const Chart &chart)
{
	std::vector<Stretch> result;
	for (uint64_t x : chart.xs()) {
		if (!cheapest(chart, x) || (!result.empty() && x <= result.back().last))
			continue;
		Stretch longest = {cheapest(chart, x), x, 0};
		for (const Series &series : chart.series)
			if (is_cheapest(chart, series, x))
				if (Stretch one = stretch_from(chart, series, x);
				    one.last > longest.last)
					longest = one;
		result.push_back(longest);
	}
	return result;
}

std::string middle_text(const Stretch &stretch)
{
	std::string name = stretch.series->name();
	if (stretch.first == stretch.last)
		return fmt::format(", {} at {}", name, grouped(stretch.first));
	return fmt::format(", {} from {} to {}", name, grouped(stretch.first),
			   grouped(stretch.last));
}

std::string cheapest_text(const Chart &chart, const std::vector<Stretch> &all)
{
	std::string text = all.front().series->name() + " is cheapest";
	if (all.size() == 1)
		return text + (all[0].first == all[0].last ? "" : " throughout");
	text += " up to " + chart.x_text(all.front().last);
	for (size_t i = 1; i + 1 < all.size(); i++)
		text += middle_text(all[i]);
	return text +
	       fmt::format(", {} from {} on", all.back().series->name(), grouped(all.back().first));
}

std::string auto_text(const Chart &chart, const Series &series)
{
	double worst = 0;
	uint64_t where = 0;
	for (const auto &[x, y] : series.points) {
		const Series *best = cheapest(chart, x);
		double ratio = best ? y / best->points.at(x) : 0;
		if (ratio > worst)
			where = x;
		worst = std::max(worst, ratio);
	}
	return worst == 0 ? ""
			  : fmt::format("auto costs at most {:.2f} times the cheapest (at {})",
					worst, chart.x_text(where));
}

} // namespace

std::vector<std::string> conclusions(const Chart &chart)
{
	std::vector<std::string> sentences;
	std::vector<Stretch> all = stretches(chart);
	if (chart.series.size() < 2 || all.empty())
		return sentences;
	sentences.push_back(cheapest_text(chart, all));
	for (const Series &series : chart.series)
		if (is_auto(series))
			sentences.push_back(auto_text(chart, series));
	std::erase(sentences, "");
	return sentences;
}

} // namespace xenmm
