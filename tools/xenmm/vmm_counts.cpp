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
// What it says to "counts" has this before the name where xentrace counted, and then always
// the number of records.
constexpr const char *kTrace = "trace: ";
constexpr const char *kRecords = "records";

constexpr const char *kOnlyPv = "the guest owns its page tables: faults and changes are its own";

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
		{"page faults", is_pv, {"page faults"}, kOnlyPv},
		{"... writes of tables", is_pv, {"writable pt emulations"}, kOnlyPv},
		{"hypercalls",
		 is_pv,
		 {"calls to mmu_update", "calls to mmuext_op", "calls to update_va_map"},
		 kOnlyPv},
		{"... updates", is_pv, {"page updates", "calls to update_va_map"}, kOnlyPv},
		{"exits",
		 has_exits,
		 {"vmexits", "exits"},
		 "a PV guest has no exits, but faults and hypercalls"},
		{"... shadow faults",
		 is_shadow,
		 {"calls to shadow_fault", "pf_taken"},
		 "no shadow page tables"},
		{"... nested faults", is_nested, {"vmexits[npf]", "pf_taken"}, "no nested paging"},
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

std::optional<uint64_t> vmm_counter(const Measured &row, const std::string &name, Account account)
{
	std::string prefix = account == Account::kTrace ? kTrace : "";
	if (account == Account::kTrace && !row.hypervisor->contains(prefix + kRecords))
		return std::nullopt;
	return maybe<uint64_t>(*row.hypervisor, (prefix + name).c_str()).value_or(0);
}

std::optional<uint64_t> vmm_entries(const Measured &row)
{
	if (row.system.is_kvm())
		return vmm_counter(row, "exits", Account::kCounters);
	return vmm_counter(row, "entries", Account::kTrace);
}

std::optional<uint64_t> paging_kib(const Memory &memory)
{
	if (!memory.hypervisor)
		return std::nullopt;
	return maybe<uint64_t>(*memory.hypervisor, kMemory);
}

} // namespace xenmm
