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
	bool is_entry;			   // counts entries; else what an entry was for
	std::vector<std::string> counters; // of the hypervisor; added up, where it has them
};

const std::vector<VmmCount> &vmm_counts();

// Nothing where it is not about this kind of guest; a counter that is not there is 0.
std::optional<uint64_t> vmm_count(const Measured &row, const VmmCount &count);

// What is in use for paging; nothing where nobody was asked.
std::optional<uint64_t> paging_kib(const Memory &memory);

} // namespace xenmm
