// SPDX-License-Identifier: GPL-2.0
// Cells are plain ASCII, so bytes are columns.
#include "table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <unistd.h>

#include "error.hpp"
#include "files.hpp"

namespace xenmm
{

namespace
{

constexpr std::string_view kGap = "  ";

bool wants_colour()
{
	return isatty(STDOUT_FILENO) && !environment_text("NO_COLOR") &&
	       environment_text("TERM").value_or("dumb") != "dumb";
}

std::string rule_text(const std::vector<size_t> &widths)
{
	size_t width = kGap.size() * (widths.size() - 1);
	for (size_t one : widths)
		width += one;

	std::string text;
	for (size_t i = 0; i < width; i++)
		text += has_utf8_locale() ? "\u2500" : "-";
	return text + "\n";
}

} // namespace

bool has_utf8_locale()
{
	for (const char *name : {"LC_ALL", "LC_CTYPE", "LANG"})
		if (auto value = environment_text(name))
			return value->find("UTF-8") != std::string::npos ||
			       value->find("utf8") != std::string::npos;
	return false;
}

std::vector<size_t> Table::widths() const
{
	std::vector<size_t> widths;
	for (const Column &column : columns_)
		widths.push_back(column.title.size());
	for (const auto &cells : rows_)
		for (size_t i = 0; i < cells.size(); i++)
			widths[i] = std::max(widths[i], cells[i].size());
	return widths;
}

std::string Table::line(const std::vector<std::string> &cells,
			const std::vector<size_t> &widths) const
{
	std::string text;
	for (size_t i = 0; i < cells.size(); i++) {
		if (i)
			text += kGap;
		text += columns_[i].align == Align::kLeft
				? fmt::format("{:<{}}", cells[i], widths[i])
				: fmt::format("{:>{}}", cells[i], widths[i]);
	}
	text.erase(text.find_last_not_of(' ') + 1);
	return text + "\n";
}

std::string Table::text() const
{
	std::vector<size_t> width = widths();
	std::vector<std::string> titles;
	for (const Column &column : columns_)
		titles.push_back(column.title);

	std::string text = bold(line(titles, width)) + rule_text(width);
	for (const auto &cells : rows_)
		text += cells.empty() ? rule_text(width) : line(cells, width);
	return text;
}

std::string bold(const std::string &line)
{
	// The newline stays outside the escape sequences.
	return wants_colour() ? "\033[1m" + line.substr(0, line.size() - 1) + "\033[0m\n" : line;
}

std::vector<std::string> wrapped(std::string text, size_t width)
{
	std::vector<std::string> lines;
	while (text.size() > width) {
		size_t space = text.rfind(' ', width);
		if (space == std::string::npos)
			break;
		lines.push_back(text.substr(0, space));
		text.erase(0, space + 1);
	}
	lines.push_back(text);
	return lines;
}

std::string grouped(uint64_t number)
{
	std::string text = std::to_string(number);
	for (size_t at = text.size(); at > 3;)
		text.insert(at -= 3, ",");
	return text;
}

std::string figure(double number)
{
	if (number < 99.95)
		return fmt::format("{:.1f}", number);
	return grouped(static_cast<uint64_t>(std::llround(number)));
}

std::string mebibytes(uint64_t bytes)
{
	return grouped(bytes >> 20) + " MiB";
}

void write_stdout(std::string_view text)
{
	if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
	    std::fflush(stdout) != 0)
		throw system_failure("writing to standard output");
}

void write_file(const std::string &path, const std::string &text)
{
	std::ofstream file(path, std::ios::binary | std::ios::trunc);
	file << text;
	file.close();
	if (!file)
		throw system_failure(path);
}

void warn(std::string_view message)
{
	// Not fmt::print: that throws when stderr is closed, and this is called from
	// the last catch block.
	std::fprintf(stderr, "xenmm: %.*s\n", static_cast<int>(message.size()), message.data());
}

} // namespace xenmm
