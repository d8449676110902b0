// SPDX-License-Identifier: GPL-2.0
// The list of workloads.
#include "workload.hpp"

#include "error.hpp"

namespace xenmm
{

namespace
{

struct Empty final : Workload {
	void prepare() override {}
	void run() override {}
	void finish() override {}
};

void add_empty(WorkloadKinds &kinds)
{
	WorkloadKind kind = {kEmpty, [](const Job &) { return std::make_unique<Empty>(); }, kEmpty};
	kind.fixed_pages = 1;
	kind.in_all = false;
	kinds.push_back(std::move(kind));
}

} // namespace

const WorkloadKinds &workload_kinds()
{
	static const WorkloadKinds kinds = [] {
		WorkloadKinds list;
		add_empty(list);
		add_arena_operations(list);
		add_arena_ends(list);
		add_stock_workloads(list);
		add_walk_workloads(list);
		add_track_workloads(list);
		add_hint_workloads(list);
		add_driver_workloads(list);
		return list;
	}();
	return kinds;
}

std::unique_ptr<Workload> make_workload(const Job &job)
{
	for (const WorkloadKind &kind : workload_kinds())
		if (kind.name == job.workload)
			return kind.make(job);
	throw Failure(ExitCode::kUsage, "unknown workload " + job.workload);
}

} // namespace xenmm
