// SPDX-License-Identifier: MIT OR GPL-2.0
// The same by mmap, mprotect and a handler of SIGSEGV, where there is no module.
#pragma once

#include <pthread.h>

#include "libxenmm.h"

namespace xenmm
{

class Ordinary
{
public:
	// errno of mmap(2).
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

	// In the handler of SIGSEGV: may the write at an address of this memory be tried again?
	bool serve(void *address);

private:
	struct Pages {
		size_t first, end;
	};
	Pages pages_of(const void *start, size_t length) const;
	bool has(Pages pages, unsigned char mask, unsigned char value) const;
	void change(Pages pages, unsigned char clear, unsigned char set);
	bool append(xenmm_extent *written, size_t &count, size_t max, size_t page) const;
	size_t find(Pages pages, xenmm_extent *written, size_t &count, size_t max);
	int arm(const xenmm_extent *written, size_t count);
	void keep(const xenmm_extent *written, size_t count);

	char *start_ = nullptr;
	size_t length_ = 0;
	unsigned char *flags_ = nullptr; // of each page
	pthread_mutex_t lock_ = {};	 // for all functions, serve() too
};

} // namespace xenmm
