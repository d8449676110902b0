// SPDX-License-Identifier: GPL-2.0
#include "kernel_price.hpp"

#include <algorithm>

namespace xenmm
{

namespace
{

std::optional<double> price(const Numbers &prices, std::string_view name)
{
	auto found = std::find_if(prices.begin(), prices.end(),
				  [name](const NamedNumber &one) { return one.name == name; });
	return found == prices.end() ? std::nullopt
				     : std::optional(static_cast<double>(found->value));
}

} // namespace

std::optional<KernelPrice> kernel_price(const xenmm_kernel &counts, const Numbers &prices)
{
	auto trap = price(prices, "trap");
	auto hypercall = price(prices, "hypercall");
	auto map = price(prices, "map");
	auto protect = price(prices, "protect");
	auto calibrated = price(prices, "calibrated");
	if (!trap || !hypercall || !map || !protect)
		return std::nullopt;
	double protected_entries = static_cast<double>(counts.modify_prot);
	double mapped_entries =
		std::max(static_cast<double>(counts.mmu_updates) - protected_entries, 0.0);
	return KernelPrice{static_cast<double>(counts.traps) * *trap,
			   static_cast<double>(counts.hypercalls) * *hypercall,
			   protected_entries * *protect + mapped_entries * *map,
			   calibrated.value_or(0) != 0};
}

} // namespace xenmm
