// SPDX-License-Identifier: GPL-2.0
// Sources in order of trust: the user, the module (it knows what owns the tables),
// /sys/hypervisor, CPUID.
#include "guest.hpp"

#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cpuid.hpp"
#include "files.hpp"
#include "steady.hpp"

namespace xenmm
{

namespace
{

Guest detected(std::string kind)
{
	return {std::move(kind), "detected", ""};
}

Guest assumed(std::string kind, std::string note)
{
	return {std::move(kind), "assumed", std::move(note)};
}

bool is_pv(const std::optional<Xen> &xen, const xenmm_info *info)
{
	return (info && info->guest == XENMM_GUEST_XEN_PV) || (xen && xen->guest_type == "PV");
}

bool is_initial_domain(const std::optional<Xen> &xen, const xenmm_info *info)
{
	return (info && info->initial_domain) || (xen && xen->initial_domain);
}

bool is_xen_hvm(const std::optional<Xen> &xen, const xenmm_info *info,
		const CpuidHypervisors &cpuid)
{
	return (info && info->guest == XENMM_GUEST_XEN_HVM) || xen || cpuid.xen;
}

std::optional<std::string> hypervisor_name(const xenmm_info *info)
{
	std::optional<Xen> xen = find_xen();
	CpuidHypervisors cpuid = read_cpuid_hypervisors();
	if (xen)
		return xen->version.empty() ? "Xen" : "Xen " + xen->version;
	if (is_xen_hvm(xen, info, cpuid) || is_pv(xen, info))
		return "Xen";
	if (cpuid.kvm)
		return "KVM";
	if (!cpuid.other.empty())
		return cpuid.other;
	return std::nullopt;
}

std::optional<bool> lab_xpti()
{
	auto value = environment_text("XENMM_LAB_XPTI");
	if (value == "0" || value == "1")
		return value == "1";
	return std::nullopt;
}

uint64_t memory_bytes()
{
	struct sysinfo system = {};
	sysinfo(&system);
	return static_cast<uint64_t>(system.totalram) * system.mem_unit;
}

} // namespace

std::vector<std::string> guest_kinds()
{
	return {"bare",		  "xen-pv",  "xen-pv-dom0", "xen-pvh-hap",
		"xen-pvh-shadow", "kvm-npt", "kvm-shadow"};
}

Guest detect_guest(const std::string &given, const xenmm_info *info)
{
	if (!given.empty())
		return {given, "given", ""};

	std::optional<Xen> xen = find_xen();
	CpuidHypervisors cpuid = read_cpuid_hypervisors();
	if (is_pv(xen, info))
		return detected(is_initial_domain(xen, info) ? "xen-pv-dom0" : "xen-pv");
	if (is_xen_hvm(xen, info, cpuid))
		return assumed("xen-pvh-hap", "a PVH or HVM guest of Xen; shadow page tables "
					      "cannot be told from nested ones here");
	if (cpuid.kvm)
		return assumed("kvm-npt", "a guest of KVM; shadow page tables cannot be told "
					  "from nested ones here");
	if (!cpuid.other.empty())
		return assumed("bare", "a hypervisor without a kind of its own: " + cpuid.other);
	return detected("bare");
}

Environment detect_environment(const xenmm_info *info)
{
	utsname system = {};
	uname(&system);

	Environment environment = {};
	environment.kernel = system.release;
	environment.hypervisor = hypervisor_name(info);
	if (info)
		environment.module_version = info->module_version;
	environment.vcpus = static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN));
	environment.memory_bytes = memory_bytes();
	environment.emulated = environment_flag("XENMM_LAB_EMULATED") ||
			       environment_flag("XENMM_LAB_ICOUNT") || read_cpuid_hypervisors().tcg;
	environment.aslr = has_aslr();
	environment.xpti = lab_xpti();
	environment.xen_options = environment_text("XENMM_LAB_XEN_OPTIONS");
	return environment;
}

} // namespace xenmm
