// SPDX-License-Identifier: GPL-2.0
// An arena as its users see it: requests of the ioctls and demand faults. Its
// caller holds the mmap lock and the arena lock, in this order.
#pragma once

#include "xenmm/operation.hpp"

namespace xenmm
{

template <Backend B>
class Arena
{
public:
	Arena(B backend, bool is_pv) : backend_(backend), state_(backend_), is_pv_(is_pv) {}
	Arena(const Arena &) = delete;
	Arena &operator=(const Arena &) = delete;

	Result<void> attach(VirtAddr base, uint64_t length)
	{
		if (base.slot() || base.bytes % kPageBytes || !length)
			return Errno::kInval;
		if (state_.is_attached())
			return Errno::kBusy;
		return state_.attach(base, length);
	}
	void detach()
	{
		if (state_.is_attached())
			state_.detach();
	}

	// The request has passed check_request(). Errors: kInval changed nothing;
	// kNoMem, kIntr, kIo as request's out fields say.
	Result<void> run(xenmm_request &request, Ranges ranges)
	{
		XENMM_TRY(ranges.check_shape());
		XENMM_TRY(check_mapped(backend_, ranges));
		Counters counters;
		Progress progress = perform(request, ranges, counters);
		counters.add(XENMM_COUNTER_errors, progress.error == Errno::kIo);
		backend_.count(counters);

		request.pages_done = ranges.pages_below(progress.limit);
		request.failed_address = progress.ok() ? 0 : progress.limit.bytes;
		request.hypervisor_error = progress.hypervisor_error;
		return progress.error;
	}

	// kAccess: a write to a read-only page, nothing was mapped. kNoMem, kIo.
	Result<void> fault(VirtAddr address, bool write, uint32_t window, Extent extent)
	{
		if (write && !state_.is_writable(address))
			return Errno::kAccess;
		Counters counters;
		Progress progress = populate(around(address, window, extent), true, counters);
		if (progress.error == Errno::kNoMem)
			progress = populate(around(address, 1, extent), false, counters);
		uint64_t mapped = counters.get(XENMM_COUNTER_pages_mapped);
		counters.add(XENMM_COUNTER_faults, progress.ok());
		counters.add(XENMM_COUNTER_fault_around_pages, mapped ? mapped - 1 : 0);
		counters.add(XENMM_COUNTER_errors, progress.error == Errno::kIo);
		backend_.count(counters);
		return progress.error;
	}

	bool may_write(VirtAddr address) { return state_.is_writable(address); }

private:
	Progress perform(const xenmm_request &request, Ranges ranges, Counters &counters)
	{
		How how = {static_cast<Method>(request.method), request.batch};
		Operation<B> operation(state_, how, counters);
		switch (request.action) {
		case XENMM_POPULATE:
			return operation.populate(ranges, false);
		case XENMM_DISCARD:
			return operation.discard(ranges);
		case XENMM_PROTECT:
			return operation.protect(ranges, request.prot & kProtWrite);
		case XENMM_MAP:
			return operation.map(ranges);
		case XENMM_UNMAP:
			return operation.unmap(ranges);
		}
		return {{ranges[0].start}, Errno::kInval, 0};
	}

	Progress populate(xenmm_piece piece, bool optional, Counters &counters)
	{
		Operation<B> operation(state_, default_how(is_pv_), counters);
		return operation.populate(Ranges(&piece, 1), optional);
	}

	// The aligned window of `pages` around address, inside the extent. A window
	// is at most a table, so one critical section serves it.
	static xenmm_piece around(VirtAddr address, uint32_t pages, Extent extent)
	{
		uint64_t bytes = pages * kPageBytes;
		uint64_t start = max(address.bytes & ~(bytes - 1), extent.from.bytes);
		uint64_t end = min((address.bytes & ~(bytes - 1)) + bytes, extent.to.bytes);
		return {start, end - start};
	}

	static constexpr uint32_t kProtWrite = 2;

	B backend_;
	ArenaState<B> state_;
	bool is_pv_;
};

} // namespace xenmm
