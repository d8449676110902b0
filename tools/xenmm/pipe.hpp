// SPDX-License-Identifier: GPL-2.0
// A pipe whose ends are closed one by one: its end is how processes tell each other
// that they have come somewhere.
#pragma once

#include <unistd.h>

#include "error.hpp"
#include "unique_fd.hpp"

namespace xenmm
{

struct Pipe {
	UniqueFd read_end;
	UniqueFd write_end;

	Pipe()
	{
		int ends[2];
		if (pipe(ends) != 0)
			throw system_failure("pipe");
		read_end = UniqueFd(ends[0]);
		write_end = UniqueFd(ends[1]);
	}
};

} // namespace xenmm
