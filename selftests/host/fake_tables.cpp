// SPDX-License-Identifier: GPL-2.0
// Whole tables in the fake: L2 entries, pins, the alias in the direct map, and what
// Xen's type counts make of them. An L1 table is validated, and read-only for the
// guest, as long as it is pinned or hooked; its alias, or an entry that maps it, can be
// writable only while it is neither.
//
// Stricter than Xen: an L2 update flushes no TLB, because the ABI does not promise
// that it does.
#include <errno.h>

#include "fake_hypervisor.hpp"

namespace xenmm::test
{

namespace
{

// L2_DISALLOW_MASK: PWT, PCD, the large page and GLOBAL.
constexpr uint64_t kHookDisallowed = 0x198;

} // namespace

// A step fails, or another vCPU has its say first.
int Hypervisor::step()
{
	if (before_step)
		before_step();
	return step_fuse.blow();
}

Frame *Hypervisor::l1_of(Mfn mfn)
{
	auto pfn = memory_.pfn_of(mfn);
	if (!pfn || memory_.frame(*pfn).kind != Kind::kTable)
		return nullptr;
	return &memory_.frame(*pfn);
}

// mod_l2_entry
int Hypervisor::modify_hook(Upper &upper, unsigned slot, uint64_t value)
{
	VirtAddr at = memory_.hooked_at(upper, slot);
	std::optional<uint64_t> &hooked = upper.hooked[slot];
	Frame *old = hooked ? &memory_.frame({*hooked}) : nullptr;
	Frame *table = is_present(value) ? l1_of(Pte(value).frame()) : nullptr;
	bool is_locked = upper.locked || (old && old->locked) || (table && table->locked);
	if (!is_locked)
		violations_.add("an L2 entry was changed, and no lock is held");
	if (!is_exclusive)
		violations_.add("an L2 entry was changed while faults may come by");
	if (int error = step())
		return error;
	if (is_present(value) && (value & kHookDisallowed))
		return -EINVAL; // "Bad L2 flags"
	if (is_present(value) && (value & ~Pte::kFrameMask) != kHookFlags)
		violations_.add("an L2 entry lost its flags");
	if (is_present(value)) {
		if (!table)
			return -EINVAL; // get_page_and_type_from_mfn
		if (int error = hook(*table, at))
			return error;
		hooked = memory_.pfn_of_frame(*table).number;
	} else {
		hooked.reset();
	}
	if (old)
		unhook(*old);
	if (old && table && on_exchange)
		on_exchange(at, *old, *table);
	if (old && !old->hooks && table) {
		old->base = at.twin();
		old->walked = true;
	}
	calls_.l2_updates++;
	return 0;
}

int Hypervisor::hook(Frame &table, VirtAddr at)
{
	if (int error = need_validated(table))
		return error;
	table.hooks++;
	table.base = at;
	return 0;
}

void Hypervisor::unhook(Frame &table)
{
	table.hooks--;
	note_released(table);
}

// do_mmuext_op, MMUEXT_PIN_L1_TABLE
int Hypervisor::pin(Mfn mfn)
{
	if (int error = step())
		return error;
	Frame *table = l1_of(mfn);
	if (!table || table->pinned)
		return -EINVAL;
	if (int error = need_validated(*table))
		return error;
	table->pinned = true;
	return 0;
}

int Hypervisor::unpin(Mfn mfn)
{
	if (int error = step())
		return error;
	Frame *table = l1_of(mfn);
	if (!table || !table->pinned)
		return -EINVAL;
	table->pinned = false;
	note_released(*table);
	return 0;
}

int Hypervisor::map_alias(VirtAddr address, uint64_t value, uint64_t flags)
{
	if (int error = step())
		return error;
	Pfn pfn = {(address.bytes - kAliasBase) >> kPageShift};
	Frame *table = l1_of(Pte(value).frame());
	if (!table || memory_.pfn_of_frame(*table).number != pfn.number)
		violations_.add("an alias maps something else than it did");
	if (flags != (UVMF_INVLPG | UVMF_LOCAL))
		violations_.add("an alias was changed without a flush of its translation");
	if (!table)
		return -EINVAL;
	bool writable = Pte(value).is_writable();
	if (writable && table->is_validated())
		return -EBUSY; // could_not_pin: no PGT_writable_page
	table->alias_writable = writable;
	memory_.open_view(*table);
	return 0;
}

int Hypervisor::need_validated(Frame &table)
{
	if (table.is_validated())
		return 0;
	if (table.alias_writable || table.writable)
		return -EINVAL; // a writable reference is left
	return validate(table);
}

// One bad entry, and nothing is validated.
int Hypervisor::validate(Frame &table)
{
	uint64_t *entries = memory_.entries(table);
	calls_.validations++;
	promoted_ = &table;
	int error = promote(table);
	promoted_ = nullptr;
	if (error)
		return error;
	for (unsigned slot = 0; slot < kTableEntries; slot++) {
		uint64_t old = table.released[slot];
		account(entries[slot], 1);
		if (!Pte(old).agrees_with(Pte(entries[slot])))
			record(table, slot, old, entries[slot], Via::kRebuild);
	}
	return 0;
}

// promote_l1_table: the error is the bad entry's; those in front of it stay adjusted.
int Hypervisor::promote(Frame &table)
{
	for (unsigned slot = 0; slot < kTableEntries; slot++) {
		uint64_t &entry = memory_.entries(table)[slot];
		if (!is_present(entry) && entry & Pte::kFrameMask)
			return crash("absent entry with address bits");
		if (!is_present(entry) && entry)
			violations_.add("an entry is neither empty nor present: Linux sees swap");
		if (!is_present(entry))
			continue;
		if (int error = validation_fuse.blow())
			return error;
		if (int error = check_present(entry))
			return error;
		entry = adjust(entry);
	}
	return 0;
}

// demote_l1_table, when the last reference went.
void Hypervisor::note_released(Frame &table)
{
	if (table.is_validated())
		return;
	uint64_t *entries = memory_.entries(table);
	table.released.assign(entries, entries + kTableEntries);
	for (uint64_t entry : table.released)
		account(entry, -1);
}

} // namespace xenmm::test
