// SPDX-License-Identifier: GPL-2.0
// xenmm: the companion tool of the module of the same name.
// Parses the command line, runs one subcommand, turns every failure into an exit
// code and one line on stderr. Nothing thrown leaves this file.
#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "error.hpp"
#include "exec_child.hpp"
#include "manners.hpp"
#include "results.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

constexpr const char *kDescription =
	R"(Shows what page-table updates cost this guest, and what batching them saves.)";

constexpr const char *kFooter = R"(
Examples:
  xenmm doctor                           is all here that it needs, and if not, what to do
  xenmm stat -- make                     what a command makes the guest ask of Xen
  xenmm top                              the same of the whole guest, live
  xenmm record -o day.jsonl              to look at later: xenmm replay day.jsonl
  xenmm bench --json pv.json             what each way to change page tables costs here
  xenmm plot pv.json                     the same as a chart
  xenmm compare before.json after.json   what became faster, what slower
  xenmm report pv.json kvm.json          several kinds of guests side by side
  xenmm processes                        memory for page tables, by processes
  xenmm calibrate                        measure the prices of this machine
  xenmm export --prometheus x.prom       for a monitoring system
  xenmm info, xenmm stats                the guest, and the counters of arenas

Exit codes:
  0  done
  1  failed: an operation went wrong, or its outcome was not what it should be
  2  wrong usage
  3  the module or the privilege is missing
  4  not possible on this guest

Results go to standard output, messages to standard error. NO_COLOR is respected.
'xenmm COMMAND --help' explains a command.)";

int usage_error(const CLI::App &app, const CLI::ParseError &error)
{
	std::string command = "xenmm";
	for (const CLI::App *chosen : app.get_subcommands())
		command += " " + chosen->get_name();
	bool no_command = app.get_subcommands().empty();
	warn(no_command ? "a command is needed: info, doctor, stat, top, record, replay, export, "
			  "stats, bench, calibrate, plot, compare, report or processes"
			: error.what());
	warn("run '" + command + " --help' to see what is possible");
	return static_cast<int>(ExitCode::kUsage);
}

int run(int argc, char **argv)
{
	Action action;
	CLI::App app(kDescription, "xenmm");
	app.set_version_flag("--version", std::string("xenmm ") + kToolVersion);
	app.require_subcommand(1);
	app.footer(kFooter);
	app.get_formatter()->column_width(28);
	app.fallthrough(); // these may stand behind the command, too
	app.add_flag("-q,--quiet", manners().quiet, "No messages but errors");
	app.add_option("--progress", manners().progress, "Show how far long work is")
		->check(CLI::IsMember({"auto", "always", "never"}).description(""))
		->type_name("auto|always|never");
	add_info(app, action);
	add_doctor(app, action);
	add_stat(app, action);
	add_top(app, action);
	add_record(app, action);
	add_replay(app, action);
	add_export(app, action);
	add_stats(app, action);
	add_bench(app, action);
	add_calibrate(app, action);
	add_plot(app, action);
	add_compare(app, action);
	add_report(app, action);
	add_processes(app, action);

	try {
		app.parse(argc, argv);
	} catch (const CLI::Success &success) { // --help, --version
		return app.exit(success);
	} catch (const CLI::ParseError &error) {
		return usage_error(app, error);
	}
	action();
	return static_cast<int>(ExitCode::kOk);
}

} // namespace

} // namespace xenmm

int main(int argc, char **argv)
{
	if (xenmm::is_exec_child(argc, argv))
		_exit(xenmm::kExecChildStatus);
	try {
		return xenmm::run(argc, argv);
	} catch (const xenmm::Failure &failure) {
		xenmm::warn(failure.what());
		return static_cast<int>(failure.code());
	} catch (const std::exception &error) {
		xenmm::warn(error.what());
	} catch (...) {
		xenmm::warn("unknown error");
	}
	return static_cast<int>(xenmm::ExitCode::kFailed);
}
