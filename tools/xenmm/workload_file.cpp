// SPDX-License-Identifier: GPL-2.0
// Faults on files that are in the page cache, so that no device has a part in it: the
// file is in memory alone (memfd, which is tmpfs).
#include "stock.hpp"

#include <fmt/format.h>

namespace xenmm
{

namespace
{

class FileWorkload : public StockWorkload
{
public:
	explicit FileWorkload(uint64_t pages) : StockWorkload(pages), file_(pages) {}

protected:
	CachedFile file_;
	FaultCount faults_;
};

// The model is lmbench's lat_pagefault: a shared mapping of a file, each page read
// once. The kernel maps neighbours that are in the page cache by the same fault, 16
// pages unless /sys/kernel/debug/fault_around_bytes says otherwise, and so it does here:
// a figure is one sixteenth of a fault and one entry.
struct FileFault final : FileWorkload {
	using FileWorkload::FileWorkload;
	void prepare() override
	{
		region_.unmap();
		region_.map(MAP_SHARED, file_.fd(), PROT_READ);
		region_.require_mapped();
		faults_.start();
	}
	void run() override { sum_ = region_.read(); }
	void finish() override
	{
		faults_.require(1);
		if (sum_ != sum_of_stamps(region_.pages()))
			throw Failure(ExitCode::kFailed,
				      fmt::format("wrong outcome: the pages read add up to {}, "
						  "not to {}",
						  sum_, sum_of_stamps(region_.pages())));
	}

private:
	uint64_t sum_ = 0;
};

// will-it-scale's page_fault2 (private: each write copies a page of the file) and
// page_fault3 (shared: it goes to the file): map, write to each page, unmap.
template <int sharing>
struct FileWrites final : FileWorkload {
	using FileWorkload::FileWorkload;
	void prepare() override
	{
		file_.stamp();
		faults_.start();
	}
	void run() override
	{
		region_.map(sharing, file_.fd());
		if (region_.base() == MAP_FAILED)
			return note(-1);
		region_.touch();
		note(region_.unmap());
	}
	void finish() override
	{
		require_success();
		faults_.require(region_.pages());
		file_.require_holds(sharing == MAP_SHARED);
	}
};

} // namespace

std::unique_ptr<Workload> make_file_fault(uint64_t pages)
{
	return std::make_unique<FileFault>(pages);
}

std::unique_ptr<Workload> make_page_fault2(uint64_t pages)
{
	return std::make_unique<FileWrites<MAP_PRIVATE>>(pages);
}

std::unique_ptr<Workload> make_page_fault3(uint64_t pages)
{
	return std::make_unique<FileWrites<MAP_SHARED>>(pages);
}

} // namespace xenmm
