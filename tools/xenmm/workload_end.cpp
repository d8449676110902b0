// SPDX-License-Identifier: GPL-2.0
// What the end of an arena costs: munmap of the whole, and the exit of a process that
// has one; freeing the pages included. The kernel does this work, so there is no method.
// An arena ends once: each run makes one anew. That its pages are freed within the
// measured step is seen from the module's counters.
#include "workload.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>
#include <sys/wait.h>

#include "arena.hpp"
#include "error.hpp"
#include "guard.hpp"
#include "pipe.hpp"

namespace xenmm
{

namespace
{

void populate(const Arena &arena)
{
	arena.operate(XENMM_IOC_POPULATE, arena.whole(), setup_way(arena.info(), std::nullopt));
}

class EndWorkload : public Workload
{
public:
	explicit EndWorkload(const Job &job) : pages_(job.pages), device_(Device::open()) {}

protected:
	// Other arenas may free pages, too: that only adds.
	void note_freed() { freed_before_ = device_.stats().pages_freed; }
	void require_freed() const
	{
		uint64_t freed = device_.stats().pages_freed - freed_before_;
		if (freed < pages_)
			throw Failure(ExitCode::kFailed,
				      fmt::format("wrong outcome: {} of {} pages were freed", freed,
						  pages_));
	}
	uint64_t pages_;

private:
	Device device_;
	uint64_t freed_before_ = 0;
};

class ArenaMunmap final : public EndWorkload
{
public:
	using EndWorkload::EndWorkload;
	void prepare() override
	{
		arena_.emplace(pages_);
		populate(*arena_);
		note_freed();
	}
	void run() override
	{
		result_ = arena_->unmap();
		error_ = errno;
	}
	void finish() override
	{
		if (result_ != 0)
			throw system_failure("munmap", error_);
		require_gone(0);
		require_gone(pages_ - 1);
		require_freed();
	}

private:
	void require_gone(uint64_t page) const
	{
		uint64_t word = 0;
		if (survives([&] { word = arena_->word(page); }))
			throw Failure(ExitCode::kFailed,
				      fmt::format("wrong outcome: page {} holds {:#x} after munmap",
						  page, word));
	}

	std::optional<Arena> arena_;
	int result_ = 0;
	int error_ = 0;
};

// A process with an arena of its own, all of it populated, that ends at request.
class Child
{
public:
	// Returns when the pages are there; throws what kept the child from it.
	explicit Child(uint64_t pages) : id_(fork())
	{
		if (id_ == 0)
			live(pages);
		if (id_ < 0)
			throw system_failure("fork");
		to_child_.read_end = UniqueFd();
		to_parent_.write_end = UniqueFd();
		require_ready();
	}

	// Its exit status, when nothing is left of it.
	int end()
	{
		int status = -1;
		to_child_.write_end = UniqueFd();
		waitpid(id_, &status, 0);
		return status;
	}

private:
	// Silence, then the end of the pipe, says that it is ready.
	void require_ready() const
	{
		std::array<char, 512> text;
		ssize_t got = read(to_parent_.read_end.get(), text.data(), text.size());
		if (got != 0)
			throw Failure(ExitCode::kFailed,
				      "in the child: " +
					      std::string(text.data(),
							  static_cast<size_t>(
								  std::max<ssize_t>(got, 0))));
	}

	[[noreturn]] void live(uint64_t pages)
	{
		to_child_.write_end = UniqueFd();
		try {
			Arena arena(pages);
			populate(arena);
			to_parent_.write_end = UniqueFd();
			char nothing;
			_exit(read(to_child_.read_end.get(), &nothing, 1) == 0 ? 0 : 1);
		} catch (const std::exception &error) {
			std::string_view text = error.what();
			_exit(write(to_parent_.write_end.get(), text.data(), text.size()) < 0 ? 2
											      : 1);
		}
	}

	Pipe to_child_;
	Pipe to_parent_;
	pid_t id_;
};

class ArenaExit final : public EndWorkload
{
public:
	using EndWorkload::EndWorkload;
	void prepare() override
	{
		child_.emplace(pages_);
		note_freed();
	}
	void run() override { status_ = child_->end(); }
	void finish() override
	{
		if (status_ != 0)
			throw Failure(ExitCode::kFailed,
				      fmt::format("the child died, wait status {:#x}", status_));
		require_freed();
	}

private:
	std::optional<Child> child_;
	int status_ = -1;
};

template <typename Kind>
WorkloadKind end_of_arena(const char *name)
{
	WorkloadKind kind = {name, [](const Job &job) { return std::make_unique<Kind>(job); }};
	kind.group = kArenaGroup;
	return kind;
}

} // namespace

void add_arena_ends(WorkloadKinds &kinds)
{
	kinds.push_back(end_of_arena<ArenaMunmap>("arena-munmap"));
	kinds.push_back(end_of_arena<ArenaExit>("arena-exit"));
}

} // namespace xenmm
