// SPDX-License-Identifier: GPL-2.0
#include <fmt/format.h>

#include "comparison_page.hpp"
#include "section.hpp"

namespace xenmm
{

namespace
{

std::string escaped(const std::string &text)
{
	std::string result;
	for (char one : text)
		result += one == '|' || one == '*' || one == '_' || one == '<'
				  ? std::string("\\") + one
				  : std::string(1, one);
	return result;
}

std::string row(const std::vector<std::string> &cells)
{
	std::string text = "|";
	for (const std::string &cell : cells)
		text += " " + escaped(cell) + " |";
	return text + "\n";
}

std::string table(const Section &section)
{
	std::string text = row(section.heads) + "|:---|";
	for (size_t i = 1; i < section.heads.size(); i++)
		text += "---:|";
	text += "\n";
	for (const auto &cells : section.rows)
		text += row(cells);
	return text + "\n";
}

std::string list(const std::string &title, const std::vector<std::string> &items)
{
	std::string text = items.empty() ? "" : "## " + title + "\n\n";
	for (const std::string &item : items)
		text += "- " + escaped(item) + "\n";
	return text + (items.empty() ? "" : "\n");
}

std::string section_text(const Section &section)
{
	std::string text =
		fmt::format("## {}\n\n{}\n\n", escaped(section.title), escaped(section.text)) +
		table(section);
	for (size_t i = 0; i < section.notes.size(); i++)
		text += fmt::format("{}. {}\n", i + 1, escaped(section.notes[i]));
	return text + (section.notes.empty() ? "" : "\n");
}

} // namespace

std::string comparison_markdown(const Comparison &comparison)
{
	std::string text = "# Page-table work: what memory virtualisation costs\n\n" +
			   list(kFound, findings(comparison)) +
			   list(kNotShown, caveats(comparison));
	for (const Section &section : make_sections(comparison))
		text += section_text(section);
	return text;
}

} // namespace xenmm
