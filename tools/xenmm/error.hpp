// SPDX-License-Identifier: GPL-2.0
// How the tool ends. Every reason to give up is a Failure that carries the exit
// code and one line for stderr; main() alone turns it into a process exit.
#pragma once

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace xenmm
{

// Documented in `xenmm --help`; scripts depend on the numbers.
enum class ExitCode : int {
	kOk = 0,
	kFailed = 1,
	kUsage = 2,
	kMissing = 3,	  // the module or the privilege
	kNotPossible = 4, // on this guest
};

class Failure : public std::runtime_error
{
public:
	Failure(ExitCode code, const std::string &message)
		: std::runtime_error(message), code_(code)
	{
	}
	ExitCode code() const { return code_; }

private:
	ExitCode code_;
};

// A system call that failed: "WHAT: Cannot allocate memory".
inline Failure system_failure(const std::string &what, int error = errno)
{
	return Failure(ExitCode::kFailed, what + ": " + std::strerror(error));
}

} // namespace xenmm
