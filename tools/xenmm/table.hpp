// SPDX-License-Identifier: GPL-2.0
// Tables for a terminal: aligned columns, thin rules, numbers that can be read.
// Colour only on a terminal and never with NO_COLOR; ASCII unless the locale is UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xenmm
{

enum class Align { kLeft, kRight };

struct Column {
	std::string title;
	Align align;
};

class Table
{
public:
	explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

	// One cell a column.
	void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
	void rule() { rows_.emplace_back(); }
	// Ends with a newline.
	std::string text() const;

private:
	std::vector<size_t> widths() const;
	std::string line(const std::vector<std::string> &cells,
			 const std::vector<size_t> &widths) const;

	std::vector<Column> columns_;
	std::vector<std::vector<std::string>> rows_; // an empty one is a rule
};

// May characters beyond ASCII be shown?
bool has_utf8_locale();

// A line with its newline, as the title of something.
std::string bold(const std::string &line);

// Lines of at most `width`, where its words allow that.
std::vector<std::string> wrapped(std::string text, size_t width);

// 1234567 -> "1,234,567".
std::string grouped(uint64_t number);
// Small figures keep a decimal: "7.9", "1,802".
std::string figure(double number);
// 1610612736 -> "1,536 MiB".
std::string mebibytes(uint64_t bytes);

// To stdout; throws when it cannot be written, so that a full disk is not a success.
void write_stdout(std::string_view text);

// To a file of the user's; throws.
void write_file(const std::string &path, const std::string &text);

// "xenmm: MESSAGE" to stderr.
void warn(std::string_view message);

} // namespace xenmm
