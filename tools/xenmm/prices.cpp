// SPDX-License-Identifier: GPL-2.0
// Each price is a difference of two timings that share everything else.
#include "prices.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "uapi/xenmm.h"

namespace xenmm
{

namespace
{

constexpr double kPages = XENMM_SPAN_PAGES;
constexpr double kLeast = 1;
constexpr double kMost = 16777215;

double entry(double whole, double one)
{
	return (whole - one) / (kPages - 1);
}

double walk(double one, double hypercall, double entry)
{
	return one - hypercall - entry;
}

} // namespace

Prices prices_from(const Timings &timings)
{
	Prices prices = {};
	prices.hypercall = (timings.protect_single - timings.protect) / (kPages - 1);
	prices.map = entry(timings.map, timings.map_one);
	prices.unmap = entry(timings.unmap, timings.unmap_one);
	prices.protect = entry(timings.protect, timings.protect_one);

	prices.validate = entry(timings.map_rebuilt, timings.map_one_rebuilt);
	prices.rebuild = timings.map_one_rebuilt - prices.validate -
			 walk(timings.map_one, prices.hypercall, prices.map);
	prices.devalidate = (timings.unmap_rebuilt - prices.rebuild -
			     walk(timings.unmap_one, prices.hypercall, prices.unmap)) /
			    kPages;

	double protect_walk = walk(timings.protect_one, prices.hypercall, prices.protect);
	prices.flip = timings.protect_flipped - protect_walk;
	prices.trap = (timings.protect_trapped - protect_walk) / kPages;
	return prices;
}

double predicted_protect_rebuilt(const Prices &prices, const Timings &timings)
{
	return walk(timings.protect_one, prices.hypercall, prices.protect) + prices.rebuild +
	       kPages * (prices.validate + prices.devalidate);
}

uint64_t price_tag(double price)
{
	return static_cast<uint64_t>(std::clamp(std::round(price), kLeast, kMost));
}

std::string cost_text(const Prices &prices)
{
	std::string text;
	for (const NamedPrice &price : kPrices)
		text += fmt::format("{} {}\n", price.name, price_tag(prices.*price.value));
	return text;
}

} // namespace xenmm
