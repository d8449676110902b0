// SPDX-License-Identifier: GPL-2.0
// `xenmm plot`: results as charts, in the terminal and as a picture.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>

#include "ascii_chart.hpp"
#include "commands.hpp"
#include "error.hpp"
#include "svg_chart.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

struct Options {
	std::vector<std::string> files;
	std::vector<std::string> workloads;
	std::vector<std::string> methods;
	Size size = {80, 20};
	std::string output;
};

bool is_wished(const std::vector<std::string> &wished, const std::string &name)
{
	return wished.empty() || std::find(wished.begin(), wished.end(), name) != wished.end();
}

bool is_wished(const Options &options, const Job &job)
{
	std::string method = job.way ? std::string(method_name(job.way->method)) : "";
	return is_wished(options.workloads, job.workload) && is_wished(options.methods, method);
}

std::vector<Record> read_all(const std::vector<std::string> &files)
{
	std::vector<Record> records;
	for (const std::string &file : files)
		for (Record &record : read_results(file))
			records.push_back(std::move(record));
	return records;
}

// What --workload and --method could have named.
std::string contents(const std::vector<Record> &records)
{
	std::set<std::string> names;
	for (const Record &record : records)
		names.insert(work_name(record.job.workload, record.job.way));
	return join({names.begin(), names.end()});
}

std::vector<Chart> charts_of(const Options &options)
{
	std::vector<Record> records = read_all(options.files);
	std::string all = contents(records);
	std::erase_if(records,
		      [&](const Record &record) { return !is_wished(options, record.job); });
	if (records.empty())
		throw Failure(ExitCode::kUsage,
			      fmt::format("nothing is left to draw; the files have: {}",
					  all.empty() ? "no results" : all));
	return make_charts(records);
}

std::string paragraph(const std::string &text, size_t width)
{
	return join(wrapped(text, width), "\n") + "\n";
}

std::string charts_text(const std::vector<Chart> &charts, Size size)
{
	std::string text;
	std::string heading;
	for (const Chart &chart : charts) {
		std::string own = paragraph(chart.setting, size.width) +
				  paragraph(chart.unit, size.width) + "\n";
		text += (text.empty() ? "" : "\n") + (own == heading ? "" : own) +
			ascii_chart(chart, size);
		heading = own;
	}
	return text;
}

void plot(const Options &options)
{
	std::vector<Chart> charts = charts_of(options);
	if (!options.output.empty())
		write_file(options.output, svg_charts(charts));
	write_stdout(charts_text(charts, options.size));
}

std::string refuse_other_formats(const std::string &path)
{
	return path.ends_with(".svg") ? ""
				      : "only SVG can be written: name a file that ends in .svg";
}

constexpr const char *kExamples = R"(
A chart for each workload, guest and environment: the median per page over the density
(bench --density) or over the number of pages, both axes logarithmic. '#' is where two
or more markers meet. Of two results for one point the one named later holds. Below it
stands which way is cheapest where; less than 2 % is no difference.

Examples:
  xenmm bench --density 1,2,4,8,16,32,64,128,256,512 --rebuild-from 1 --json d.json
  xenmm plot d.json                                      all that is in it
  xenmm plot d.json --workload arena-protect --method batch,rebuild,auto
  xenmm plot d.json --width 120 --height 40
  xenmm plot before.json after.json --output all.svg     a picture, too)";

} // namespace

void add_plot(CLI::App &app, Action &action)
{
	auto options = std::make_shared<Options>();
	CLI::App *command = app.add_subcommand("plot", "Draw results of bench as charts");
	command->add_option("FILE", options->files, "What 'xenmm bench --json' wrote")
		->required()
		->type_name("");
	command->add_option("--workload", options->workloads, "Only these; default: all")
		->delimiter(',')
		->type_name("NAME,...");
	command->add_option("--method", options->methods, "Only these; default: all")
		->delimiter(',')
		->check(CLI::IsMember(all_method_names()))
		->type_name("NAME,...");
	command->add_option("--width", options->size.width, "Columns; default: 80")
		->check(CLI::Range(40, 400))
		->type_name("N");
	command->add_option("--height", options->size.height, "Rows of the drawing; default: 20")
		->check(CLI::Range(8, 100))
		->type_name("N");
	command->add_option("--output", options->output, "Write the charts to this file, too")
		->check(CLI::Validator(refuse_other_formats, ""))
		->type_name("FILE.svg");
	command->footer(kExamples);
	command->callback([options, &action] { action = [options] { plot(*options); }; });
}

} // namespace xenmm
