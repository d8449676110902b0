// SPDX-License-Identifier: GPL-2.0
// Xen counts what a PV guest enters it for by kind; the exits of other guests it counts as
// such, in an array by reason. "NAME[N]" is an element of an array.
#include "vmm_counts.hpp"

#include "json_value.hpp"

namespace xenmm
{

namespace
{

// What xl and KVM's host say to the request "memory".
constexpr const char *kMemory[] = {"paging in use"};

} // namespace

const std::vector<VmmCount> &vmm_counts()
{
	static const std::vector<VmmCount> counts = {
		{"page faults", true, {"page faults"}},
		{"... writes of tables", false, {"writable pt emulations"}},
		{"hypercalls",
		 true,
		 {"calls to mmu_update", "calls to mmuext_op", "calls to update_va_map"}},
		{"... updates", false, {"page updates", "calls to update_va_map"}},
		{"exits", true, {"vmexits", "exits"}},
		{"... shadow faults", false, {"calls to shadow_fault", "shadow pf_taken"}},
		{"... nested faults", false, {"vmexits[npf]", "nested pf_taken"}},
	};
	return counts;
}

std::optional<uint64_t> vmm_count(const Measured &row, const VmmCount &count)
{
	std::optional<uint64_t> sum;
	for (const std::string &counter : count.counters)
		if (auto value = maybe<uint64_t>(*row.hypervisor, counter.c_str()))
			sum = sum.value_or(0) + *value;
	return sum;
}

std::optional<uint64_t> paging_kib(const Memory &memory)
{
	for (const char *name : kMemory)
		if (memory.hypervisor)
			if (auto kib = maybe<uint64_t>(*memory.hypervisor, name))
				return kib;
	return std::nullopt;
}

} // namespace xenmm
