// SPDX-License-Identifier: GPL-2.0
// A mapping that comes and goes, anonymous or of a file, and what stands in it.
//
// Each page holds a stamp of its own, its number, and a byte that touch() sets: so
// that a page that is lost, exchanged or written by someone else shows.
#pragma once

#include <cstdint>
#include <sys/mman.h>

#include "unique_fd.hpp"

namespace xenmm
{

class Region
{
public:
	static constexpr int kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;

	explicit Region(uint64_t pages);
	~Region() { unmap(); }
	Region(const Region &) = delete;

	// For measured steps: a system call or a write per page, errno is left.
	void map(int flags = kAnonymous, int fd = -1, int prot = PROT_READ | PROT_WRITE);
	int unmap();
	int protect(int prot) const { return mprotect(base_, bytes_, prot); }
	// To `target`, whatever is mapped there.
	int move(void *target);
	void touch() const;
	// The sum of all stamps, each read once.
	uint64_t read() const;

	// For what stands before and after; throw.
	void require_mapped() const;
	void map_empty();   // anonymous, nothing touched yet
	void map_stamped(); // anonymous, all pages there and not touched
	void stamp() const;
	// Every page has its stamp, and is touched or not.
	bool holds(bool touched) const;
	void require_holds(bool touched) const;
	void require_writable(bool writable) const;
	// Nothing can be read there; `base` as it was before.
	static void require_gone(const void *base);

	void *base() const { return base_; }
	uint64_t pages() const { return pages_; }

private:
	uint64_t pages_;
	uint64_t bytes_;
	void *base_ = MAP_FAILED;
};

// What read() gives of `pages` pages.
uint64_t sum_of_stamps(uint64_t pages);

// A file in the page cache, without a name. Its pages are stamped, as a region's are.
class CachedFile
{
public:
	explicit CachedFile(uint64_t pages);
	int fd() const { return fd_.get(); }
	// So that no page counts as touched.
	void stamp() const;
	void require_holds(bool touched) const;

private:
	uint64_t pages_;
	UniqueFd fd_;
};

// Page faults of this process that needed no device. A huge page, or one that was
// there already, shows by a fault too few.
class FaultCount
{
public:
	void start();
	void require(uint64_t least) const;
	// A few are the program's own.
	void require_few() const;

private:
	static uint64_t now();
	static constexpr uint64_t kFew = 8;
	uint64_t before_ = 0;
};

} // namespace xenmm
