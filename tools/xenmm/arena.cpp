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

uint64_t pages_of(const xenmm_op &op)
{
	const auto *ranges = reinterpret_cast<const xenmm_range *>(op.ranges);
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < op.nr_ranges; i++)
		bytes += ranges[i].length;
	return bytes / kPageBytes;
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
}

Arena::~Arena()
{
	if (is_mapped_)
		unmap();
}

int Arena::unmap()
{
	is_mapped_ = false;
	return munmap(const_cast<uint64_t *>(base_), pages_ * kPageBytes);
}

xenmm_range Arena::range(uint64_t first_page, uint64_t pages) const
{
	return {reinterpret_cast<uintptr_t>(&word(first_page)), pages * kPageBytes};
}

int Arena::submit(unsigned long request, xenmm_op &op) const
{
	return ioctl(device_.fd(), request, &op);
}

int Arena::collect(xenmm_collect &collect) const
{
	return ioctl(device_.fd(), XENMM_IOC_COLLECT, &collect);
}

void Arena::operate(unsigned long request, const Ranges &ranges, Way way, uint32_t prot) const
{
	xenmm_op op = make_op(ranges, way, prot);
	int result = submit(request, op);
	require_done(result, errno, op);
}

xenmm_op make_op(const Ranges &ranges, Way way, uint32_t prot)
{
	xenmm_op op = {};
	op.ranges = reinterpret_cast<uintptr_t>(ranges.data());
	op.nr_ranges = static_cast<uint32_t>(ranges.size());
	op.method = way.method;
	op.batch = way.batch;
	op.prot = prot;
	return op;
}

void require_done(int result, int error, const xenmm_op &op)
{
	uint64_t pages = pages_of(op);
	if (result == 0 && op.pages_done == pages && op.failed_address == 0)
		return;
	throw Failure(ExitCode::kFailed,
		      fmt::format("{}{}: {} of {} pages done, failed address {:#x}, "
				  "hypervisor's answer {}",
				  result == 0 ? "success was reported" : std::strerror(error),
				  result == 0 ? "" : hint(error), op.pages_done, pages,
				  op.failed_address, op.hypervisor_error));
}

} // namespace xenmm
