// SPDX-License-Identifier: GPL-2.0
// `xenmm doctor`: what is missing here for this tool to tell all it can, and how to mend it.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>

#include "commands.hpp"
#include "debugfs.hpp"
#include "device.hpp"
#include "error.hpp"
#include "files.hpp"
#include "options.hpp"
#include "output.hpp"
#include "results.hpp"

namespace xenmm
{

namespace
{

using Json = nlohmann::ordered_json;

enum class Verdict { kOk, kHint, kMissing, kNotPossible };

struct Finding {
	std::string subject;
	Verdict verdict;
	std::string seen;
	std::string remedy; // empty: nothing to do
};

using Findings = std::vector<Finding>;

const char *verdict_name(Verdict verdict)
{
	switch (verdict) {
	case Verdict::kOk:
		return "ok";
	case Verdict::kHint:
		return "hint";
	case Verdict::kMissing:
		return "missing";
	case Verdict::kNotPossible:
		return "not possible";
	}
	return "";
}

Finding look_at_guest(const Guest &guest)
{
	if (guest.kind.starts_with("xen-pv") && !guest.kind.starts_with("xen-pvh"))
		return {"guest", Verdict::kOk, guest.kind + ": Xen owns its page tables", ""};
	return {"guest", Verdict::kNotPossible,
		guest.kind + ": no hypervisor is asked to change its page tables",
		"only 'bench', 'processes', 'compare' and 'plot' have something to tell here; the "
		"rest needs a PV guest of Xen"};
}

Finding look_at_user()
{
	if (geteuid() == 0)
		return {"privilege", Verdict::kOk, "root", ""};
	return {"privilege", Verdict::kMissing, fmt::format("user {}", geteuid()),
		"run as root: the device and debugfs are root's"};
}

Finding look_at_module(const std::optional<Device> &device, const std::string &why)
{
	if (!device)
		return {"module", Verdict::kMissing, "not usable", why};
	const char *version = device->info().module_version;
	if (std::string(version) != kToolVersion)
		return {"module", Verdict::kHint,
			fmt::format("version {}, this tool {}", version, kToolVersion),
			"install both of one version"};
	return {"module", Verdict::kOk, fmt::format("version {}", version), ""};
}

Finding look_at_debugfs()
{
	if (read_numbers(kStatsFile))
		return {"debugfs", Verdict::kOk, "readable", ""};
	bool is_mounted = path_exists("/sys/kernel/debug/tracing") ||
			  path_exists("/sys/kernel/debug/bdi") ||
			  path_exists("/sys/kernel/debug/xenmm");
	return {"debugfs", Verdict::kMissing,
		fmt::format("{}: {}", kStatsFile, std::strerror(errno)),
		is_mounted ? "load the module; a locked-down kernel closes debugfs, then counters "
			     "come by ioctl and there are no prices"
			   : "mount -t debugfs debugfs /sys/kernel/debug"};
}

Finding look_at_prices()
{
	auto prices = read_numbers(kCostFile);
	if (!prices)
		return {"prices", Verdict::kMissing, "cannot be read", "see debugfs"};
	for (const NamedNumber &price : *prices)
		if (price.name == "calibrated" && price.value)
			return {"prices", Verdict::kOk, "calibrated here", ""};
	return {"prices", Verdict::kHint, "built in, of another machine", "xenmm calibrate"};
}

Finding look_at_counting(const Device &device)
{
	try {
		xenmm_kernel kernel = device.kernel(XENMM_KERNEL_LEAVE);
		return {"counting", Verdict::kOk,
			kernel.counting ? "what the kernel does is being counted"
					: "off; stat, top and record switch it on while they run",
			""};
	} catch (const Failure &failure) {
		return {"counting", Verdict::kMissing, "not possible", failure.what()};
	}
}

Finding look_at_tracer()
{
	auto functions = read_line("/sys/kernel/tracing/available_tracers");
	if (!functions)
		functions = read_line("/sys/kernel/debug/tracing/available_tracers");
	if (!functions)
		return {"estimates", Verdict::kHint, "tracefs cannot be read",
			"mount -t tracefs tracefs /sys/kernel/tracing, to see whether traps can be "
			"estimated"};
	if (functions->find("function") != std::string::npos)
		return {"estimates", Verdict::kOk, "the kernel has the function tracer", ""};
	return {"estimates", Verdict::kHint, "this kernel has not got the function tracer",
		"traps are estimated by a kernel with CONFIG_FUNCTION_TRACER only"};
}

Finding look_at_time(const Environment &environment)
{
	if (!environment.emulated)
		return {"time", Verdict::kOk, "no sign of emulation", ""};
	return {"time", Verdict::kHint, "this machine is emulated",
		"counts are what they are elsewhere; times are not"};
}

Findings examine(const std::string &given)
{
	std::string why;
	std::optional<Device> device = Device::try_open(&why);
	const xenmm_info *info = device ? &device->info() : nullptr;
	Guest guest = detect_guest(given, info);
	Findings findings = {look_at_guest(guest), look_at_user(), look_at_module(device, why),
			     look_at_debugfs()};
	if (findings.front().verdict == Verdict::kOk) {
		findings.push_back(look_at_prices());
		if (device)
			findings.push_back(look_at_counting(*device));
		findings.push_back(look_at_tracer());
	}
	findings.push_back(look_at_time(detect_environment(info)));
	return findings;
}

Json findings_json(const Findings &findings)
{
	Json list = Json::array();
	for (const Finding &finding : findings)
		list.push_back(
			{{"subject", finding.subject},
			 {"verdict", verdict_name(finding.verdict)},
			 {"seen", finding.seen},
			 {"remedy", finding.remedy.empty() ? Json() : Json(finding.remedy)}});
	Json json = json_heading();
	json["findings"] = std::move(list);
	return json;
}

std::string findings_text(const Findings &findings)
{
	std::string text;
	for (const Finding &finding : findings) {
		text += fmt::format("{:<11}{:<14}{}\n", finding.subject,
				    verdict_name(finding.verdict), finding.seen);
		if (finding.remedy.empty())
			continue;
		std::string lead = "-> ";
		for (const std::string &line : wrapped(finding.remedy, 52)) {
			text += fmt::format("{:<25}{}{}\n", "", lead, line);
			lead = "   ";
		}
	}
	return text;
}

ExitCode exit_code(const Findings &findings)
{
	ExitCode code = ExitCode::kOk;
	for (const Finding &finding : findings) {
		if (finding.verdict == Verdict::kMissing)
			code = ExitCode::kMissing;
		if (finding.verdict == Verdict::kNotPossible)
			return ExitCode::kNotPossible;
	}
	return code;
}

constexpr const char *kExamples = R"(
Nothing is changed. Exit code: 0 all is there (hints aside), 3 something is missing, 4 this
is no guest that asks a hypervisor to change its page tables.

Examples:
  xenmm doctor
  xenmm doctor --format json | jq -r '.findings[] | select(.remedy) | .remedy')";

} // namespace

void add_doctor(CLI::App &app, Action &action)
{
	struct Options {
		Output output;
		std::string guest;
	};
	auto options = std::make_shared<Options>();
	CLI::App *command =
		app.add_subcommand("doctor", "Say what is missing here, and how to mend it");
	add_output_options(*command, options->output, {"table", "json"});
	add_guest_option(*command, options->guest);
	command->footer(kExamples);
	command->callback([options, &action] {
		action = [options] {
			Findings findings = examine(options->guest);
			publish(options->output, options->output.format == "json"
							 ? json_text(findings_json(findings))
							 : findings_text(findings));
			if (auto code = exit_code(findings); code != ExitCode::kOk)
				std::exit(static_cast<int>(code));
		};
	});
}

} // namespace xenmm
