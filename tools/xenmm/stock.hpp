// SPDX-License-Identifier: GPL-2.0
// What the workloads on ordinary memory share. Their list is in workload_stock.cpp;
// those of files and processes are made in files of their own.
#pragma once

#include "error.hpp"
#include "region.hpp"
#include "workload.hpp"

namespace xenmm
{

class StockWorkload : public Workload
{
public:
	explicit StockWorkload(uint64_t pages) : region_(pages) {}
	void finish() override { require_success(); }

protected:
	// Cheap enough for the measured step.
	void note(int result)
	{
		result_ = result;
		error_ = errno;
	}
	void require_success() const
	{
		if (result_ != 0)
			throw system_failure("the measured system call", error_);
	}
	Region region_;

private:
	int result_ = 0;
	int error_ = 0;
};

// Execs of one run of `exec`; a figure is per one of these.
inline constexpr uint64_t kExecs = 16;

using MakeStock = std::unique_ptr<Workload> (*)(uint64_t pages);

std::unique_ptr<Workload> make_fork(uint64_t pages);
std::unique_ptr<Workload> make_cow(uint64_t pages);
std::unique_ptr<Workload> make_exec(uint64_t pages);
std::unique_ptr<Workload> make_file_fault(uint64_t pages);
std::unique_ptr<Workload> make_page_fault2(uint64_t pages);
std::unique_ptr<Workload> make_page_fault3(uint64_t pages);

} // namespace xenmm
