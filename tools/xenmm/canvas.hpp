// SPDX-License-Identifier: GPL-2.0
// A sheet of characters, for charts in a terminal. Nothing outside of it is drawn.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace xenmm
{

class Canvas
{
public:
	Canvas(size_t width, size_t height) : rows_(height, std::string(width, ' ')) {}

	void text(size_t column, size_t row, std::string_view text);
	// Leaves alone what is there already.
	void dot(size_t column, size_t row);
	// Over a dot; where there is another marker already: '#'.
	void marker(size_t column, size_t row, char marker);
	bool is_free(size_t column, size_t row, size_t length) const;

	// Lines without blanks at their ends.
	std::string text() const;

private:
	std::vector<std::string> rows_;
};

} // namespace xenmm
