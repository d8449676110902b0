// SPDX-License-Identifier: GPL-2.0
#include "manners.hpp"

#include "table.hpp"

namespace xenmm
{

Manners &manners()
{
	static Manners own;
	return own;
}

void note(std::string_view message)
{
	if (!manners().quiet)
		warn(message);
}

} // namespace xenmm
