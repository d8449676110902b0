// SPDX-License-Identifier: GPL-2.0
#include "comparison_page.hpp"

#include <fmt/format.h>

#include "section.hpp"
#include "small_chart.hpp"
#include "svg.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

constexpr size_t kTextWidth = 100;

constexpr const char *kStyle = R"(
body { font: 16px/1.5 sans-serif; margin: 0 auto; padding: 0 1rem 3rem; max-width: 78rem; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
.charts { display: grid; gap: 1.5rem; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); }
.table { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: separate; border-spacing: 0; font-size: .875rem; white-space: nowrap; }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
@media (max-width: 40rem) {
  th:first-child, td:first-child { white-space: normal; min-width: 8rem; max-width: 8rem; }
}
.quiet { color: #555; } ol.notes { font-size: .875rem; }
)";

std::string element(const std::string &name, const std::string &text,
		    const std::string &attributes = "")
{
	return "<" + name + attributes + ">" + escaped(text) + "</" + name + ">";
}

std::string list(const std::vector<std::string> &items, const std::string &name,
		 const std::string &attributes = "")
{
	if (items.empty())
		return "";
	std::string text = "<" + name + attributes + ">\n";
	for (const std::string &item : items)
		text += element("li", item) + "\n";
	return text + "</" + name + ">\n";
}

std::string html_row(const std::vector<std::string> &cells, const std::string &name)
{
	std::string text = "<tr>";
	for (const std::string &cell : cells)
		text += element(name, cell);
	return text + "</tr>\n";
}

std::string html_table(const Section &section)
{
	std::string text = "<div class=\"table\"><table>\n" + html_row(section.heads, "th");
	for (const auto &row : section.rows)
		text += html_row(row, "td");
	return text + "</table></div>\n";
}

std::string html_charts(const Section &section)
{
	std::string text;
	for (const SmallChart &chart : draw(section))
		text += svg_element(chart);
	return text.empty() ? "" : "<div class=\"charts\">\n" + text + "</div>\n";
}

std::string html_section(const Section &section)
{
	return element("h2", section.title) + "\n" +
	       element("p", section.text, " class=\"quiet\"") + "\n" + html_charts(section) +
	       html_table(section) + list(section.notes, "ol", " class=\"notes\"");
}

std::string text_table(const Section &section)
{
	std::vector<Column> columns;
	for (const std::string &head : section.heads)
		columns.push_back({head, columns.empty() ? Align::kLeft : Align::kRight});
	Table table(columns);
	for (const auto &row : section.rows)
		table.row(row);
	return table.text();
}

std::string paragraph(const std::string &text, const std::string &indent = "")
{
	std::string result;
	for (const std::string &line : wrapped(text, kTextWidth))
		result += (result.empty() ? "" : indent) + line + "\n";
	return result;
}

std::string text_section(const Section &section)
{
	std::string text =
		bold(section.title + "\n") + paragraph(section.text) + "\n" + text_table(section);
	for (size_t i = 0; i < section.notes.size(); i++)
		text += fmt::format("[{}] {}\n", i + 1, section.notes[i]);
	return text + "\n";
}

std::string text_list(const std::string &title, const std::vector<std::string> &items)
{
	std::string text = items.empty() ? "" : bold(title + "\n");
	for (const std::string &item : items)
		text += paragraph("- " + item, "  ");
	return text + (items.empty() ? "" : "\n");
}

std::string systems_text(const Comparison &comparison)
{
	std::vector<std::string> names;
	for (const System &system : comparison.systems())
		names.push_back(system.name());
	return join(names);
}

} // namespace

std::string comparison_text(const Comparison &comparison)
{
	std::string text =
		text_list(kFound, findings(comparison)) + text_list(kNotShown, caveats(comparison));
	for (const Section &section : make_sections(comparison))
		text += text_section(section);
	return text;
}

std::string comparison_page(const Comparison &comparison)
{
	std::string body = element("h1", "Page-table work: what memory virtualisation costs") +
			   element("p", systems_text(comparison), " class=\"quiet\"") + "\n" +
			   element("h2", kFound) + list(findings(comparison), "ul") +
			   element("h2", kNotShown) + list(caveats(comparison), "ul");
	for (const Section &section : make_sections(comparison))
		body += html_section(section);
	return fmt::format(
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, "
		"initial-scale=1\">\n<title>xenmm: comparison</title>\n<style>{}</style>\n"
		"</head>\n<body>\n{}</body>\n</html>\n",
		kStyle, body);
}

std::string comparison_picture(const Comparison &comparison)
{
	std::vector<SmallChart> charts;
	for (const Section &section : make_sections(comparison))
		for (SmallChart &chart : draw(section))
			charts.push_back(std::move(chart));
	return svg_sheet(charts);
}

} // namespace xenmm
