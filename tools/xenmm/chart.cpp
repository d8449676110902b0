// SPDX-License-Identifier: GPL-2.0
// From records to charts.
#include "chart.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "results_table.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

// The results format has three decimals, and a logarithm has no zero.
constexpr double kLeast = 0.001;

Chart empty_chart(const Record &record)
{
	const Job &job = record.job;
	return {setting_line(record.setting),
		unit_line(record.setting),
		job.workload,
		job.density ? job.pages / XENMM_SPAN_PAGES : 0,
		{}};
}

bool belong_together(const Chart &a, const Chart &b)
{
	return a.setting == b.setting && a.unit == b.unit && a.workload == b.workload &&
	       a.tables == b.tables;
}

Chart &chart_for(std::vector<Chart> &charts, const Record &record)
{
	Chart wanted = empty_chart(record);
	for (Chart &chart : charts)
		if (belong_together(chart, wanted))
			return chart;
	return charts.emplace_back(std::move(wanted));
}

Series &series_for(Chart &chart, const std::optional<Way> &way)
{
	for (Series &series : chart.series)
		if (series.way == way)
			return series;
	return chart.series.emplace_back(Series{way, ' ', {}});
}

bool same_method(const Series &a, const Series &b)
{
	return a.way && b.way && a.way->method == b.way->method;
}

// A method's first letter; numbers for the ways of a method that has several.
void choose_markers(std::vector<Series> &all)
{
	constexpr std::string_view kNumbers = "123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t used = 0;
	for (Series &series : all) {
		auto alike = std::count_if(all.begin(), all.end(), [&](const Series &other) {
			return same_method(series, other);
		});
		series.marker = alike > 1 ? kNumbers[used++ % kNumbers.size()] : series.name()[0];
	}
}

} // namespace

std::string Series::name() const
{
	return way ? way_name(*way) : "median";
}

std::string Chart::title() const
{
	return tables ? fmt::format("{}, {} tables", workload, tables) : workload;
}

std::string Chart::x_title() const
{
	return tables ? "pages in each table of 512" : "pages";
}

std::string Chart::x_text(uint64_t x) const
{
	return grouped(x) + (x == 1 ? " page" : " pages") + (tables ? " per table" : "");
}

std::set<uint64_t> Chart::xs() const
{
	std::set<uint64_t> all;
	for (const Series &one : series)
		for (const auto &[x, y] : one.points)
			all.insert(x);
	return all;
}

std::vector<Chart> make_charts(const std::vector<Record> &records)
{
	std::vector<Chart> charts;
	for (const Record &record : records) {
		const Job &job = record.job;
		Series &series = series_for(chart_for(charts, record), job.way);
		series.points[job.density.value_or(job.pages)] = std::max(record.median, kLeast);
	}
	for (Chart &chart : charts)
		choose_markers(chart.series);
	return charts;
}

} // namespace xenmm
