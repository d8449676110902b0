// SPDX-License-Identifier: GPL-2.0
// Somebody else's program, run while something is measured; or one that runs already.
#pragma once

#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace xenmm
{

struct CommandEnd {
	int status; // as a shell has it: 128 and more is a signal
	double user_seconds;
	double system_seconds;
};

// Calls `begin` when the program is ready to be executed, `tick` each `interval_ms` (0: never)
// until it has ended, waited for. SIGINT and SIGTERM are passed on to it. Failure kUsage when
// it cannot be executed.
CommandEnd run_command(const std::vector<std::string> &command, unsigned interval_ms,
		       const std::function<void()> &begin, const std::function<void()> &tick);

// Until the process has ended, or SIGINT or SIGTERM comes; Failure kUsage without one.
void wait_for_process(pid_t pid, unsigned interval_ms, const std::function<void()> &tick);

} // namespace xenmm
