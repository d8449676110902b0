// SPDX-License-Identifier: GPL-2.0
// One mapped arena: an open file of its own (the module allows one mapping per open
// file), the five operations on ranges of it, and access to its words.
// Invariant: mapped from construction to unmap() or destruction.
#pragma once

#include <cstdint>
#include <vector>

#include "device.hpp"
#include "method.hpp"
#include "page.hpp"

namespace xenmm
{

// Ascending and without overlap.
using Ranges = std::vector<xenmm_range>;

class Arena
{
public:
	explicit Arena(uint64_t pages);
	~Arena();
	Arena(const Arena &) = delete;

	uint64_t pages() const { return pages_; }
	const xenmm_info &info() const { return device_.info(); }
	xenmm_stats stats() const { return device_.stats(); }

	xenmm_range range(uint64_t first_page, uint64_t pages) const;
	Ranges whole() const { return {range(0, pages_)}; }

	// Nothing but the ioctl; -1 and errno as ever.
	int submit(unsigned long request, xenmm_op &op) const;
	int collect(xenmm_collect &collect) const;
	// An operation that nobody measures; throws unless every page is as asked for.
	void operate(unsigned long request, const Ranges &ranges, Way way, uint32_t prot = 0) const;

	// munmap(2) of the whole; after it word() faults.
	int unmap();

	// A word of a page; faults as the page is.
	volatile uint64_t &word(uint64_t page, uint64_t index = 0) const
	{
		return base_[(page * kPageBytes) / sizeof(uint64_t) + index];
	}

private:
	Device device_;
	uint64_t pages_;
	volatile uint64_t *base_;
	bool is_mapped_ = true;
};

// The argument of an operation. It refers to `ranges`: use it while they are there.
xenmm_op make_op(const Ranges &ranges, Way way, uint32_t prot = 0);

// Throws unless every page is as asked for.
void require_done(int result, int error, const xenmm_op &op);

} // namespace xenmm
