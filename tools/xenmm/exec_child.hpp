// SPDX-License-Identifier: GPL-2.0
// The workload `exec` executes this program once more. Such a child ends first of all
// in main(), so that the price is that of a process and not that of this tool.
#pragma once

#include <cstring>
#include <unistd.h>

namespace xenmm
{

inline constexpr char kExecChildWord[] = "--exec-child";
inline constexpr int kExecChildStatus = 42; // no shell and no crash ends with it

inline bool is_exec_child(int argc, char **argv)
{
	return argc == 2 && std::strcmp(argv[1], kExecChildWord) == 0;
}

[[noreturn]] inline void become_exec_child()
{
	char name[] = "xenmm";
	char word[sizeof(kExecChildWord)];
	std::memcpy(word, kExecChildWord, sizeof(word));
	char *const argv[] = {name, word, nullptr};
	execve("/proc/self/exe", argv, environ);
	_exit(errno == 0 ? 1 : errno);
}

} // namespace xenmm
