// SPDX-License-Identifier: MIT OR GPL-2.0
// Memory that the module xenmm looks after.
#pragma once

#include "libxenmm.h"

namespace xenmm
{

class Arena
{
public:
	// nullptr, or why not: errno of open(2), ENODEV for a module without write tracking.
	bool create(size_t length);
	void destroy();

	void *start() const { return start_; }
	int populate(void *start, size_t length);
	int discard(void *start, size_t length);
	int protect(void *start, size_t length, bool writable);
	int track(void *start, size_t length);
	int untrack(void *start, size_t length);
	ssize_t collect(void *start, size_t length, xenmm_extent *written, size_t max,
			void **resume);

private:
	bool is_served() const;
	int operate(unsigned long request, void *start, size_t length, unsigned prot = 0);

	int fd_ = -1;
	void *start_ = nullptr;
	size_t length_ = 0;
};

} // namespace xenmm
