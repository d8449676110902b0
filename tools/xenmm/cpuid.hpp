// SPDX-License-Identifier: GPL-2.0
// The hypervisor's signature in CPUID. A PV guest without CPUID faulting sees the
// machine below Xen instead, which is how the emulator under the lab shows.
#pragma once

#include <string>

namespace xenmm
{

struct CpuidHypervisors {
	bool xen;
	bool kvm;
	bool tcg;	   // QEMU's emulation: nothing here is a time
	std::string other; // any other signature, else empty
};

CpuidHypervisors read_cpuid_hypervisors();

} // namespace xenmm
