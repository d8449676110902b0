// SPDX-License-Identifier: GPL-2.0
// `xenmm report`: what bench and processes wrote in several guests, side by side.
#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "comparison_page.hpp"
#include "error.hpp"
#include "results.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

struct Options {
	std::vector<std::string> files;
	std::string json_file;
	std::string html_file;
	std::string markdown_file;
	std::string svg_file;
};

void report(const Options &options)
{
	Comparison comparison = Comparison::read(options.files);
	if (comparison.systems().empty())
		throw Failure(ExitCode::kUsage, "the files have no results to report");
	if (!options.json_file.empty())
		write_file(options.json_file, json_text(comparison.merged()));
	if (!options.html_file.empty())
		write_file(options.html_file, comparison_page(comparison));
	if (!options.markdown_file.empty())
		write_file(options.markdown_file, comparison_markdown(comparison));
	if (!options.svg_file.empty())
		write_file(options.svg_file, comparison_picture(comparison));
	write_stdout(comparison_text(comparison));
}

constexpr const char *kExamples = R"(
A column is a kind of guest: bare, xen-pv, kvm-npt and so on, with XPTI or without, as the
files say. A figure that no file has is n/a with its reason. Files of one kind add up.

Examples:
  xenmm bench --workload all,walk --ask xenstore --json pv.json
  xenmm processes --ask xenstore --json pv-memory.json
  xenmm report bare.json pv.json pv-memory.json --html report.html
  xenmm report bare.json pv.json --markdown report.md)";

} // namespace

void add_report(CLI::App &app, Action &action)
{
	auto options = std::make_shared<Options>();
	CLI::App *command =
		app.add_subcommand("report", "Show several kinds of guests side by side");
	command->add_option("FILE", options->files, "What bench or processes wrote with --json")
		->required()
		->type_name("");
	command->add_option("--json", options->json_file, "Write all of it to one file")
		->type_name("FILE");
	command->add_option("--html", options->html_file,
			    "Write a page with charts that needs no other file")
		->type_name("FILE");
	command->add_option("--markdown", options->markdown_file, "Write the tables as Markdown")
		->type_name("FILE");
	command->add_option("--svg", options->svg_file, "Write the page's charts alone")
		->type_name("FILE");
	command->footer(kExamples);
	command->callback([options, &action] { action = [options] { report(*options); }; });
}

} // namespace xenmm
