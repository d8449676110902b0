// SPDX-License-Identifier: GPL-2.0
// How talkative the tool is: options of the whole tool, set once by main().
#pragma once

#include <string>
#include <string_view>

namespace xenmm
{

struct Manners {
	bool quiet = false;	       // -q: no messages but errors
	std::string progress = "auto"; // "always", "never"; auto: on a terminal
};

Manners &manners();

// "xenmm: MESSAGE" to stderr, unless -q: what may be good to know.
void note(std::string_view message);

} // namespace xenmm
