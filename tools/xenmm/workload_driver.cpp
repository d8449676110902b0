// SPDX-License-Identifier: GPL-2.0
// What it costs a driver to map pages of its own into a program, and to unmap them:
// through the driver of selftests/sample, an ioctl each.
//
//	driver-map-xenmm    xenmm_map_pages(), a table with each hypercall
//	driver-map-kernel   the loop of privcmd, 16 pages a hypercall
//	driver-unmap-xenmm  xenmm_unmap_pages()
//	driver-unmap-kernel zap_vma_ptes(), as munmap does
#include "workload.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>

#include "error.hpp"
#include "page.hpp"
#include "region.hpp"
#include "uapi/xenmm_sample.h"

namespace xenmm
{

namespace
{

UniqueFd open_sample()
{
	UniqueFd fd(open(XENMM_SAMPLE_PATH, O_RDWR | O_CLOEXEC));
	if (!fd)
		throw Failure(ExitCode::kMissing,
			      fmt::format("{}: {}; `make sample` builds xenmm_sample.ko, insmod it",
					  XENMM_SAMPLE_PATH, std::strerror(errno)));
	return fd;
}

uint64_t limited(uint64_t pages)
{
	if (pages > XENMM_SAMPLE_PAGES)
		throw Failure(ExitCode::kUsage,
			      fmt::format("the driver has {} pages: --pages {}", XENMM_SAMPLE_PAGES,
					  XENMM_SAMPLE_PAGES));
	return pages;
}

class DriverWorkload final : public Workload
{
public:
	DriverWorkload(uint64_t pages, xenmm_sample_way way, bool unmaps)
		: fd_(open_sample()), area_(limited(pages)), way_(way), unmaps_(unmaps),
		  results_(pages)
	{
		area_.map(MAP_SHARED, fd_.get());
		area_.require_mapped();
	}

	void prepare() override
	{
		if (unmaps_) {
			ask(XENMM_SAMPLE_MAP, way_);
			require_done();
		}
	}
	void run() override { ask(unmaps_ ? XENMM_SAMPLE_UNMAP : XENMM_SAMPLE_MAP, way_); }
	void finish() override
	{
		require_done();
		if (unmaps_)
			return;
		require_pages();
		ask(XENMM_SAMPLE_UNMAP, XENMM_SAMPLE_BY_XENMM);
		require_done();
	}

private:
	void ask(unsigned long request, xenmm_sample_way way)
	{
		xenmm_sample_op op = {};
		op.start = reinterpret_cast<uintptr_t>(area_.base());
		op.results = reinterpret_cast<uintptr_t>(results_.data());
		op.count = static_cast<uint32_t>(area_.pages());
		op.way = way;
		answer_ = ioctl(fd_.get(), request, &op);
		error_ = errno;
	}
	void require_done() const
	{
		if (answer_ != 0)
			throw system_failure("a request to " XENMM_SAMPLE_PATH, error_);
	}
	// Each page in its place; a refused one would not be there.
	void require_pages() const
	{
		if (std::any_of(results_.begin(), results_.end(), [](int32_t r) { return r; }))
			throw Failure(ExitCode::kFailed, "wrong outcome: some pages were refused");
		for (uint64_t page = 0; page < area_.pages(); page++)
			if (number_in(page) != page)
				throw Failure(ExitCode::kFailed,
					      fmt::format("wrong outcome: page {} is not in its "
							  "place",
							  page));
	}
	uint64_t number_in(uint64_t page) const
	{
		auto at = static_cast<const char *>(area_.base()) + page * kPageBytes;
		return *reinterpret_cast<const volatile uint64_t *>(at);
	}

	UniqueFd fd_;
	Region area_;
	xenmm_sample_way way_;
	bool unmaps_;
	std::vector<int32_t> results_;
	int answer_ = 0;
	int error_ = 0;
};

} // namespace

void add_driver_workloads(WorkloadKinds &kinds)
{
	static constexpr struct {
		const char *name;
		xenmm_sample_way way;
		bool unmaps;
	} kRows[] = {
		{"driver-map-xenmm", XENMM_SAMPLE_BY_XENMM, false},
		{"driver-map-kernel", XENMM_SAMPLE_BY_KERNEL, false},
		{"driver-unmap-xenmm", XENMM_SAMPLE_BY_XENMM, true},
		{"driver-unmap-kernel", XENMM_SAMPLE_BY_KERNEL, true},
	};

	for (const auto &row : kRows) {
		WorkloadKind kind = {row.name, [row](const Job &job) {
					     return std::make_unique<DriverWorkload>(
						     job.pages, row.way, row.unmaps);
				     }};
		kind.group = kDriverGroup;
		kind.in_all = false;
		kinds.push_back(std::move(kind));
	}
}

} // namespace xenmm
