// SPDX-License-Identifier: GPL-2.0
// Options that more than one subcommand has.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "guest.hpp"

namespace xenmm
{

inline constexpr uint64_t kMaxPages = 1U << 24;
inline constexpr unsigned kMaxRuns = 10000;

inline void add_guest_option(CLI::App &command, std::string &guest)
{
	command.add_option("--guest", guest, "Kind of guest, instead of finding it out")
		->envname("XENMM_GUEST")
		->check(CLI::IsMember(guest_kinds()))
		->type_name("KIND");
}

inline void add_vmm_option(CLI::App &command, std::string &vmm)
{
	command.add_option("--ask", vmm,
			   "Ask the hypervisor for its own counts: through 'xenstore', or a "
			   "character device; somebody must answer in dom0 or on KVM's host")
		->type_name("ADDRESS");
}

} // namespace xenmm
