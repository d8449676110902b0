// SPDX-License-Identifier: GPL-2.0
// What new processes cost: fork, the writes that follow it, exec.
#include "stock.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>

#include "exec_child.hpp"
#include "pipe.hpp"

namespace xenmm
{

namespace
{

constexpr int kAsItWas = 0; // what a child that finds its memory unchanged exits with

void require_status(int status, int wanted)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status) != wanted)
		throw Failure(
			ExitCode::kFailed,
			fmt::format("wrong outcome: a child's wait status is {:#x}, not {:#x}",
				    status, wanted << 8));
}

// The parent alone, until fork returns; the child looks at its memory and ends, and is
// reaped later.
struct Fork final : StockWorkload {
	using StockWorkload::StockWorkload;
	void prepare() override { region_.map_stamped(); }
	void run() override
	{
		child_ = fork();
		if (child_ == 0)
			_exit(region_.holds(false) ? kAsItWas : 1);
		note(child_ < 0);
	}
	void finish() override
	{
		require_success();
		int status = -1;
		waitpid(child_, &status, 0);
		require_status(status, kAsItWas);
	}

private:
	pid_t child_ = -1;
};

// A child that shares the parent's memory and leaves it alone.
class Sharer
{
public:
	explicit Sharer(const Region &region) : id_(fork())
	{
		if (id_ == 0)
			share(region);
		if (id_ < 0)
			throw system_failure("fork");
		wake_.read_end = UniqueFd();
		ready_.write_end = UniqueFd();
		char nothing; // the pipe's end says that it waits
		if (::read(ready_.read_end.get(), &nothing, 1) != 0)
			throw system_failure("the child's pipe");
	}
	// Its wait status, when it has looked at its memory.
	int end()
	{
		int status = -1;
		wake_.write_end = UniqueFd();
		waitpid(id_, &status, 0);
		return status;
	}

private:
	[[noreturn]] void share(const Region &region)
	{
		wake_.write_end = UniqueFd();
		ready_.write_end = UniqueFd();
		char nothing;
		bool woken = ::read(wake_.read_end.get(), &nothing, 1) == 0;
		_exit(woken && region.holds(false) ? kAsItWas : 1);
	}

	Pipe wake_;
	Pipe ready_;
	pid_t id_;
};

// The parent's first write to each page after a fork, while the child has the pages, too.
struct Cow final : StockWorkload {
	using StockWorkload::StockWorkload;
	void prepare() override
	{
		region_.map_stamped();
		child_.emplace(region_);
		faults_.start();
	}
	void run() override { region_.touch(); }
	void finish() override
	{
		faults_.require(region_.pages());
		require_status(child_->end(), kAsItWas);
		region_.require_holds(true);
	}

private:
	std::optional<Sharer> child_;
	FaultCount faults_;
};

// lmbench's "lat_proc exec": fork, execve of a small static program, until it is
// reaped. The program is this one, which ends at once when it is told to.
struct Exec final : Workload {
	void prepare() override { statuses_.fill(-1); }
	void run() override
	{
		for (int &status : statuses_) {
			pid_t child = fork();
			if (child == 0)
				become_exec_child();
			waitpid(child, &status, 0);
		}
	}
	void finish() override
	{
		for (int status : statuses_)
			require_status(status, kExecChildStatus);
	}

private:
	std::array<int, kExecs> statuses_;
};

} // namespace

std::unique_ptr<Workload> make_fork(uint64_t pages)
{
	return std::make_unique<Fork>(pages);
}

std::unique_ptr<Workload> make_cow(uint64_t pages)
{
	return std::make_unique<Cow>(pages);
}

std::unique_ptr<Workload> make_exec(uint64_t)
{
	return std::make_unique<Exec>();
}

} // namespace xenmm
