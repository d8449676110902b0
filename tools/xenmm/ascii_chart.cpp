// SPDX-License-Identifier: GPL-2.0
// Markers are drawn over lines, so that a line never hides a figure.
//
//	  500 +    r             left: marks, one column for the y axis, then the drawing
//	      |      .  b
//	  200 +         r
//	      +----+----+-       `height` rows, the x axis, its marks, its title
//	           8   16
#include "ascii_chart.hpp"

#include <algorithm>
#include <cmath>

#include "axes.hpp"
#include "canvas.hpp"
#include "results_table.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

constexpr size_t kMargin = 2; // at both ends of the x axis

struct Place {
	size_t column;
	size_t row;
};

class Drawing
{
public:
	Drawing(const Chart &chart, Size size)
		: chart_(chart), size_(size), axes_(make_axes(chart, size.height / 2)),
		  left_(widest_mark() + 1), canvas_(size.width, size.height + 3)
	{
	}
	std::string text()
	{
		draw_y_axis();
		draw_x_axis();
		for (const Series &series : chart_.series)
			draw_lines(series);
		for (const Series &series : chart_.series)
			for (const auto &[x, y] : series.points)
				draw_marker(place(static_cast<double>(x), y), series.marker);
		return canvas_.text();
	}

private:
	size_t widest_mark() const
	{
		size_t widest = 0;
		for (double mark : axes_.y_marks)
			widest = std::max(widest, y_text(mark).size());
		return widest;
	}
	size_t column(double x) const
	{
		auto columns = static_cast<double>(size_.width - left_ - 2 - 2 * kMargin);
		return left_ + 1 + kMargin +
		       static_cast<size_t>(std::lround(axes_.x.at(x) * columns));
	}
	size_t row(double y) const
	{
		auto rows = static_cast<double>(size_.height - 1);
		return static_cast<size_t>(std::lround((1 - axes_.y.at(y)) * rows));
	}
	Place place(double x, double y) const { return {column(x), row(y)}; }

	void draw_marker(Place at, char marker) { canvas_.marker(at.column, at.row, marker); }
	void draw_y_axis()
	{
		for (size_t row = 0; row < size_.height; row++)
			canvas_.text(left_, row, "|");
		for (double mark : axes_.y_marks) {
			std::string text = y_text(mark);
			canvas_.text(left_ - 1 - text.size(), row(mark), text + " +");
		}
	}
	void draw_x_axis()
	{
		canvas_.text(left_, size_.height, "+" + std::string(size_.width - left_ - 1, '-'));
		for (uint64_t mark : axes_.x_marks)
			draw_x_mark(mark);
		canvas_.text(left_ + 1 + kMargin, size_.height + 2, chart_.x_title());
	}
	// A number that has no room, with a blank on both sides, is left out.
	void draw_x_mark(uint64_t mark)
	{
		std::string text = grouped(mark);
		size_t at = column(static_cast<double>(mark));
		size_t begin = std::min(at - text.size() / 2, size_.width - text.size());
		canvas_.text(at, size_.height, "+");
		if (canvas_.is_free(begin - 1, size_.height + 1, text.size() + 1))
			canvas_.text(begin, size_.height + 1, text);
	}
	void draw_lines(const Series &series)
	{
		std::optional<Place> previous;
		for (const auto &[x, y] : series.points) {
			Place next = place(static_cast<double>(x), y);
			if (previous)
				draw_line(*previous, next);
			previous = next;
		}
	}
	void draw_line(Place from, Place to)
	{
		double rise = static_cast<double>(to.row) - static_cast<double>(from.row);
		auto run = static_cast<double>(to.column - from.column);
		for (size_t column = from.column; column < to.column; column++) {
			double part = static_cast<double>(column - from.column) / run;
			auto row = std::lround(static_cast<double>(from.row) + part * rise);
			canvas_.dot(column, static_cast<size_t>(row));
		}
	}

	const Chart &chart_;
	Size size_;
	Axes axes_;
	size_t left_; // the column of the y axis
	Canvas canvas_;
};

std::string point_text(const Series &series, uint64_t x)
{
	auto point = series.points.find(x);
	return point == series.points.end() ? "-" : figure(point->second);
}

std::string legend(const Chart &chart)
{
	std::set<uint64_t> xs = chart.xs();
	Table table({{"mark", Align::kLeft},
		     {"method", Align::kLeft},
		     {"batch", Align::kRight},
		     {"at " + grouped(*xs.begin()), Align::kRight},
		     {"at " + grouped(*xs.rbegin()), Align::kRight}});
	for (const Series &series : chart.series)
		table.row({std::string(1, series.marker), method_cell(series.way),
			   batch_cell(series.way), point_text(series, *xs.begin()),
			   point_text(series, *xs.rbegin())});
	return table.text();
}

} // namespace

std::string ascii_chart(const Chart &chart, Size size)
{
	std::string text = bold(chart.title() + "\n") + "\n" + Drawing(chart, size).text() + "\n" +
			   legend(chart);
	for (const std::string &sentence : conclusions(chart))
		for (const std::string &line : wrapped(sentence, size.width))
			text += line + "\n";
	return text;
}

} // namespace xenmm
