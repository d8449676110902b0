// SPDX-License-Identifier: GPL-2.0
// What hypervisors count, by one set of names. Xen's own are those of its performance
// counters (xen/arch/x86/include/asm/perfc_defn.h), KVM's those of its debugfs folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "comparison.hpp"

namespace xenmm
{

struct VmmCount {
	const char *name;		   // a column's
	bool (*is_of)(const System &);	   // which kinds of guests it is about
	std::vector<std::string> counters; // of the hypervisor; added up, where it has them
	const char *why_not;		   // about no other kind
};

const std::vector<VmmCount> &vmm_counts();

// Nothing where it is not about this kind of guest; a counter that is not there is 0.
std::optional<uint64_t> vmm_count(const Measured &row, const VmmCount &count);

// Who counted: the hypervisor's counters, or xentrace its events of the same run.
enum class Account { kCounters, kTrace };

// A counter by its name, 0 if it is not there; nothing where xentrace did not run.
std::optional<uint64_t> vmm_counter(const Measured &row, const std::string &name, Account account);

// How often page-table work brought the guest into the hypervisor. Of a PV guest xentrace alone
// can tell: Xen's counters hold each call of a multicall, and not that Xen came back to a call.
std::optional<uint64_t> vmm_entries(const Measured &row);

// What is in use for paging; nothing where nobody was asked.
std::optional<uint64_t> paging_kib(const Memory &memory);

} // namespace xenmm
