// SPDX-License-Identifier: GPL-2.0
// Rows are strings; a cell is a byte.
#include "canvas.hpp"

namespace xenmm
{

void Canvas::text(size_t column, size_t row, std::string_view text)
{
	for (size_t i = 0; i < text.size() && column + i < rows_[row].size(); i++)
		rows_[row][column + i] = text[i];
}

void Canvas::dot(size_t column, size_t row)
{
	char &cell = rows_[row][column];
	cell = cell == ' ' ? '.' : cell;
}

void Canvas::marker(size_t column, size_t row, char marker)
{
	char &cell = rows_[row][column];
	cell = cell == ' ' || cell == '.' || cell == marker ? marker : '#';
}

bool Canvas::is_free(size_t column, size_t row, size_t length) const
{
	return column + length <= rows_[row].size() &&
	       rows_[row].find_first_not_of(' ', column) >= column + length;
}

std::string Canvas::text() const
{
	std::string all;
	for (const std::string &row : rows_)
		all += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
	return all;
}

} // namespace xenmm
