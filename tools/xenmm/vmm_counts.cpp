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
constexpr const char *kMemory = "paging in use";

bool is_pv(const System &system)
{
	return system.is_pv();
}

bool has_exits(const System &system)
{
	return system.is_pvh() || system.is_kvm();
}

bool is_shadow(const System &system)
{
	return system.is_shadow();
}

bool is_nested(const System &system)
{
	return has_exits(system) && !is_shadow(system);
}

} // namespace

const std::vector<VmmCount> &vmm_counts()
{
	static const std::vector<VmmCount> counts = {
		{"page faults", is_pv, true, {"page faults"}},
		{"... writes of tables", is_pv, false, {"writable pt emulations"}},
		{"hypercalls",
		 is_pv,
		 true,
		 {"calls to mmu_update", "calls to mmuext_op", "calls to update_va_map"}},
		{"... updates", is_pv, false, {"page updates", "calls to update_va_map"}},
		{"exits", has_exits, true, {"vmexits", "exits"}},
		{"... shadow faults", is_shadow, false, {"calls to shadow_fault", "pf_taken"}},
		{"... nested faults", is_nested, false, {"vmexits[npf]", "pf_taken"}},
	};
	return counts;
}

std::optional<uint64_t> vmm_count(const Measured &row, const VmmCount &count)
{
	if (!count.is_of(row.system))
		return std::nullopt;
	uint64_t sum = 0;
	for (const std::string &counter : count.counters)
		sum += maybe<uint64_t>(*row.hypervisor, counter.c_str()).value_or(0);
	return sum;
}

std::optional<uint64_t> paging_kib(const Memory &memory)
{
	if (!memory.hypervisor)
		return std::nullopt;
	return maybe<uint64_t>(*memory.hypervisor, kMemory);
}

} // namespace xenmm
