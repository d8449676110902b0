// SPDX-License-Identifier: GPL-2.0
// Two leaves are read: a hypervisor that poses as another one (Hyper-V's interface
// for Windows guests) moves its own signature up by 0x100.
#include "cpuid.hpp"

#include <cpuid.h>
#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace xenmm
{

namespace
{

struct Registers {
	uint32_t eax, ebx, ecx, edx;
};

Registers cpuid(uint32_t leaf)
{
	Registers r;
	__cpuid_count(leaf, 0, r.eax, r.ebx, r.ecx, r.edx);
	return r;
}

bool under_hypervisor()
{
	return cpuid(1).ecx & (1U << 31);
}

// Trailing NULs, which KVM's has, are left out.
std::string signature(uint32_t leaf)
{
	Registers r = cpuid(leaf);
	char text[13] = {};
	std::memcpy(text, &r.ebx, 4);
	std::memcpy(text + 4, &r.ecx, 4);
	std::memcpy(text + 8, &r.edx, 4);
	return text;
}

} // namespace

CpuidHypervisors read_cpuid_hypervisors()
{
	CpuidHypervisors found = {};
	if (!under_hypervisor())
		return found;
	for (uint32_t leaf : {0x40000000U, 0x40000100U}) {
		std::string name = signature(leaf);
		if (name == "XenVMMXenVMM")
			found.xen = true;
		else if (name == "KVMKVMKVM")
			found.kvm = true;
		else if (name == "TCGTCGTCGTCG")
			found.tcg = true;
		else if (leaf == 0x40000000U)
			found.other = name;
	}
	return found;
}

} // namespace xenmm
