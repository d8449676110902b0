// SPDX-License-Identifier: GPL-2.0
// Where results go and in which form: --format and -o, the same for every subcommand.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "table.hpp"

namespace xenmm
{

struct Output {
	std::string format = "table";
	std::string file; // empty: standard output
};

// `formats` are those that the subcommand has; the first is the default.
inline void add_output_options(CLI::App &command, Output &output,
			       const std::vector<std::string> &formats)
{
	output.format = formats.front();
	std::string list = formats.front();
	for (size_t i = 1; i < formats.size(); i++)
		list += "|" + formats[i];
	command.add_option("--format", output.format, "Form of the results")
		->check(CLI::IsMember(formats).description(""))
		->type_name(list);
	command.add_option("-o,--output", output.file, "Write the results to this file")
		->type_name("FILE");
}

inline void add_json_flag(CLI::App &command, Output &output)
{
	command.add_flag_callback(
		"--json", [&output] { output.format = "json"; }, "The same as --format json");
}

inline void publish(const Output &output, const std::string &text)
{
	if (output.file.empty())
		write_stdout(text);
	else
		write_file(output.file, text);
}

} // namespace xenmm
