// SPDX-License-Identifier: GPL-2.0
#include "steady.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sched.h>
#include <string>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

#include "files.hpp"

namespace xenmm
{

namespace
{

constexpr unsigned long kAsk = 0xffffffff;

// This process's own, each ended by a zero byte; not of a made-up /proc.
std::vector<std::string> command_line()
{
	std::ifstream file("/proc/self/cmdline", std::ios::binary);
	std::string text{std::istreambuf_iterator<char>(file), {}};
	std::vector<std::string> words;
	for (size_t begin = 0; begin < text.size();) {
		size_t end = std::min(text.find('\0', begin), text.size());
		words.push_back(text.substr(begin, end - begin));
		begin = end + 1;
	}
	return words;
}

} // namespace

bool has_aslr()
{
	int own = personality(kAsk);
	return (own < 0 || !(own & ADDR_NO_RANDOMIZE)) &&
	       read_line("/proc/sys/kernel/randomize_va_space").value_or("2") != "0";
}

void restart_without_aslr()
{
	int own = personality(kAsk);
	std::vector<std::string> words = command_line();
	if (own < 0 || own & ADDR_NO_RANDOMIZE || words.empty() ||
	    personality(static_cast<unsigned long>(own) | ADDR_NO_RANDOMIZE) < 0)
		return;
	std::vector<char *> argv;
	argv.reserve(words.size() + 1);
	for (std::string &word : words)
		argv.push_back(word.data());
	argv.push_back(nullptr);
	std::error_code error; // by its path, so that it keeps its name
	std::string self = std::filesystem::read_symlink("/proc/self/exe", error);
	execv(self.c_str(), argv.data());
}

std::optional<int> settle_process()
{
	int cpu = std::max(sched_getcpu(), 0);
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	CPU_SET(static_cast<size_t>(cpu), &cpus);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	return sched_setaffinity(0, sizeof(cpus), &cpus) == 0 ? std::optional(cpu) : std::nullopt;
}

} // namespace xenmm
