// SPDX-License-Identifier: GPL-2.0
// The kernel's services for whole tables: where they hang, and twins.
// See fake_xen.hpp and src/glue/table_hooks.c.
#include <stdio.h>

#include "fake_xen.hpp"

namespace xenmm::test
{

void FakeXen::fill_alias(const Frame &table, xenmm_hooks &hooks)
{
	Pfn pfn = memory.pfn_of_frame(table);
	uint64_t frame = memory.mfn_of(pfn).number << kPageShift;
	hooks.l2_maddr = 0;
	hooks.l2_value = 0;
	hooks.mfn = memory.mfn_of(pfn).number;
	hooks.alias = kAliasBase + (pfn.number << kPageShift);
	hooks.alias_ro = frame | Pte::kPresent;
	hooks.alias_rw = frame | Pte::kPresent | Pte::kWritable;
	hooks.is_pinned = true;
}

void FakeXen::fill_hooks(VirtAddr address, const Frame &table, xenmm_hooks &hooks)
{
	fill_alias(table, hooks);
	hooks.l2_maddr = memory.hook_maddr(address).bytes;
	hooks.l2_value = memory.maddr_of(table).bytes | kHookFlags;
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
	if (!address.is_twin() && !memory.upper(address))
		return Errno::kNoEntry;
	frame->locked = true;
	locked_.push_back(frame);
	table = {entries, 0, frame, nullptr};
	if (address.is_twin())
		fill_alias(*frame, hooks);
	else
		fill_hooks(address, *frame, hooks);
	return {};
}

Result<Pfn> FakeXen::twin_alloc(VirtAddr address)
{
	may_sleep("twin_alloc");
	if (!hypervisor.is_exclusive)
		violations.add("twin_alloc without the mmap lock for writing");
	if (int error = twin_fuse.blow())
		return to_errno(error);
	if (refuse_twins)
		return Errno::kNoMem;
	if (!memory.table(address))
		return Errno::kNoEntry;
	return memory.make_twin(address.table_base());
}

void FakeXen::twin_free(Pfn pfn)
{
	const Frame &table = memory.frame(pfn);
	if (table.kind != Kind::kTable || !table.ours)
		return violations.add("twin_free of what is no twin");
	if (table.is_validated() || !table.alias_writable)
		violations.add("twin_free of a table that Xen watches over");
	if (table.walked)
		violations.add("twin_free of a table that a CPU may still walk: no flush");
	memory.drop_twin(pfn);
}

Result<void> FakeXen::twin_lock(VirtAddr address, Pfn pfn, uint32_t depth,
				const xenmm_table *previous, xenmm_table &table)
{
	check_order(depth, previous);
	if (int error = table_lock_fuse.blow())
		return to_errno(error);
	if (!is_mapped(address))
		return Errno::kInval;
	Frame &found = memory.frame(pfn);
	if (found.kind != Kind::kTable || found.hooks ||
	    !(found.base == address.twin().table_base()))
		violations.add("twin_lock of a table that is no twin of this span");
	lock(found, table);
	return {};
}

uint64_t *FakeXen::twin_hooks(Pfn pfn, xenmm_hooks &hooks)
{
	if (locked_.empty() && !locked_upper_)
		violations.add("twin_hooks outside a critical section");
	fill_alias(memory.frame(pfn), hooks);
	return memory.guest_view(memory.frame(pfn));
}

Result<void> FakeXen::flips_lock(VirtAddr address, uint32_t count, bool leaving, xenmm_flips &flips)
{
	if (!hypervisor.is_exclusive)
		violations.add("flips_lock without the mmap lock for writing");
	if (!locked_.empty() || locked_upper_)
		violations.add("flips_lock with a table locked");
	if (count < 1 || count > XENMM_MAX_FLIPS)
		violations.add("flips_lock: number of tables");
	if (int error = leaving ? 0 : flips_fuse.blow())
		return to_errno(error);
	Upper *upper = memory.upper(address);
	if (!upper)
		return Errno::kNoEntry;
	for (uint32_t i = 0; i < count; i++) {
		VirtAddr at = address.page(uint64_t(i) * kTableEntries);
		if (!leaving && !owns_span(at))
			return Errno::kInval;
		if (memory.upper(at) != upper)
			violations.add("flips_lock: more than one L2 table");
		Frame *table = memory.table(at);
		if (!table && !leaving)
			return Errno::kNoEntry;
		flips.l2_value[i] = table ? memory.maddr_of(*table).bytes | kHookFlags : 0;
		flips.l2_flags[i] = kHookFlags;
	}
	flips.l2_maddr = memory.hook_maddr(address).bytes;
	flips.is_pinned = has_split_locks;
	flips.lock = upper;
	upper->locked = true;
	locked_upper_ = upper;
	return {};
}

void FakeXen::flips_unlock(xenmm_flips &flips)
{
	static_cast<Upper *>(flips.lock)->locked = false;
	locked_upper_ = nullptr;
}

Pfn FakeXen::table_pfn(uint64_t l2_value)
{
	if (!locked_upper_ && locked_.empty())
		violations.add("table_pfn outside a critical section");
	return *memory.pfn_of(Pte(l2_value).frame());
}

std::string FakeXen::bad_hook(const Frame &table)
{
	VirtAddr other = table.hooks ? table.base.twin() : table.base.visible();
	bool has_other = memory.table(other);
	bool is_pinned = has_split_locks || has_other;
	bool is_placed = table.hooks == 1 || (!table.hooks && has_other);
	if (is_placed && table.pinned == is_pinned && !table.alias_writable)
		return "";
	char line[96];
	snprintf(line, sizeof(line), "table at %#llx: %u hooks, pinned %d, writable %d\n",
		 static_cast<unsigned long long>(table.base.bytes), table.hooks, table.pinned,
		 table.alias_writable);
	return line;
}

std::string FakeXen::badly_hooked()
{
	std::string text;
	for (uint64_t number : memory.all_tables())
		text += is_pv_ ? bad_hook(memory.frame({number})) : "";
	return text;
}

} // namespace xenmm::test
