// SPDX-License-Identifier: GPL-2.0
// One mapped arena: an open file of its own (the module allows one mapping per open
// file), the five operations on the whole of it, and access to its words.
// Invariant: mapped from construction to destruction.
#pragma once

#include <cstdint>
#include <string>

#include "device.hpp"
#include "method.hpp"
#include "page.hpp"

namespace xenmm
{

class Arena
{
public:
	explicit Arena(uint64_t pages);
	~Arena();
	Arena(const Arena &) = delete;

	uint64_t pages() const { return pages_; }
	const xenmm_info &info() const { return device_.info(); }

	// The argument of an operation on all pages. It refers to this arena: use it
	// while the arena lives.
	xenmm_op whole(Way way, uint32_t prot = 0) const;
	// Nothing but the ioctl; -1 and errno as ever.
	int submit(unsigned long request, xenmm_op &op) const;
	// Throws unless every page is as asked for.
	void require_done(int result, int error, const xenmm_op &op) const;
	// All three in one, for steps that nobody measures.
	void operate(unsigned long request, Way way, uint32_t prot = 0) const;

	// A word of a page; faults as the page is.
	volatile uint64_t &word(uint64_t page, uint64_t index = 0) const
	{
		return base_[(page * kPageBytes) / sizeof(uint64_t) + index];
	}

private:
	Device device_;
	uint64_t pages_;
	volatile uint64_t *base_;
	xenmm_range range_;
};

} // namespace xenmm
