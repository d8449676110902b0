// SPDX-License-Identifier: GPL-2.0
// What the kernel's own page-table work costs on ordinary memory: the figures that the
// arena's stand beside. Each step is one system call, or one write per page, but for
// the loops that are taken from known benchmarks. Memory without huge pages, which a PV
// guest does not have.
//
// Here: anonymous memory, and the list of all.
#include "stock.hpp"

#include <algorithm>
#include <optional>

#include "page.hpp"

namespace xenmm
{

namespace
{

constexpr uint64_t kTableBytes = 512 * kPageBytes;

struct Touch final : StockWorkload {
	using StockWorkload::StockWorkload;
	void prepare() override
	{
		region_.map_empty();
		faults_.start();
	}
	void run() override { region_.touch(); }
	void finish() override { faults_.require(region_.pages()); }

private:
	FaultCount faults_;
};

struct Populate final : StockWorkload {
	using StockWorkload::StockWorkload;
	void prepare() override { region_.unmap(); }
	void run() override { region_.map(Region::kAnonymous | MAP_POPULATE); }
	void finish() override
	{
		region_.require_mapped();
		FaultCount faults;
		faults.start();
		region_.stamp();
		faults.require_few();
		region_.require_holds(false);
	}
};

template <int prot>
struct Protect final : StockWorkload {
	using StockWorkload::StockWorkload;
	void prepare() override
	{
		region_.map_stamped();
		if (!(prot & PROT_WRITE))
			return;
		if (region_.protect(PROT_READ) != 0)
			throw system_failure("mprotect");
		region_.require_writable(false);
	}
	void run() override { note(region_.protect(prot)); }
	void finish() override
	{
		require_success();
		region_.require_holds(false);
		region_.require_writable(prot & PROT_WRITE);
	}
};

struct Unmap final : StockWorkload {
	using StockWorkload::StockWorkload;
	void prepare() override
	{
		region_.map_stamped();
		base_ = region_.base();
	}
	void run() override { note(region_.unmap()); }
	void finish() override
	{
		require_success();
		Region::require_gone(base_);
	}

private:
	void *base_ = nullptr;
};

// To an address that lies otherwise within a table, so that the kernel cannot move
// whole tables and moves each entry.
struct Move final : StockWorkload {
	explicit Move(uint64_t pages)
		: StockWorkload(pages), room_(pages + 2 * kTableBytes / kPageBytes)
	{
	}
	void prepare() override
	{
		region_.map_stamped();
		room_.unmap();
		room_.map(Region::kAnonymous | MAP_NORESERVE, -1, PROT_NONE);
		room_.require_mapped();
		base_ = region_.base();
	}
	void run() override { note(region_.move(target())); }
	void finish() override
	{
		require_success();
		region_.require_holds(false);
		Region::require_gone(base_);
		region_.unmap();
	}

private:
	void *target() const
	{
		auto source = reinterpret_cast<uintptr_t>(base_);
		auto first = reinterpret_cast<uintptr_t>(room_.base());
		uintptr_t table = (first + kTableBytes - 1) / kTableBytes * kTableBytes;
		return reinterpret_cast<void *>(table + (source + kPageBytes) % kTableBytes);
	}

	Region room_;
	void *base_ = nullptr;
};

// will-it-scale's page_fault1: map, write to each page, unmap. There 128 MiB, here
// what --pages says.
struct PageFault1 final : StockWorkload {
	using StockWorkload::StockWorkload;
	void prepare() override { faults_.start(); }
	void run() override
	{
		region_.map();
		if (region_.base() == MAP_FAILED)
			return note(-1);
		region_.touch();
		note(region_.unmap());
	}
	void finish() override
	{
		require_success();
		faults_.require(region_.pages());
	}

private:
	FaultCount faults_;
};

// The memory benchmark of PVM (SOSP 2023, "PVM: Efficient Shadow Paging for Deploying
// Secure Containers in Cloud-native Environment"): memory is taken in pieces of 1 MiB,
// written to and given back, again and again. It is hard on shadow paging, because
// tables come and go.
struct Chunks final : Workload {
	explicit Chunks(uint64_t pages) : pages_(pages) {}
	void prepare() override
	{
		error_ = 0;
		faults_.start();
	}
	void run() override
	{
		for (uint64_t done = 0; done < pages_ && !error_; done += kChunk) {
			Region chunk(std::min(kChunk, pages_ - done));
			chunk.map();
			if (chunk.base() != MAP_FAILED)
				chunk.touch();
			if (chunk.base() == MAP_FAILED || chunk.unmap() != 0)
				error_ = errno;
		}
	}
	void finish() override
	{
		if (error_)
			throw system_failure("a chunk", error_);
		faults_.require(pages_);
	}

private:
	static constexpr uint64_t kChunk = (1 << 20) / kPageBytes;
	uint64_t pages_;
	int error_ = 0;
	FaultCount faults_;
};

template <typename Kind>
std::unique_ptr<Workload> make(uint64_t pages)
{
	return std::make_unique<Kind>(pages);
}

constexpr struct {
	const char *name;
	MakeStock make;
	uint64_t fixed_pages = 0;
} kStock[] = {
	{"touch", make<Touch>},
	{"populate", make<Populate>},
	{"mprotect", make<Protect<PROT_READ>>},
	{"mprotect-rw", make<Protect<PROT_READ | PROT_WRITE>>},
	{"fork", make_fork},
	{"cow", make_cow},
	{"munmap", make<Unmap>},
	{"mremap", make<Move>},
	{"file-fault", make_file_fault},
	{"exec", make_exec, kExecs},
	{"page-fault1", make<PageFault1>},
	{"page-fault2", make_page_fault2},
	{"page-fault3", make_page_fault3},
	{"chunks", make<Chunks>},
};

} // namespace

void add_stock_workloads(WorkloadKinds &kinds)
{
	for (const auto &stock : kStock) {
		WorkloadKind kind = {stock.name,
				     [&stock](const Job &job) { return stock.make(job.pages); }};
		kind.group = kStockGroup;
		kind.fixed_pages = stock.fixed_pages;
		kinds.push_back(std::move(kind));
	}
}

} // namespace xenmm
