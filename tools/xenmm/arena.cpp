// SPDX-License-Identifier: GPL-2.0
// Mapping an arena, and reading what an operation reports: success is believed only
// when the out fields say the same.
#include "arena.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "error.hpp"

namespace xenmm
{

namespace
{

std::string hint(int error)
{
	if (error == ENOMEM)
		return " (free memory, 'ulimit -l' or the memory cgroup's limit)";
	return "";
}

} // namespace

Arena::Arena(uint64_t pages) : device_(Device::open()), pages_(pages)
{
	// The kernel chooses the address, so it is a multiple of XENMM_SPAN_BYTES.
	void *base = mmap(nullptr, pages * kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			  device_.fd(), 0);
	if (base == MAP_FAILED)
		throw Failure(ExitCode::kFailed,
			      fmt::format("mapping an arena of {} pages: {}{}", pages,
					  std::strerror(errno), hint(errno)));
	base_ = static_cast<volatile uint64_t *>(base);
	range_ = {reinterpret_cast<uintptr_t>(base), pages * kPageBytes};
}

Arena::~Arena()
{
	munmap(const_cast<uint64_t *>(base_), range_.length);
}

xenmm_op Arena::whole(Way way, uint32_t prot) const
{
	xenmm_op op = {};
	op.ranges = reinterpret_cast<uintptr_t>(&range_);
	op.nr_ranges = 1;
	op.method = way.method;
	op.batch = way.batch;
	op.prot = prot;
	return op;
}

int Arena::submit(unsigned long request, xenmm_op &op) const
{
	return ioctl(device_.fd(), request, &op);
}

void Arena::require_done(int result, int error, const xenmm_op &op) const
{
	if (result == 0 && op.pages_done == pages_ && op.failed_address == 0)
		return;
	throw Failure(ExitCode::kFailed,
		      fmt::format("{}{}: {} of {} pages done, failed address {:#x}, "
				  "hypervisor's answer {}",
				  result == 0 ? "success was reported" : std::strerror(error),
				  result == 0 ? "" : hint(error), op.pages_done, pages_,
				  op.failed_address, op.hypervisor_error));
}

void Arena::operate(unsigned long request, Way way, uint32_t prot) const
{
	xenmm_op op = whole(way, prot);
	int result = submit(request, op);
	require_done(result, errno, op);
}

} // namespace xenmm
