// SPDX-License-Identifier: GPL-2.0
// See submit_probe.h: types and back, no logic of its own.
#include "submit_probe.h"
#include "xenmm/detached_table.hpp"
#include "xenmm/methods.hpp"

#include "../src/core/linux_backend.hpp"

using namespace xenmm;

namespace
{

// A type of its own, so that its functions are this file's own: objtool's unwind tables do
// not survive the linker's choice between two copies of a function.
class ProbeBackend : public LinuxBackend
{
public:
	ProbeBackend() : LinuxBackend(nullptr) {}
};

void fill(Workspace &space, const xenmm_probe_updates &updates)
{
	for (uint32_t i = 0; i < updates.count; i++) {
		const xenmm_table &table = updates.tables[i >= updates.split];
		space.updates[i] = {table.maddr + updates.update[i].slot * sizeof(Pte),
				    updates.update[i].value};
	}
}

} // namespace

extern "C" {

xenmm_u64 xenmm_probe_space(void)
{
	return sizeof(Workspace);
}

void xenmm_probe_submit(void *space, const struct xenmm_probe_updates *updates, xenmm_u32 method,
			xenmm_u32 batch, int flush, struct xenmm_probe_outcome *outcome)
{
	Workspace &workspace = *static_cast<Workspace *>(space);
	const Segment segments[] = {{updates->tables[0], {updates->bases[0]}, 0},
				    {updates->tables[1], {updates->bases[1]}, updates->split}};
	Order order = {{static_cast<Method>(method), batch}, flush != 0};
	ProbeBackend backend;
	Counters counters;

	fill(workspace, *updates);
	Outcome seen =
		submit(backend, Updates{workspace, segments, 2, updates->count}, order, counters);
	*outcome = {seen.applied, seen.changed, seen.error, seen.flushed};
}

struct xenmm_probe_rebuilt xenmm_probe_rebuild(void *space, xenmm_u64 *entries,
					       const struct xenmm_hooks *hooks, xenmm_u32 slot,
					       xenmm_u64 value)
{
	Workspace &workspace = *static_cast<Workspace *>(space);
	ProbeBackend backend;
	Counters counters;
	DetachedTable<ProbeBackend> table(backend, workspace.calls, entries, *hooks, counters);
	xenmm_probe_rebuilt rebuilt = {};

	rebuilt.taken = table.take_out();
	if (rebuilt.taken)
		return rebuilt;
	__atomic_store_n(&entries[slot], value, __ATOMIC_RELAXED);
	rebuilt.put_back = table.put_back();
	rebuilt.is_whole = table.state().is_whole();
	return rebuilt;
}

} // extern "C"
