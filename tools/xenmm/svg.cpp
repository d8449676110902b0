// SPDX-License-Identifier: GPL-2.0
#include "svg.hpp"

#include <fmt/format.h>
#include <iterator>

namespace xenmm
{

const char *colour_of(size_t series)
{
	// Okabe and Ito, their yellow made darker.
	static constexpr const char *kColours[kColourCount] = {"#0072B2", "#D55E00", "#009E73",
							       "#CC79A7", "#E69F00", "#56B4E9",
							       "#000000", "#8C6D00"};
	return kColours[series % kColourCount];
}

std::string escaped(std::string_view text)
{
	std::string result;
	for (char c : text)
		result += c == '&'   ? "&amp;"
			  : c == '<' ? "&lt;"
			  : c == '>' ? "&gt;"
				     : std::string(1, c);
	return result;
}

std::string text_at(double x, double y, std::string_view text, std::string_view attributes)
{
	return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, attributes,
			   escaped(text));
}

std::string line(double x1, double y1, double x2, double y2, const char *colour)
{
	return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" "
			   "stroke=\"{}\"/>\n",
			   x1, y1, x2, y2, colour);
}

} // namespace xenmm
