// SPDX-License-Identifier: GPL-2.0
// Where are we? The kind of guest, as far as page tables are concerned, and the
// environment that every result carries.
// Whether a hypervisor shadows or nests page tables cannot be seen from inside: such
// a kind is marked as assumed, and the person who set the guest up can name it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "uapi/xenmm.h"

namespace xenmm
{

// What /sys/hypervisor and /proc/xen tell.
struct Xen {
	std::string version;	// "4.17.7"; empty when not told
	std::string guest_type; // "PV", "PVH", "HVM"; empty when not told
	std::optional<uint64_t> features;
	bool initial_domain;
};

std::optional<Xen> find_xen();

// Names of the set bits, "auto_translated_physmap" and so on.
std::vector<std::string> xen_feature_names(uint64_t features);

struct Guest {
	std::string kind;
	std::string source; // "given", "detected" or "assumed"
	std::string note;   // why assumed; else empty
};

std::vector<std::string> guest_kinds();

// `given` overrides when it is not empty; `info` may be null.
Guest detect_guest(const std::string &given, const xenmm_info *info);

struct Environment {
	std::string kernel;
	std::optional<std::string> hypervisor;
	std::optional<std::string> module_version;
	unsigned vcpus;
	uint64_t memory_bytes;
	bool emulated;
	bool aslr;		       // are addresses randomised?
	std::optional<int> pinned_cpu; // nothing: it moves
	std::optional<bool> xpti;
	std::optional<std::string> xen_options;
};

Environment detect_environment(const xenmm_info *info);

} // namespace xenmm
