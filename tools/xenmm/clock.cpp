// SPDX-License-Identifier: GPL-2.0
// Choosing the unit, and refusing to call ticks instructions when they are not.
#include "clock.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "error.hpp"
#include "files.hpp"

namespace xenmm
{

namespace
{

constexpr uint64_t kLoops = 1000000;
constexpr uint64_t kInstructions = 2 * kLoops; // dec and jnz
constexpr double kTolerance = 0.02;
constexpr int kAttempts = 5;

// TSC ticks for kInstructions instructions.
uint64_t count_known_instructions()
{
	uint64_t loops = kLoops;
	uint64_t begin = Clock::tsc();
	asm volatile("1: dec %0; jnz 1b" : "+r"(loops)::"cc");
	return Clock::tsc() - begin;
}

// The smallest of a few: a timer interrupt inside the loop is not the TSC's fault.
uint64_t calibrate()
{
	uint64_t least = UINT64_MAX;
	for (int attempt = 0; attempt < kAttempts; attempt++)
		least = std::min(least, count_known_instructions());
	return least;
}

void require_instruction_counting()
{
	auto ticks = static_cast<double>(calibrate());
	if (std::fabs(ticks / kInstructions - 1) <= kTolerance)
		return;
	throw Failure(ExitCode::kNotPossible,
		      fmt::format("the TSC does not count instructions: {:.0f} ticks for {} "
				  "instructions; run under QEMU's '-icount shift=0', or use "
				  "--unit ns and unset XENMM_LAB_ICOUNT",
				  ticks, kInstructions));
}

} // namespace

// lfence on both sides: earlier work is done, later work has not begun. No
// rdtscp: the lab's CPU is without it, because Xen cannot emulate its length.
uint64_t Clock::tsc()
{
	uint32_t low, high;
	asm volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high)::"memory");
	return static_cast<uint64_t>(high) << 32 | low;
}

std::string_view unit_name(Unit unit)
{
	switch (unit) {
	case Unit::kInstructions:
		return "instructions";
	case Unit::kNs:
		return "ns";
	case Unit::kCycles:
		return "cycles";
	}
	return "unknown";
}

Unit choose_unit(const std::string &wish)
{
	bool icount = environment_flag("XENMM_LAB_ICOUNT");
	if (wish == "ns" || (wish == "auto" && !icount))
		return Unit::kNs;
	if (wish == "cycles")
		return Unit::kCycles;
	// On a CPU whose clock happens to fit, the loop below would pass by chance.
	if (!icount)
		throw Failure(ExitCode::kNotPossible,
			      "instructions can be counted only under QEMU's '-icount shift=0': "
			      "the lab says so by XENMM_LAB_ICOUNT=1");
	require_instruction_counting();
	return Unit::kInstructions;
}

} // namespace xenmm
