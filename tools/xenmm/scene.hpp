// SPDX-License-Identifier: GPL-2.0
// An arena under test: brings the touched part of its pages into a known state and
// checks afterwards that content, presence and protection are what the measured step
// promised, and that the rest of the pages is what it was: present, writable, stamped.
// Every check throws a Failure that names the page.
#pragma once

#include "job.hpp"
#include "part.hpp"

namespace xenmm
{

// What reading pages must show about their entries: no fault at all, or enough
// faults that every entry had been empty. kUnknown where a method may do either.
enum class Entries { kPresent, kEmpty, kUnknown };

class Scene
{
public:
	// All pages are populated and stamped.
	explicit Scene(const Job &job);

	const Arena &arena() const { return arena_; }
	// What the measured step works on.
	const Ranges &touched() const { return touched_.ranges; }

	// Unmeasured steps, on the touched part.
	void populate() const { operate(XENMM_IOC_POPULATE); }
	void discard() const { operate(XENMM_IOC_DISCARD); }
	void map() const { operate(XENMM_IOC_MAP); }
	void unmap() const { operate(XENMM_IOC_UNMAP); }
	void protect(uint32_t prot) const { operate(XENMM_IOC_PROTECT, prot); }

	// Each page of the touched part gets a content of its own.
	void stamp() const { stamp(touched_); }
	// The same for every page of the arena, with one word a page.
	void touch() const;

	void check_touched() const;
	void check_stamped(Entries entries) const;
	void check_zero(Entries entries) const;
	// A few pages, first and last among them.
	void check_writable(bool expected) const { check_writable(touched_, expected); }
	void check_rest() const;

private:
	void operate(unsigned long request, uint32_t prot = 0) const
	{
		arena_.operate(request, touched_.ranges, setup_, prot);
	}
	void stamp(const Part &part) const;
	template <typename Expected>
	void check_content(const Part &part, Entries entries, uint64_t last_index,
			   Expected expected) const;
	void check_fault_count(const Part &part, Entries entries, uint64_t faults) const;
	void check_all_zero(uint64_t page) const;
	void check_writable(const Part &part, bool expected) const;

	Arena arena_;
	Way setup_;
	Part touched_;
	Part rest_;
};

} // namespace xenmm
