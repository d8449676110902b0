// SPDX-License-Identifier: GPL-2.0
// Xen's traces in /sys and /proc.
#include "guest.hpp"

#include <charconv>
#include <iterator>
#include <string_view>

#include "files.hpp"

namespace xenmm
{

namespace
{

// xen/include/public/features.h, by bit.
constexpr std::string_view kFeatures[] = {
	"writable_page_tables",
	"writable_descriptor_tables",
	"auto_translated_physmap",
	"supervisor_mode_kernel",
	"pae_pgdir_above_4gb",
	"mmu_pt_update_preserve_ad",
	"highmem_assist",
	"gnttab_map_avail_bits",
	"hvm_callback_vector",
	"hvm_safe_pvclock",
	"hvm_pirqs",
	"dom0",
	"grant_map_identity",
	"memory_op_vnode_supported",
	"arm_smccc_supported",
	"linux_rsdp_unrestricted",
	"not_direct_mapped",
	"direct_mapped",
};
constexpr uint64_t kFeatureAutoTranslated = 1U << 2;
constexpr uint64_t kFeatureDom0 = 1U << 11;

std::string xen_version()
{
	auto major = read_line("/sys/hypervisor/version/major");
	auto minor = read_line("/sys/hypervisor/version/minor");
	auto extra = read_line("/sys/hypervisor/version/extra");
	if (!major || !minor)
		return "";
	return *major + "." + *minor + extra.value_or("");
}

std::optional<uint64_t> xen_features()
{
	auto text = read_line("/sys/hypervisor/properties/features");
	uint64_t mask = 0;
	if (!text ||
	    std::from_chars(text->data(), text->data() + text->size(), mask, 16).ec != std::errc())
		return std::nullopt;
	return mask;
}

bool is_initial_domain(std::optional<uint64_t> features)
{
	auto capabilities = read_text("/proc/xen/capabilities");
	if (capabilities && capabilities->find("control_d") != std::string::npos)
		return true;
	return features && (*features & kFeatureDom0);
}

// Kernels before 4.14 have no guest_type.
std::string guest_type(std::optional<uint64_t> features)
{
	if (auto type = read_line("/sys/hypervisor/guest_type"))
		return *type;
	if (!features)
		return "";
	return *features & kFeatureAutoTranslated ? "HVM" : "PV";
}

} // namespace

std::optional<Xen> find_xen()
{
	if (read_line("/sys/hypervisor/type") != "xen")
		return std::nullopt;
	std::optional<uint64_t> features = xen_features();
	return Xen{xen_version(), guest_type(features), features, is_initial_domain(features)};
}

std::vector<std::string> xen_feature_names(uint64_t features)
{
	std::vector<std::string> names;
	for (size_t bit = 0; bit < std::size(kFeatures); bit++)
		if (features >> bit & 1)
			names.emplace_back(kFeatures[bit]);
	return names;
}

} // namespace xenmm
