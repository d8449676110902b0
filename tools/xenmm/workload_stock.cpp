// SPDX-License-Identifier: GPL-2.0
// What the kernel's own page-table work costs on ordinary anonymous memory: the
// figures that the arena's stand beside. Each step is one system call, or one write
// per page. Private memory without huge pages, which a PV guest does not have.
#include "workload.hpp"

#include <csignal>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "error.hpp"
#include "page.hpp"

namespace xenmm
{

namespace
{

// Anonymous memory that is there from map() to unmap().
class Region
{
public:
	explicit Region(uint64_t pages) : bytes_(pages * kPageBytes) {}
	~Region() { unmap(); }
	Region(const Region &) = delete;

	void map(int extra_flags = 0)
	{
		base_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | extra_flags, -1, 0);
	}
	int unmap() { return mapped() ? munmap(std::exchange(base_, MAP_FAILED), bytes_) : 0; }
	int protect(int prot) { return mprotect(base_, bytes_, prot); }
	bool mapped() const { return base_ != MAP_FAILED; }

	void require_mapped() const
	{
		if (!mapped())
			throw system_failure("mmap");
	}
	// Mapped, nothing touched yet.
	void map_empty()
	{
		unmap();
		map();
		require_mapped();
		madvise(base_, bytes_, MADV_NOHUGEPAGE); // fails where there are none
	}
	void touch()
	{
		auto *page = static_cast<volatile char *>(base_);
		for (uint64_t offset = 0; offset < bytes_; offset += kPageBytes)
			page[offset] = 1;
	}
	void map_touched()
	{
		map_empty();
		touch();
	}

private:
	uint64_t bytes_;
	void *base_ = MAP_FAILED;
};

class StockWorkload : public Workload
{
public:
	explicit StockWorkload(uint64_t pages) : region_(pages) {}
	void finish() override
	{
		if (result_ != 0)
			throw system_failure("the measured system call", error_);
	}

protected:
	// Cheap enough for the measured step.
	void note(int result)
	{
		result_ = result;
		error_ = errno;
	}
	Region region_;

private:
	int result_ = 0;
	int error_ = 0;
};

struct Touch final : StockWorkload {
	using StockWorkload::StockWorkload;
	void prepare() override { region_.map_empty(); }
	void run() override { region_.touch(); }
};

struct Populate final : StockWorkload {
	using StockWorkload::StockWorkload;
	void prepare() override { region_.unmap(); }
	void run() override { region_.map(MAP_POPULATE); }
	void finish() override { region_.require_mapped(); }
};

struct ProtectReadOnly final : StockWorkload {
	using StockWorkload::StockWorkload;
	void prepare() override { region_.map_touched(); }
	void run() override { note(region_.protect(PROT_READ)); }
};

struct ProtectReadWrite final : StockWorkload {
	using StockWorkload::StockWorkload;
	void prepare() override
	{
		region_.map_touched();
		if (region_.protect(PROT_READ) != 0)
			throw system_failure("mprotect");
	}
	void run() override { note(region_.protect(PROT_READ | PROT_WRITE)); }
};

// The parent alone, until fork returns; the child ends at once, is reaped later.
struct Fork final : StockWorkload {
	using StockWorkload::StockWorkload;
	void prepare() override { region_.map_touched(); }
	void run() override
	{
		child_ = fork();
		if (child_ == 0)
			_exit(0);
	}
	void finish() override
	{
		if (child_ < 0)
			throw system_failure("fork");
		waitpid(child_, nullptr, 0);
	}

private:
	pid_t child_ = -1;
};

struct Unmap final : StockWorkload {
	using StockWorkload::StockWorkload;
	void prepare() override { region_.map_touched(); }
	void run() override { note(region_.unmap()); }
};

template <typename Kind>
WorkloadKind stock(const char *name)
{
	return {name, [](const Job &job) { return std::make_unique<Kind>(job.pages); }};
}

} // namespace

void add_stock_workloads(WorkloadKinds &kinds)
{
	kinds.push_back(stock<Touch>("touch"));
	kinds.push_back(stock<Populate>("populate"));
	kinds.push_back(stock<ProtectReadOnly>("mprotect"));
	kinds.push_back(stock<ProtectReadWrite>("mprotect-rw"));
	kinds.push_back(stock<Fork>("fork"));
	kinds.push_back(stock<Unmap>("munmap"));
}

} // namespace xenmm
