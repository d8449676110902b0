// SPDX-License-Identifier: GPL-2.0
// The price list by which the module's planner chooses (debugfs `cost`), and how it
// follows from measured operations. Pure arithmetic, no device.
//
//	by batch     walk + hypercall + n * (map, unmap or protect)         n <= 512
//	by rebuild   walk + rebuild + after * validate + before * devalidate
//	by flip      walk + flip
//	by trap      walk + n * trap
//
// is what a table takes. `walk` is what the module does for a table by any method, with
// its part of the ioctl; it is in no price, so that it cancels in every comparison.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace xenmm
{

// Ticks per table; 512 pages of each table, unless one of each; batches of 512,
// unless single. One range a table everywhere.
struct Timings {
	double protect_single, protect, protect_one;
	double map, map_one, map_rebuilt, map_one_rebuilt; // into empty tables
	double unmap, unmap_one, unmap_rebuilt;		   // of full tables
	double protect_rebuilt, protect_flipped, protect_trapped;
};

struct Prices {
	double hypercall, map, unmap, protect, rebuild, validate, devalidate, flip, trap;
};

struct NamedPrice {
	std::string_view name;
	double Prices::*value;
};

// Every price of the ABI, in its order.
inline constexpr NamedPrice kPrices[] = {
	{"hypercall", &Prices::hypercall},
	{"map", &Prices::map},
	{"unmap", &Prices::unmap},
	{"protect", &Prices::protect},
	{"rebuild", &Prices::rebuild},
	{"validate", &Prices::validate},
	{"devalidate", &Prices::devalidate},
	{"flip", &Prices::flip},
	{"trap", &Prices::trap},
};

Prices prices_from(const Timings &timings);

// What Timings::protect_rebuilt should be, of which the prices know nothing.
double predicted_protect_rebuilt(const Prices &prices, const Timings &timings);

// As the module takes it: a whole number within its limits.
uint64_t price_tag(double price);

// The text for debugfs `cost`.
std::string cost_text(const Prices &prices);

} // namespace xenmm
