// SPDX-License-Identifier: GPL-2.0
// Four ways to learn which pages of some memory were written, behind one face.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace xenmm
{

// The numbers of pages, ascending.
using PageNumbers = std::vector<uint64_t>;

class WriteTracker
{
public:
	virtual ~WriteTracker() = default;
	// From now on first writes are noted. Measured: what fails is told by require_armed().
	virtual void arm() = 0;
	// The pages written since; their next writes are noted again. Measured.
	virtual void collect(PageNumbers &written) = 0;
	// Not measured. Throw.
	virtual void disarm() = 0;
	virtual void require_armed() const = 0;

	virtual volatile uint64_t &word(uint64_t page) const = 0;
};

struct WriteTrackerKind {
	const char *name;
	std::unique_ptr<WriteTracker> (*make)(uint64_t pages);
};

// arena     XENMM_IOC_TRACK and _COLLECT
// mprotect  read-only memory, and a handler of SIGSEGV that notes the page
// uffd      userfaultfd's write protection, and a handler of SIGBUS that does
// softdirty the kernel's soft-dirty bits, of the whole process
extern const WriteTrackerKind kWriteTrackers[4];

} // namespace xenmm
