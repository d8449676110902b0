// SPDX-License-Identifier: GPL-2.0
// `xenmm stat`: what a command, or a process while it is watched, makes the whole guest
// ask of Xen.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fmt/format.h>

#include "commands.hpp"
#include "error.hpp"
#include "options.hpp"
#include "output.hpp"
#include "stat_result.hpp"
#include "vmm.hpp"

namespace xenmm
{

namespace
{

struct Options {
	std::vector<std::string> command;
	unsigned runs = 1;
	unsigned interval_ms = 0;
	int pid = 0;
	bool verbose = false;
	std::string vmm;
	std::string guest;
	Output output;
};

// One run, and its intervals as they pass.
class Watch
{
public:
	Watch(const Device &device, Vmm *vmm, const Options &options)
		: device_(device), vmm_(vmm), options_(options)
	{
	}

	StatRun run()
	{
		StatRun run = {};
		auto tick = [this] { show_interval(); };
		if (options_.pid) {
			begin();
			wait_for_process(options_.pid, options_.interval_ms, tick);
		} else {
			run.end = run_command(
				options_.command, options_.interval_ms, [this] { begin(); }, tick);
		}
		end(run);
		return run;
	}

private:
	void begin()
	{
		if (vmm_)
			vmm_->request("reset");
		first_ = last_ = take_reading(device_);
	}
	void end(StatRun &run)
	{
		Reading now = take_reading(device_);
		if (vmm_)
			run.hypervisor = vmm_->request("counts");
		run.passed = difference(first_, now);
		if (auto prices = read_numbers(kCostFile))
			run.price = kernel_price(run.passed.kernel, *prices);
	}
	void show_interval()
	{
		Reading now = take_reading(device_);
		write_stdout(interval_row(options_.output.format, now.seconds - first_.seconds,
					  difference(last_, now)));
		last_ = now;
	}

	const Device &device_;
	Vmm *vmm_;
	const Options &options_;
	Reading first_ = {}, last_ = {};
};

std::string title(const Options &options)
{
	return options.pid ? fmt::format("process {}", options.pid) : join(options.command, " ");
}

std::string text_of(const Options &options, const StatResult &result)
{
	if (options.output.format == "json")
		return json_text(stat_json(result));
	if (options.output.format == "csv")
		return options.interval_ms ? "" : stat_csv(result);
	return (options.interval_ms ? "\n" : "") + stat_table(result, options.verbose);
}

// What the last command that failed ended with; 0: none did.
int stat(const Options &options)
{
	Device device = Device::open();
	std::unique_ptr<Vmm> vmm = options.vmm.empty() ? nullptr : connect_vmm(options.vmm);
	StatResult result = {title(options),
			     detect_guest(options.guest, &device.info()).kind,
			     detect_environment(&device.info()),
			     {}};
	KernelCounting counting(device);
	Watch watch(device, vmm.get(), options);
	if (options.interval_ms)
		write_stdout(interval_title(options.output.format));
	int status = 0;
	for (unsigned i = 0; i < options.runs; i++) {
		result.runs.push_back(watch.run());
		if (const auto &end = result.runs.back().end; end && end->status)
			status = end->status;
	}
	publish(options.output, text_of(options, result));
	return status;
}

void require_one_subject(const Options &options)
{
	if (options.command.empty() == !options.pid)
		throw Failure(ExitCode::kUsage,
			      "name a command behind '--', or a process with --pid, as in: "
			      "xenmm stat -- ls");
	if (options.pid && options.runs > 1)
		throw Failure(ExitCode::kUsage, "a process runs once: leave --repeat out");
	if (options.interval_ms && options.output.format == "json")
		throw Failure(ExitCode::kUsage,
			      "intervals come as rows: use --format csv, or 'xenmm record'");
}

constexpr const char *kExamples = R"(
Counted is what the whole guest does meanwhile: the kernel works for all. Compare with an
idle guest ('xenmm stat -- sleep 1'). Stores that Xen traps have no tracepoint: they are
estimated, and marked ~. The price is a lower bound by the module's price list ('xenmm
calibrate'): Xen's validation of tables and TLB flushes have no price. Counting costs an
mprotect-heavy run about 2 % and is off again afterwards.

The command's output is its own: use -o where both would go to one place. Exit code: that
of the last run of the command that failed, 128 + N for signal N.

Examples:
  xenmm stat -- sh -c 'for i in 1 2 3; do true | true; done'
  xenmm stat -r 5 -- make -s                  mean and deviation of five runs
  xenmm stat -I 1000 -- sleep 5               a row each second
  xenmm stat -p 1234                          until process 1234 ends, or ^C
  xenmm stat --format json -o ls.json -- ls
  xenmm stat --ask xenstore -- ls             Xen's own counts beside them)";

} // namespace

void add_stat(CLI::App &app, Action &action)
{
	auto options = std::make_shared<Options>();
	CLI::App *command =
		app.add_subcommand("stat", "Count the page-table work while a command runs");
	command->add_option("COMMAND", options->command, "What to run, with its arguments")
		->type_name("");
	command->add_option("-r,--repeat", options->runs, "Runs of the command; default: 1")
		->check(CLI::Range(1U, kMaxRuns))
		->type_name("N");
	command->add_option("-I,--interval", options->interval_ms,
			    "Show a row each so many milliseconds, too")
		->check(CLI::Range(10U, 3600000U))
		->type_name("MS");
	command->add_option("-p,--pid", options->pid, "Watch until this process ends")
		->check(CLI::Range(1, 1 << 22))
		->type_name("PID");
	command->add_flag("-v,--verbose", options->verbose, "Show counters that are 0, too");
	add_output_options(*command, options->output, {"table", "json", "csv"});
	add_vmm_option(*command, options->vmm);
	add_guest_option(*command, options->guest);
	command->footer(kExamples);
	command->callback([options, &action] {
		action = [options] {
			require_one_subject(*options);
			if (int status = stat(*options))
				std::exit(status);
		};
	});
}

} // namespace xenmm
