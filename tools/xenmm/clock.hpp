// SPDX-License-Identifier: GPL-2.0
// What a measurement counts: executed instructions, TSC cycles or nanoseconds.
//
// Instructions come from the lab: QEMU with `-icount shift=0` advances virtual time
// by 1 ns per executed instruction, and its virtual TSC runs at 1 GHz, so one tick
// of the TSC is one instruction, the hypervisor's included. That is checked, not
// believed: see count_known_instructions().
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace xenmm
{

enum class Unit { kInstructions, kNs, kCycles };

std::string_view unit_name(Unit unit);

class Clock
{
public:
	explicit Clock(Unit unit) : unit_(unit) {}

	Unit unit() const { return unit_; }
	uint64_t now() const { return unit_ == Unit::kNs ? monotonic_ns() : tsc(); }

	// Called, not inlined: the double of the tests has a clock of its own.
	static uint64_t tsc();

private:
	static uint64_t monotonic_ns()
	{
		timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		return static_cast<uint64_t>(now.tv_sec) * 1000000000U +
		       static_cast<uint64_t>(now.tv_nsec);
	}

	Unit unit_;
};

// `wish` is auto, instructions, ns or cycles. Failure kNotPossible when
// instructions are wished for, or promised by the lab, and the TSC does not count them.
Unit choose_unit(const std::string &wish);

} // namespace xenmm
