// SPDX-License-Identifier: GPL-2.0
// Plays a script on FakeXen's hypervisor and memory, below the kernel's services, and takes
// down what it answers. Rules of the module that a script breaks (locks, free pages) are
// not Xen's and are left aside here.
#pragma once

#include <array>

#include "../fake_hypervisor.hpp"
#include "script.hpp"

namespace xenmm::test
{

using Watched = std::array<xenmm_u64, XENMM_NR_WATCHED>;

class FakePlayer
{
public:
	FakePlayer();

	// One row a step.
	std::vector<xenmm_row> play(const Steps &steps);
	Watched watched();
	// "" unless the recording would be worthless.
	std::string trouble();

private:
	using Group = std::vector<xenmm_row>;

	void play_group(Group &group);
	void call_alone(Group &group);
	void call_multi(Group &group);
	int call_one(const xenmm_step &step);
	int store(const xenmm_step &step);
	void forget_arguments();
	xen::Call call_for(const xenmm_step *step, size_t count);
	xen::ExtendedOp op_of(const xenmm_step &step) const;
	xen::Update update_of(const xenmm_step &step);
	uint64_t value_of(const xenmm_step &step) const;
	VirtAddr address_of(const xenmm_step &step) const;
	uint64_t alias_of(unsigned symbol) const;
	unsigned symbol_of(uint64_t mfn) const;
	xenmm_u64 named(uint64_t entry) const;
	xenmm_u64 hooked_in(unsigned i);
	xenmm_u64 entry_of(const xenmm_step &step);
	bool is_tidy();
	Frame &table_frame(unsigned symbol) { return memory_.frame({pfns_[symbol]}); }

	GuestMemory memory_{1};
	Violations violations_;
	Hypervisor xen_{memory_, violations_, true};
	std::array<uint64_t, XENMM_NR_SYMBOLS> pfns_ = {}, mfns_ = {};
	// What the calls under way point to; one `done` a call.
	std::vector<xen::Update> updates_;
	std::vector<xen::ExtendedOp> ops_;
	std::vector<uint32_t> done_;
};

} // namespace xenmm::test
