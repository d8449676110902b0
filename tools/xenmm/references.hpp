// SPDX-License-Identifier: GPL-2.0
// How many table entries the CPU reads to translate one address, when no TLB and no
// page-walk cache helps: from the tables that are there.
//
//	one dimension    each level once: 4; a 2 MiB page ends the walk a level earlier
//	two dimensions   each of the guest's tables, and the page at last, has an address
//	                 that the VMM's tables translate: (g + 1) * (v + 1) - 1, up to 24
//
// The guest sees its own leaves. What the VMM maps it with has to be told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xenmm
{

enum class Leaf { k4k, k2m, k1g };

std::string_view leaf_name(Leaf leaf); // "4k", "2m", "1g"

// A tree of page tables, as the walker of one address finds it.
struct Tables {
	unsigned depth; // levels down to 4 KiB pages: 4 or 5
	Leaf leaf;

	unsigned levels() const { return depth - static_cast<unsigned>(leaf); }
};

// Of so many levels; `vmm_levels` where there is a second dimension.
constexpr unsigned references(unsigned guest_levels, std::optional<unsigned> vmm_levels)
{
	return (guest_levels + 1) * (vmm_levels.value_or(0) + 1) - 1;
}

static_assert(references(4, std::nullopt) == 4 && references(3, std::nullopt) == 3);
static_assert(references(4, 4) == 24 && references(4, 3) == 19 && references(3, 4) == 19);
static_assert(references(3, 3) == 15 && references(4, 2) == 14 && references(5, 4) == 29);

// What translates a guest's addresses; shadow tables are the VMM's, of one dimension.
enum class Paging { kOwn, kShadow, kNested };

Paging paging_of(const std::string &guest);

struct WalkTables {
	Tables guest;
	Paging paging;
	unsigned vmm_depth;
	std::optional<Leaf> vmm_leaf; // nothing: not told, or no such tables

	std::optional<unsigned> references() const; // nothing where the VMM's leaf decides
	unsigned references_max() const;	    // with 4 KiB pages everywhere
};

// The leaf under all of `bytes` at `base`. Failure when only a part is huge pages, or when
// the kernel does not tell.
Leaf leaf_of(const void *base, uint64_t bytes);
// Bytes there that huge pages map; nothing when the kernel does not tell.
std::optional<uint64_t> huge_bytes(const void *base, uint64_t bytes);

// XENMM_LAB_VMM_PAGE (4k, 2m, 1g) and XENMM_LAB_VMM_LEVELS (4, 5) tell of the VMM.
WalkTables find_tables(const std::string &guest, Leaf leaf);

} // namespace xenmm
