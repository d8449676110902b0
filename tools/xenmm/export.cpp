// SPDX-License-Identifier: GPL-2.0
// `xenmm export`: the counters for a monitoring system.
#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "commands.hpp"
#include "error.hpp"
#include "manners.hpp"
#include "options.hpp"
#include "prometheus.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

struct Options {
	std::string file;
};

// Whoever reads it sees the old content or the new one, never a part.
void replace_file(const std::string &path, const std::string &text)
{
	std::string fresh = path + "." + std::to_string(getpid());
	try {
		write_file(fresh, text);
		if (rename(fresh.c_str(), path.c_str()) != 0)
			throw system_failure(path);
	} catch (const Failure &) {
		unlink(fresh.c_str());
		throw;
	}
}

void export_counters(const Options &options)
{
	Device device = Device::open();
	bool counts = device.info().features & XENMM_FEATURE_KERNEL &&
		      device.info().guest == XENMM_GUEST_XEN_PV;
	xenmm_kernel kernel = {};
	if (counts)
		kernel = device.kernel(XENMM_KERNEL_LEAVE);
	if (counts && !kernel.counting)
		note("what the kernel does is not being counted: to have it, "
		     "echo 1 > /sys/kernel/debug/xenmm/kernel");
	std::string text = prometheus_text(device.info(), detect_guest("", &device.info()),
					   counts ? &kernel : nullptr, device.stats());
	if (options.file == "-")
		write_stdout(text);
	else
		replace_file(options.file, text);
}

constexpr const char *kExamples = R"(
The file is replaced as a whole, and changes nothing when something fails. Let a timer call
this as often as the monitoring system asks. What the kernel does is counted only while
that is switched on, which costs an mprotect-heavy guest about 2 %.

Examples:
  echo 1 > /sys/kernel/debug/xenmm/kernel
  xenmm export --prometheus /var/lib/prometheus/node-exporter/xenmm.prom
  xenmm export --prometheus -            to standard output)";

} // namespace

void add_export(CLI::App &app, Action &action)
{
	auto options = std::make_shared<Options>();
	CLI::App *command =
		app.add_subcommand("export", "Write the counters for a monitoring system");
	command->add_option("--prometheus", options->file,
			    "In the text format of Prometheus, for node_exporter's textfile "
			    "collector")
		->required()
		->type_name("FILE");
	command->footer(kExamples);
	command->callback(
		[options, &action] { action = [options] { export_counters(*options); }; });
}

} // namespace xenmm
