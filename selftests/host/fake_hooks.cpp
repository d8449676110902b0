// SPDX-License-Identifier: GPL-2.0
// The kernel's services for whole tables: where they hang, and the locks of pairs.
// See fake_xen.hpp and src/glue/table_hooks.c.
#include <stdio.h>

#include "fake_xen.hpp"

namespace xenmm::test
{

void FakeXen::fill_hooks(VirtAddr address, const Frame &table, xenmm_hooks &hooks)
{
	Pfn pfn = memory.pfn_of_frame(table);
	uint64_t frame = memory.mfn_of(pfn).number << kPageShift;
	hooks.l2_maddr = memory.hook_maddr(address).bytes;
	hooks.l2_value = frame | kHookFlags;
	hooks.mfn = memory.mfn_of(pfn).number;
	hooks.alias = kAliasBase + (pfn.number << kPageShift);
	hooks.alias_ro = frame | Pte::kPresent;
	hooks.alias_rw = frame | Pte::kPresent | Pte::kWritable;
	hooks.is_pinned = has_split_locks;
}

Result<void> FakeXen::table_hooks(VirtAddr address, const xenmm_table &table, xenmm_hooks &hooks)
{
	Frame *frame = frame_of(table);
	if (!hypervisor.is_exclusive)
		violations.add("table_hooks without the mmap lock for writing");
	if (locked_.empty() || locked_.back() != frame || memory.table(address) != frame)
		violations.add("table_hooks: of another table than the one locked");
	if (int error = hooks_fuse.blow())
		return to_errno(error);
	if (!owns_span(address))
		return Errno::kNotSupported;
	fill_hooks(address, *frame, hooks);
	return {};
}

Result<void> FakeXen::orphan_lock(VirtAddr address, uint64_t *entries, xenmm_table &table,
				  xenmm_hooks &hooks)
{
	if (int error = orphan_fuse.blow())
		return to_errno(error);
	Frame *frame = memory.table_of(entries);
	if (!memory.upper(address))
		return Errno::kNoEntry;
	frame->locked = true;
	locked_.push_back(frame);
	table = {entries, 0, frame, nullptr};
	fill_hooks(address, *frame, hooks);
	return {};
}

Result<void> FakeXen::pairs_lock(VirtAddr address, VirtAddr twin, uint32_t count,
				 xenmm_pairs &pairs)
{
	const VirtAddr first[2] = {address, twin};
	if (!hypervisor.is_exclusive)
		violations.add("pairs_lock without the mmap lock for writing");
	if (!locked_.empty())
		violations.add("pairs_lock with an L1 table locked");
	if (count < 1 || count > XENMM_MAX_PAIRS)
		violations.add("pairs_lock: number of pairs");
	if (int error = pairs_fuse.blow())
		return to_errno(error);
	for (int side = 0; side < 2; side++)
		for (uint32_t i = 0; i < count; i++) {
			VirtAddr at = first[side].page(uint64_t(i) * kTableEntries);
			if (!owns_span(at))
				return Errno::kInval;
			if (memory.upper(at) != memory.upper(first[side]))
				violations.add("pairs_lock: more than one L2 table");
			Frame *table = memory.table(at);
			if (!table)
				return Errno::kNoEntry;
			pairs.l2_value[side][i] = memory.maddr_of(*table).bytes | kHookFlags;
		}
	for (int side = 0; side < 2; side++) {
		Upper *upper = memory.upper(first[side]);
		pairs.l2_maddr[side] = memory.hook_maddr(first[side]).bytes;
		pairs.locks[side] = upper;
		upper->locked = true;
	}
	return {};
}

void FakeXen::pairs_unlock(xenmm_pairs &pairs)
{
	for (void *lock : pairs.locks)
		static_cast<Upper *>(lock)->locked = false;
}

uint64_t *FakeXen::table_entries(uint64_t l2_value)
{
	return memory.guest_view(memory.frame(*memory.pfn_of(Pte(l2_value).frame())));
}

std::string FakeXen::badly_hooked()
{
	std::string text;
	for (uint64_t number : memory.all_tables()) {
		const Frame &table = memory.frame({number});
		bool is_whole = table.hooks == 1 && table.pinned == has_split_locks &&
				!table.alias_writable;
		char line[96];
		snprintf(line, sizeof(line), "table at %#llx: %u hooks, pinned %d, writable %d\n",
			 static_cast<unsigned long long>(table.base.bytes), table.hooks,
			 table.pinned, table.alias_writable);
		text += is_whole || !is_pv_ ? "" : line;
	}
	return text;
}

} // namespace xenmm::test
