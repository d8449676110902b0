// SPDX-License-Identifier: GPL-2.0
// `xenmm info`: what guest this is and what the module can do here.
// Answers without the module and without privilege, too: then it says so.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "device.hpp"
#include "files.hpp"
#include "guest.hpp"
#include "options.hpp"
#include "output.hpp"
#include "results.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

using Json = nlohmann::ordered_json;

struct Options {
	Output output;
	std::string guest;
};

struct Facts {
	Guest guest;
	std::optional<Xen> xen;
	Environment environment;
	std::optional<xenmm_info> module;
	std::string why_no_module;
	bool is_loaded;
};

Facts collect(const std::string &guest)
{
	Facts facts = {};
	if (auto device = Device::try_open(&facts.why_no_module))
		facts.module = device->info();
	const xenmm_info *info = facts.module ? &*facts.module : nullptr;
	facts.guest = detect_guest(guest, info);
	facts.xen = find_xen();
	facts.environment = detect_environment(info);
	facts.is_loaded = info || path_exists("/sys/module/xenmm");
	return facts;
}

Json xen_json(const std::optional<Xen> &xen)
{
	if (!xen)
		return nullptr;
	Json features = nullptr;
	if (xen->features)
		features = xen_feature_names(*xen->features);
	return {{"version", xen->version},
		{"guest_type", xen->guest_type},
		{"initial_domain", xen->initial_domain},
		{"features", features}};
}

Json module_json(const Facts &facts)
{
	Json json = {{"loaded", facts.is_loaded}, {"usable", facts.module.has_value()}};
	if (!facts.module) {
		json["reason"] = facts.why_no_module;
		return json;
	}
	json["version"] = facts.module->module_version;
	json["abi_version"] = facts.module->abi_version;
	json["methods"] = method_names(facts.module->methods);
	json["max_batch"] = facts.module->max_batch;
	json["fault_window"] = facts.module->fault_window;
	return json;
}

Json facts_json(const Facts &facts)
{
	Json json = json_heading();
	json["guest"] = facts.guest.kind;
	json["guest_source"] = facts.guest.source;
	json["xen"] = xen_json(facts.xen);
	json["environment"] = environment_json(facts.environment);
	json["module"] = module_json(facts);
	return json;
}

std::string field(std::string_view name, std::string_view value)
{
	return fmt::format("{:<14}{}\n", name, value);
}

std::string xen_text(const Xen &xen)
{
	std::string type = xen.guest_type.empty() ? "unknown type" : xen.guest_type;
	std::string text = field("xen guest", type + (xen.initial_domain ? ", dom0" : ""));
	if (xen.features)
		text += field("xen features", join(xen_feature_names(*xen.features), " "));
	return text;
}

std::string module_text(const Facts &facts)
{
	if (!facts.module)
		return field("module",
			     fmt::format("{}: {}", facts.is_loaded ? "not usable" : "not loaded",
					 facts.why_no_module));
	const xenmm_info &module = *facts.module;
	return field("module", fmt::format("loaded, version {}, ABI {}", module.module_version,
					   module.abi_version)) +
	       field("methods", join(method_names(module.methods), " ")) +
	       field("largest batch", grouped(module.max_batch)) +
	       field("fault window", fmt::format("{} pages", module.fault_window));
}

std::string machine_text(const Environment &environment)
{
	return field("hypervisor", environment.hypervisor.value_or("none found")) +
	       field("kernel", environment.kernel) +
	       field("vcpus", fmt::format("{}", environment.vcpus)) +
	       field("memory", mebibytes(environment.memory_bytes)) +
	       field("emulated", environment.emulated ? "yes" : "no sign of it");
}

std::string facts_text(const Facts &facts)
{
	const Guest &guest = facts.guest;
	std::string text = field("guest", fmt::format("{} ({})", guest.kind, guest.source));
	if (!guest.note.empty())
		text += field("", guest.note);
	text += machine_text(facts.environment);
	if (facts.xen)
		text += xen_text(*facts.xen);
	return text + module_text(facts);
}

constexpr const char *kExamples = R"(
A kind is 'assumed' where it cannot be seen from inside: whether Xen or KVM nests or
shadows page tables. Name it with --guest, or with XENMM_GUEST for all commands.

Examples:
  xenmm info                             what guest is this, what can the module do
  xenmm info --json | jq .module.methods
  xenmm info --guest kvm-shadow          I know better: kvm-amd was loaded with npt=0)";

} // namespace

void add_info(CLI::App &app, Action &action)
{
	auto options = std::make_shared<Options>();
	CLI::App *command = app.add_subcommand("info", "Show the guest and the module's state");
	add_output_options(*command, options->output, {"table", "json"});
	add_json_flag(*command, options->output);
	add_guest_option(*command, options->guest);
	command->footer(kExamples);
	command->callback([options, &action] {
		action = [options] {
			Facts facts = collect(options->guest);
			publish(options->output, options->output.format == "json"
							 ? json_text(facts_json(facts))
							 : facts_text(facts));
		};
	});
}

} // namespace xenmm
