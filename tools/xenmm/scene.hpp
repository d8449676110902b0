// SPDX-License-Identifier: GPL-2.0
// An arena under test: brings its pages into a known state and checks afterwards
// that content, presence and protection are what the measured step promised.
// Every check throws a Failure that names the page.
#pragma once

#include "arena.hpp"
#include "job.hpp"

namespace xenmm
{

// What reading all pages must show about their entries: no fault at all, or enough
// faults that every entry had been empty. kUnknown where a method may do either.
enum class Entries { kPresent, kEmpty, kUnknown };

class Scene
{
public:
	explicit Scene(const Job &job);

	const Arena &arena() const { return arena_; }

	// Unmeasured steps.
	void populate() const { arena_.operate(XENMM_IOC_POPULATE, setup_); }
	void discard() const { arena_.operate(XENMM_IOC_DISCARD, setup_); }
	void map() const { arena_.operate(XENMM_IOC_MAP, setup_); }
	void unmap() const { arena_.operate(XENMM_IOC_UNMAP, setup_); }
	void protect(uint32_t prot) const { arena_.operate(XENMM_IOC_PROTECT, setup_, prot); }

	// Each page gets a content of its own. touch() writes one word a page.
	void touch() const;
	void stamp() const;

	void check_touched() const;
	void check_stamped(Entries entries) const;
	void check_zero(Entries entries) const;
	// A few pages, first and last among them.
	void check_writable(bool expected) const;

private:
	template <typename Expected>
	void check_content(Entries entries, uint64_t last_index, Expected expected) const;
	void check_fault_count(Entries entries, uint64_t faults) const;
	void check_all_zero(uint64_t page) const;

	Arena arena_;
	Way setup_;
};

} // namespace xenmm
