// SPDX-License-Identifier: MIT OR GPL-2.0
// Each function is one ioctl; the module chooses how.
#include "arena.hpp"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uapi/xenmm.h"

namespace xenmm
{

bool Arena::create(size_t length)
{
	fd_ = open(XENMM_DEVICE_PATH, O_RDWR | O_CLOEXEC);
	if (fd_ < 0)
		return false;
	if (is_served()) {
		start_ = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
		length_ = length;
		if (start_ != MAP_FAILED)
			return true;
	}
	int error = errno;
	close(fd_);
	errno = error;
	return false;
}

bool Arena::is_served() const
{
	xenmm_info info = {};
	bool is_served = ioctl(fd_, XENMM_IOC_INFO, &info) == 0 &&
			 info.abi_version == XENMM_ABI_VERSION &&
			 info.features & XENMM_FEATURE_TRACK;
	if (!is_served)
		errno = ENODEV;
	return is_served;
}

void Arena::destroy()
{
	munmap(start_, length_);
	close(fd_);
}

int Arena::operate(unsigned long request, void *start, size_t length, unsigned prot)
{
	xenmm_range range = {reinterpret_cast<uintptr_t>(start), length};
	xenmm_op op = {};
	op.ranges = reinterpret_cast<uintptr_t>(&range);
	op.nr_ranges = 1;
	op.prot = prot;
	return ioctl(fd_, request, &op);
}

int Arena::populate(void *start, size_t length)
{
	return operate(XENMM_IOC_POPULATE, start, length);
}

int Arena::discard(void *start, size_t length)
{
	return operate(XENMM_IOC_DISCARD, start, length);
}

int Arena::protect(void *start, size_t length, bool writable)
{
	return operate(XENMM_IOC_PROTECT, start, length,
		       writable ? XENMM_PROT_READ_WRITE : XENMM_PROT_READ);
}

int Arena::track(void *start, size_t length)
{
	return operate(XENMM_IOC_TRACK, start, length);
}

int Arena::untrack(void *start, size_t length)
{
	return operate(XENMM_IOC_UNTRACK, start, length);
}

// The kernel's ranges are as large as ours and lie in the same memory.
ssize_t Arena::collect(void *start, size_t length, xenmm_extent *written, size_t max, void **resume)
{
	static_assert(sizeof(xenmm_extent) == sizeof(xenmm_range), "64-bit programs only");
	xenmm_collect ask = {};
	ask.start = reinterpret_cast<uintptr_t>(start);
	ask.length = length;
	ask.ranges = reinterpret_cast<uintptr_t>(written);
	ask.max_ranges = max < XENMM_MAX_COLLECT ? max : XENMM_MAX_COLLECT;
	if (ioctl(fd_, XENMM_IOC_COLLECT, &ask) != 0)
		return -1;
	*resume = reinterpret_cast<void *>(ask.resume);
	return ask.nr_ranges;
}

} // namespace xenmm
