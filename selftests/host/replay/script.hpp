// SPDX-License-Identifier: GPL-2.0
// Sequences before they are played: words to write them with, and those that there are.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "replay.h"

namespace xenmm::test
{

using Steps = std::vector<xenmm_step>;

struct Script {
	std::string name;
	Steps steps;

	Script &operator<<(const Steps &more)
	{
		steps.insert(steps.end(), more.begin(), more.end());
		return *this;
	}
	Script &operator<<(const xenmm_step &step) { return *this << Steps{step}; }
};
using Scripts = std::vector<Script>;

// Bits of an entry.
inline constexpr uint64_t kP = 1, kRw = 2, kUs = 4, kPwt = 8, kPcd = 0x10, kA = 0x20, kD = 0x40,
			  kPat = 0x80, kG = 0x100, kSpecial = 0x200, kGuestKernel = 1ULL << 52,
			  kGrant = 1ULL << 62, kNx = 1ULL << 63;
// What xenmm writes.
inline constexpr uint64_t kReadOnly = kP | kUs | kA | kSpecial | kNx;
inline constexpr uint64_t kWritable = kReadOnly | kRw;

constexpr unsigned page(unsigned i)
{
	return XENMM_PAGE + i;
}
constexpr unsigned table(unsigned i)
{
	return XENMM_TABLE + i;
}
inline constexpr unsigned kStrangers[] = {XENMM_FOREIGN, XENMM_XENS, XENMM_IO, XENMM_BEYOND,
					  XENMM_ALL_ONES};
inline constexpr unsigned kSlots[XENMM_NR_SLOTS] = XENMM_SLOTS;

xenmm_step step_of(unsigned act, unsigned target, unsigned slot = 0,
		   unsigned frame = XENMM_NO_FRAME, uint64_t flags = 0, unsigned command = 0);
xenmm_step update(unsigned target, unsigned slot, unsigned frame, uint64_t flags,
		  unsigned command = 0);
xenmm_step va_mapping(unsigned span, unsigned slot, unsigned frame, uint64_t flags);
xenmm_step store(unsigned target, unsigned slot, unsigned frame, uint64_t flags);
xenmm_step alias_ro(unsigned target);
xenmm_step alias_rw(unsigned target);
xenmm_step pin(unsigned target);
xenmm_step unpin(unsigned target);
xenmm_step hook(unsigned span, unsigned frame);
xenmm_step unhook(unsigned span);
xenmm_step flush();
xenmm_step nonsense();

// In one mmu_update; in one multicall, whose entries may be such an mmu_update.
Steps batch(std::initializer_list<xenmm_step> updates);
Steps multicall(std::initializer_list<Steps> calls);
// As src/core does it: include/xenmm/detached_table.hpp.
Steps take_out(unsigned i);
Steps put_back(unsigned i);

Scripts entry_scripts(); // each rule for single entries, by each way to write one
Scripts group_scripts(); // batches and multicalls with a bad one among them
Scripts table_scripts(); // pins, hooks, aliases, validation
Scripts random_scripts(uint64_t seed, unsigned count, unsigned length);

} // namespace xenmm::test
