// SPDX-License-Identifier: GPL-2.0
// What the fork hint costs and saves, as libxenmm-fork.so gives it: the device is opened,
// asked and closed within the measured step.
//
//	hint          the hint alone, before a fork that nobody measures
//	fork-hinted   the hint and the fork, beside the workload fork
#include "stock.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "uapi/xenmm.h"

namespace xenmm
{

namespace
{

class HintedFork final : public Workload
{
public:
	HintedFork(uint64_t pages, bool measures_fork)
		: fork_(make_fork(pages)), pages_(pages), measures_fork_(measures_fork)
	{
	}
	void prepare() override { fork_->prepare(); }
	void run() override
	{
		hint();
		if (measures_fork_)
			fork_->run();
	}
	void finish() override
	{
		if (result_ != 0)
			throw system_failure("the fork hint of " XENMM_DEVICE_PATH, error_);
		if (hint_.pages < pages_)
			throw Failure(ExitCode::kFailed, "wrong outcome: the hint has left pages "
							 "of the memory out");
		if (!measures_fork_)
			fork_->run();
		fork_->finish();
	}

private:
	void hint()
	{
		hint_ = {};
		int fd = open(XENMM_DEVICE_PATH, O_RDWR | O_CLOEXEC);
		result_ = fd < 0 ? -1 : ioctl(fd, XENMM_IOC_FORK, &hint_);
		error_ = errno;
		close(fd);
	}

	std::unique_ptr<Workload> fork_;
	uint64_t pages_;
	bool measures_fork_;
	xenmm_fork hint_ = {};
	int result_ = 0;
	int error_ = 0;
};

void add(WorkloadKinds &kinds, const char *name, bool measures_fork)
{
	WorkloadKind kind = {name, [measures_fork](const Job &job) {
				     return std::make_unique<HintedFork>(job.pages, measures_fork);
			     }};
	kind.group = kHintGroup;
	kind.in_all = false;
	kinds.push_back(std::move(kind));
}

} // namespace

void add_hint_workloads(WorkloadKinds &kinds)
{
	add(kinds, "hint", false);
	add(kinds, "fork-hinted", true);
}

} // namespace xenmm
