// SPDX-License-Identifier: GPL-2.0
// An arena of the double for tests: a memfd, and what a module would know of it. The
// five operations are done by mprotect, madvise and fallocate; which of them fail to do
// their work is told by XENMM_FAKE, see fake_device.cpp.
#pragma once

#include <cstddef>
#include <vector>

#include "uapi/xenmm.h"

namespace xenmm::fake
{

// Is it among the words of XENMM_FAKE?
bool told(const char *word);

// Mappings that are no arenas, as the words would have them; at no address of the
// caller's, from the file's begin on.
void *map_memory(size_t length, int prot, int flags, int fd);
int unmap_memory(void *base, size_t length);

// errno, and -1 to be returned.
int error(int number);

// What one operation means to one L1 table, in entries.
struct TableWork {
	__u64 asked;
	__u64 present_before;
	__u64 present_after;
};

class FakeArena
{
public:
	FakeArena(int fd, void *base, __u64 bytes);

	int fd() const { return fd_; }
	bool begins_at(const void *address) const { return start_ == address; }
	bool holds(const xenmm_range &range) const;

	// 0, or -1 and errno.
	int change(unsigned long request, const xenmm_range &range, __u32 prot) const;
	// Of all ranges together; notes what is present from now on.
	std::vector<TableWork> note(unsigned long request, const std::vector<xenmm_range> &ranges);
	void drop_pages() const;
	// How many pages it holds more than when last asked.
	__s64 growth();

private:
	__u64 offset(const xenmm_range &range) const;

	int fd_;
	char *start_;
	__u64 bytes_;
	__u64 allocated_ = 0;
	std::vector<bool> present_;
};

} // namespace xenmm::fake
