// SPDX-License-Identifier: GPL-2.0
// `xenmm compare`: two results of bench side by side: what has changed, and is it chance?
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

#include "commands.hpp"
#include "error.hpp"
#include "manners.hpp"
#include "output.hpp"
#include "pair.hpp"

namespace xenmm
{

namespace
{

struct Options {
	std::string a, b;
	double alpha = 0.05;
	std::optional<double> tolerated; // percent
	Output output;
};

std::string text_of(const Options &options, const Pair &pair)
{
	if (options.output.format == "json")
		return json_text(pair_json(pair));
	return options.output.format == "csv" ? pair_csv(pair) : pair_table(pair);
}

bool is_too_slow(const PairRow &row, double tolerated)
{
	return row.change == Change::kSlower && row.ratio > 1 + tolerated / 100;
}

ExitCode judge(const Options &options, const Pair &pair)
{
	if (!options.tolerated)
		return ExitCode::kOk;
	auto slow = std::count_if(pair.rows.begin(), pair.rows.end(), [&](const PairRow &row) {
		return is_too_slow(row, *options.tolerated);
	});
	if (!slow)
		return ExitCode::kOk;
	warn(fmt::format("{} of {} are slower by more than {} %", slow, pair.rows.size(),
			 *options.tolerated));
	return ExitCode::kFailed;
}

ExitCode compare(const Options &options)
{
	Pair pair = read_pair(options.a, options.b, options.alpha);
	if (pair.rows.empty())
		throw Failure(ExitCode::kUsage,
			      "the files have no work in common: run bench with the "
			      "same --workload, --method and --pages");
	publish(options.output, text_of(options, pair));
	return judge(options, pair);
}

constexpr const char *kExamples = R"(
A row is the same work in both files: workload, method, batch and pages. Guests may differ.
'faster' and 'slower' are said only where chance would make such a difference less often
than --alpha; five runs each can tell that, three cannot.

Examples:
  xenmm bench --runs 9 --json before.json
  xenmm bench --runs 9 --json after.json
  xenmm compare before.json after.json
  xenmm compare before.json after.json --fail-if-slower 5      for scripts: exit code 1
  xenmm compare before.json after.json --format csv -o change.csv)";

} // namespace

void add_compare(CLI::App &app, Action &action)
{
	auto options = std::make_shared<Options>();
	CLI::App *command = app.add_subcommand("compare", "Tell what differs between two results");
	command->add_option("A", options->a, "What bench wrote with --json, before")
		->required()
		->type_name("");
	command->add_option("B", options->b, "The same, after")->required()->type_name("");
	command->add_option("--alpha", options->alpha, "Significant below this p; default: 0.05")
		->check(CLI::Range(0.0001, 0.5))
		->type_name("P");
	command->add_option("--fail-if-slower", options->tolerated,
			    "Exit code 1 when a row is slower by more, and significantly")
		->check(CLI::Range(0.0, 1000.0))
		->type_name("PERCENT");
	add_output_options(*command, options->output, {"table", "json", "csv"});
	command->footer(kExamples);
	command->callback([options, &action] {
		action = [options] {
			if (auto code = compare(*options); code != ExitCode::kOk)
				std::exit(static_cast<int>(code));
		};
	});
}

} // namespace xenmm
