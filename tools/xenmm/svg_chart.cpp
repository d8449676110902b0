// SPDX-License-Identifier: GPL-2.0
// Sizes are in SVG's own units; a browser shows one as a pixel.
#include "svg_chart.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "axes.hpp"
#include "svg.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

constexpr double kWidth = 860;
constexpr double kLeft = 96, kRight = 660, kTop = 84, kBottom = 400; // of the drawing
constexpr double kLine = 18;					     // of text
constexpr size_t kLetters = 110;				     // in a line of it
constexpr size_t kMostYMarks = 16;

// Beyond the colours, lines are dashed.
const char *dash_of(size_t series)
{
	return series < kColourCount ? "none" : "6 3";
}

class Picture
{
public:
	explicit Picture(const Chart &chart) : chart_(chart), axes_(make_axes(chart, kMostYMarks))
	{
		for (const std::string &sentence : conclusions(chart))
			for (std::string &line : wrapped(sentence, kLetters))
				notes_.push_back(std::move(line));
	}

	double height() const
	{
		return kLine + std::max(notes_y(notes_.size()), legend_y(chart_.series.size()));
	}
	std::string text() const
	{
		std::string text = heading() + y_axis() + x_axis();
		for (size_t i = 0; i < chart_.series.size(); i++)
			text += curve(i) + legend_line(i);
		for (size_t i = 0; i < notes_.size(); i++)
			text += text_at(kLeft, notes_y(i), notes_[i]);
		return text;
	}

private:
	double x(double value) const { return kLeft + axes_.x.at(value) * (kRight - kLeft); }
	static double legend_y(size_t line)
	{
		return kTop + 10 + kLine * static_cast<double>(line);
	}
	static double notes_y(size_t line)
	{
		return kBottom + 68 + kLine * static_cast<double>(line);
	}
	double y(double value) const { return kBottom - axes_.y.at(value) * (kBottom - kTop); }

	std::string heading() const
	{
		return text_at(kLeft, 28, chart_.title(), "font-size=\"18\" font-weight=\"bold\"") +
		       text_at(kLeft, 48, chart_.setting, "fill=\"#444\"") +
		       text_at(kLeft, 66, chart_.unit, "fill=\"#444\"");
	}
	std::string y_axis() const
	{
		std::string text = line(kLeft, kTop, kLeft, kBottom, "#000");
		for (double mark : axes_.y_marks)
			text += line(kLeft, y(mark), kRight, y(mark), "#ddd") +
				text_at(kLeft - 8, y(mark) + 4, y_text(mark),
					"text-anchor=\"end\"");
		return text + fmt::format("<text transform=\"translate(16 {:.1f}) rotate(-90)\" "
					  "text-anchor=\"middle\">median per page</text>\n",
					  (kTop + kBottom) / 2);
	}
	std::string x_axis() const
	{
		std::string text = line(kLeft, kBottom, kRight, kBottom, "#000");
		double free_from = 0;
		for (uint64_t mark : axes_.x_marks) {
			double at = x(static_cast<double>(mark));
			double half = 4 * static_cast<double>(grouped(mark).size());
			text += line(at, kBottom, at, kBottom + 5, "#000");
			if (at - half < free_from)
				continue;
			text += text_at(at, kBottom + 20, grouped(mark), "text-anchor=\"middle\"");
			free_from = at + half + 4;
		}
		return text + text_at((kLeft + kRight) / 2, kBottom + 42, chart_.x_title(),
				      "text-anchor=\"middle\"");
	}
	std::string curve(size_t series) const
	{
		std::string points, dots;
		for (const auto &[px, py] : chart_.series[series].points) {
			double cx = x(static_cast<double>(px));
			points += fmt::format("{:.1f},{:.1f} ", cx, y(py));
			dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"/>", cx,
					    y(py));
		}
		return fmt::format("<g fill=\"{0}\"><polyline points=\"{1}\" fill=\"none\" "
				   "stroke=\"{0}\" stroke-width=\"2\" stroke-dasharray=\"{2}\"/>"
				   "{3}</g>\n",
				   colour_of(series), points, dash_of(series), dots);
	}
	std::string legend_line(size_t series) const
	{
		double at = legend_y(series);
		return fmt::format("<line x1=\"{0}\" y1=\"{1}\" x2=\"{2}\" y2=\"{1}\" "
				   "stroke=\"{3}\" stroke-width=\"3\" stroke-dasharray=\"{4}\"/>\n",
				   kRight + 24, at, kRight + 50, colour_of(series),
				   dash_of(series)) +
		       text_at(kRight + 58, at + 4, chart_.series[series].name());
	}
	const Chart &chart_;
	Axes axes_;
	std::vector<std::string> notes_;
};

} // namespace

std::string svg_charts(const std::vector<Chart> &charts)
{
	std::string body;
	double height = 0;
	for (const Chart &chart : charts) {
		Picture picture(chart);
		body += fmt::format("<g transform=\"translate(0 {})\">\n{}</g>\n", height,
				    picture.text());
		height += picture.height();
	}
	return fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" "
			   "width=\"{0}\" height=\"{1}\" font-family=\"sans-serif\" "
			   "font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" "
			   "fill=\"#fff\"/>\n{2}</svg>\n",
			   kWidth, height, body);
}

} // namespace xenmm
