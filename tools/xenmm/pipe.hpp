// SPDX-License-Identifier: GPL-2.0
// Both ends of a pipe. Between processes an end that is closed is the signal.
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
