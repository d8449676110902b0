// SPDX-License-Identifier: GPL-2.0
// Leaves from /proc/self/smaps, the number of levels from the CPU's flags: the kernel
// clears la57 when it does not use the fifth.
#include "references.hpp"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

#include "error.hpp"
#include "files.hpp"

namespace xenmm
{

namespace
{

constexpr unsigned kDepth = 4;

// "7f12-7f34 rw-p ...": does this line of smaps begin a mapping that overlaps?
std::optional<bool> overlaps(const std::string &line, uint64_t begin, uint64_t end)
{
	char *rest = nullptr;
	uint64_t first = std::strtoull(line.c_str(), &rest, 16);
	if (rest == line.c_str() || *rest != '-')
		return std::nullopt;
	uint64_t last = std::strtoull(rest + 1, &rest, 16);
	if (*rest != ' ')
		return std::nullopt;
	return first < end && begin < last;
}

bool has_flag(const std::string &flag)
{
	for (const std::string &line : split_lines(read_text("/proc/cpuinfo").value_or("")))
		if (line.starts_with("flags"))
			return (line + " ").find(" " + flag + " ") != std::string::npos;
	return false;
}

std::optional<Leaf> told_leaf()
{
	std::optional<std::string> told = environment_text("XENMM_LAB_VMM_PAGE");
	if (!told)
		return std::nullopt;
	for (Leaf leaf : {Leaf::k4k, Leaf::k2m, Leaf::k1g})
		if (leaf_name(leaf) == *told)
			return leaf;
	throw Failure(ExitCode::kUsage,
		      "XENMM_LAB_VMM_PAGE is 4k, 2m or 1g, and not '" + *told + "'");
}

unsigned told_depth()
{
	std::string told = environment_text("XENMM_LAB_VMM_LEVELS").value_or("4");
	if (told != "4" && told != "5")
		throw Failure(ExitCode::kUsage,
			      "XENMM_LAB_VMM_LEVELS is 4 or 5, and not '" + told + "'");
	return told == "5" ? 5 : kDepth;
}

} // namespace

std::string_view leaf_name(Leaf leaf)
{
	switch (leaf) {
	case Leaf::k4k:
		return "4k";
	case Leaf::k2m:
		return "2m";
	case Leaf::k1g:
		return "1g";
	}
	return "unknown";
}

Paging paging_of(const std::string &guest)
{
	if (guest.ends_with("-shadow"))
		return Paging::kShadow;
	if (guest == "xen-pvh-hap" || guest == "kvm-npt")
		return Paging::kNested;
	return Paging::kOwn;
}

std::optional<unsigned> WalkTables::references() const
{
	if (paging == Paging::kOwn)
		return xenmm::references(guest.levels(), std::nullopt);
	if (paging == Paging::kShadow && guest.leaf == Leaf::k4k)
		return xenmm::references(guest.depth, std::nullopt);
	if (!vmm_leaf)
		return std::nullopt;
	// A shadow table maps no more by one entry than both the guest and the VMM do.
	if (paging == Paging::kShadow)
		return xenmm::references(
			Tables{guest.depth, std::min(guest.leaf, *vmm_leaf)}.levels(),
			std::nullopt);
	return xenmm::references(guest.levels(), Tables{vmm_depth, *vmm_leaf}.levels());
}

unsigned WalkTables::references_max() const
{
	return xenmm::references(guest.depth, paging == Paging::kNested ? std::optional(vmm_depth)
									: std::nullopt);
}

std::optional<uint64_t> huge_bytes(const void *base, uint64_t bytes)
{
	std::optional<std::string> text = read_text("/proc/self/smaps");
	if (!text)
		return std::nullopt;
	auto begin = reinterpret_cast<uintptr_t>(base);
	constexpr std::string_view kKey = "AnonHugePages:";
	bool inside = false;
	bool found = false;
	uint64_t huge = 0;
	for (const std::string &line : split_lines(*text)) {
		inside = overlaps(line, begin, begin + bytes).value_or(inside);
		if (!inside || !line.starts_with(kKey))
			continue;
		found = true;
		huge += std::strtoull(line.c_str() + kKey.size(), nullptr, 10) << 10;
	}
	return found ? std::optional(huge) : std::nullopt;
}

Leaf leaf_of(const void *base, uint64_t bytes)
{
	std::optional<uint64_t> huge = huge_bytes(base, bytes);
	if (!huge)
		throw Failure(ExitCode::kNotPossible,
			      "/proc/self/smaps does not tell whether pages are huge");
	if (*huge != 0 && *huge < bytes)
		throw Failure(ExitCode::kNotPossible,
			      fmt::format("huge pages map {} of {} KiB", *huge >> 10, bytes >> 10));
	return *huge ? Leaf::k2m : Leaf::k4k;
}

WalkTables find_tables(const std::string &guest, Leaf leaf)
{
	WalkTables tables = {};
	tables.guest = {has_flag("la57") ? 5 : kDepth, leaf};
	tables.paging = paging_of(guest);
	tables.vmm_depth = told_depth();
	if (tables.paging != Paging::kOwn)
		tables.vmm_leaf = told_leaf();
	return tables;
}

} // namespace xenmm
