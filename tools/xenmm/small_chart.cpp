// SPDX-License-Identifier: GPL-2.0
// A chart is kWidth units wide, one unit a pixel at least on a screen of that width.
#include "small_chart.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "svg.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

constexpr double kWidth = kSmallChartWidth;
constexpr size_t kColumns = 3; // of a sheet
constexpr double kMargin = 24; // around each chart of it
constexpr double kTop = 30;    // below the title
constexpr double kRow = 20;    // of a bar, of a legend's line
constexpr double kLetter = 7;  // wide, at most, on the average
constexpr double kGap = 6;
constexpr double kPlotHeight = 170;
constexpr double kPlotLeft = 52;

double width_of(const std::string &text)
{
	return kLetter * static_cast<double>(text.size());
}

// How much room its bars have, and what a bar's length stands for.
class BarPicture
{
public:
	explicit BarPicture(const BarChart &chart) : chart_(chart)
	{
		double text = 0;
		for (const Bar &bar : chart.bars) {
			label_ = std::max(label_, width_of(bar.label));
			text = std::max(text, width_of(bar.text));
			most_ = std::max(most_, bar.value.value_or(0));
		}
		room_ = std::max(20.0, kWidth - label_ - text - 2 * kGap);
	}
	SmallChart drawn() const
	{
		std::string body;
		for (size_t i = 0; i < chart_.bars.size(); i++)
			body += row(chart_.bars[i], kTop + kRow * static_cast<double>(i));
		double height = kTop + kRow * static_cast<double>(chart_.bars.size());
		return {chart_.title, height, body};
	}

private:
	std::string row(const Bar &bar, double y) const
	{
		double length = most_ > 0 ? bar.value.value_or(0) / most_ * room_ : 0;
		double x = label_ + kGap;
		std::string text = text_at(label_, y + 12, bar.label, "text-anchor=\"end\"");
		if (bar.value)
			text += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
					    "height=\"{:.0f}\" fill=\"{}\"/>\n",
					    x, y + 1, std::max(length, 1.0), kRow - 6,
					    colour_of(bar.colour));
		return text + text_at(x + (bar.value ? length + 4 : 0), y + 12, bar.text,
				      bar.value ? "" : "fill=\"#666\"");
	}
	const BarChart &chart_;
	double label_ = 0;
	double most_ = 0;
	double room_;
};

// The points are few and far apart by value: they stand at equal distances.
class LinePicture
{
public:
	explicit LinePicture(const LineChart &chart) : chart_(chart)
	{
		for (const Line &line : chart.lines)
			for (auto [x, y] : line.points) {
				most_ = std::max(most_, y);
				if (std::find(xs_.begin(), xs_.end(), x) == xs_.end())
					xs_.push_back(x);
			}
		std::sort(xs_.begin(), xs_.end());
	}
	SmallChart drawn() const
	{
		std::string body = axes();
		for (size_t i = 0; i < chart_.lines.size(); i++)
			body += curve(chart_.lines[i]) + legend(chart_.lines[i], legend_y(i));
		return {chart_.title, legend_y(chart_.lines.size()), body};
	}

private:
	static double bottom() { return kTop + kPlotHeight; }
	static double legend_y(size_t row)
	{
		return bottom() + 48 + kRow * static_cast<double>(row);
	}
	double x_of(double x) const
	{
		auto place =
			static_cast<double>(std::find(xs_.begin(), xs_.end(), x) - xs_.begin());
		double steps = std::max<double>(1, static_cast<double>(xs_.size()) - 1);
		return kPlotLeft + 8 + place / steps * (kWidth - kPlotLeft - 24);
	}
	double y_of(double y) const { return bottom() - (most_ > 0 ? y / most_ : 0) * kPlotHeight; }
	std::string axes() const
	{
		std::string text = line(kPlotLeft, bottom(), kWidth, bottom(), "#000");
		for (double part : {0.0, 0.5, 1.0})
			text += line(kPlotLeft, y_of(part * most_), kWidth, y_of(part * most_),
				     "#ddd") +
				text_at(kPlotLeft - 4, y_of(part * most_) + 4,
					grouped(static_cast<uint64_t>(part * most_)),
					"text-anchor=\"end\"");
		for (double x : xs_)
			text += text_at(x_of(x), bottom() + 16, grouped(static_cast<uint64_t>(x)),
					"text-anchor=\"middle\"");
		return text + text_at(kWidth, bottom() + 32, chart_.x_title, "text-anchor=\"end\"");
	}
	std::string curve(const Line &line) const
	{
		std::string points, dots;
		for (auto [x, y] : line.points) {
			points += fmt::format("{:.1f},{:.1f} ", x_of(x), y_of(y));
			dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>",
					    x_of(x), y_of(y));
		}
		return fmt::format("<g fill=\"{0}\"><polyline points=\"{1}\" fill=\"none\" "
				   "stroke=\"{0}\" stroke-width=\"2\"/>{2}</g>\n",
				   colour_of(line.colour), points, dots);
	}
	static std::string legend(const Line &entry, double y)
	{
		return fmt::format("<rect x=\"{:.0f}\" y=\"{:.1f}\" width=\"14\" height=\"8\" "
				   "fill=\"{}\"/>\n",
				   kPlotLeft, y - 8, colour_of(entry.colour)) +
		       text_at(kPlotLeft + 20, y, entry.name);
	}
	const LineChart &chart_;
	std::vector<double> xs_;
	double most_ = 0;
};

std::string svg(const SmallChart &chart, const std::string &attributes)
{
	return fmt::format("<svg viewBox=\"0 0 {0} {1:.0f}\" role=\"img\" aria-label=\"{2}\" "
			   "font-size=\"12\"{3}>\n{4}{5}</svg>\n",
			   kWidth, chart.height, escaped(chart.title), attributes,
			   text_at(0, 16, chart.title, "font-size=\"14\" font-weight=\"bold\""),
			   chart.elements);
}

} // namespace

SmallChart draw(const BarChart &chart)
{
	return BarPicture(chart).drawn();
}

SmallChart draw(const LineChart &chart)
{
	return LinePicture(chart).drawn();
}

std::vector<SmallChart> draw(const Section &section)
{
	std::vector<SmallChart> charts;
	for (const LineChart &chart : section.lines)
		charts.push_back(draw(chart));
	for (const BarChart &chart : section.bars)
		charts.push_back(draw(chart));
	return charts;
}

std::string svg_element(const SmallChart &chart)
{
	return svg(chart, "");
}

std::string svg_sheet(const std::vector<SmallChart> &charts)
{
	std::string body;
	double top = kMargin, next = top;
	for (size_t i = 0; i < charts.size(); i++) {
		if (i % kColumns == 0)
			top = next;
		double x = kMargin + static_cast<double>(i % kColumns) * (kWidth + kMargin);
		body += svg(charts[i], fmt::format(" x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" "
						   "height=\"{:.0f}\"",
						   x, top, kWidth, charts[i].height));
		next = std::max(next, top + charts[i].height + kMargin);
	}
	return fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} "
			   "{1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
			   "font-family=\"sans-serif\">\n<rect width=\"100%\" height=\"100%\" "
			   "fill=\"#fff\"/>\n{2}</svg>\n",
			   kColumns * (kWidth + kMargin) + kMargin, next, body);
}

} // namespace xenmm
