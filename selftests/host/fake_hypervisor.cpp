// SPDX-License-Identifier: GPL-2.0
// See fake_hypervisor.hpp. Each errno names the function of Xen that gives it.
#include "fake_hypervisor.hpp"

#include <errno.h>

namespace xenmm::test
{

namespace
{

// L1_DISALLOW_MASK of a release build: PWT, PCD and PAT; GLOBAL is allowed.
constexpr uint64_t kDisallowed = 0x98;
// FASTPATH_FLAG_WHITELIST, and the bits that nobody looks at.
constexpr uint64_t kFastPath = Pte::kAccessedDirty | (1ULL << 8) | (1ULL << 2) | (1ULL << 63) |
			       (7ULL << 9) | (0x3ffULL << 52);
// Xen restarts the hypercall of a domain that it has just crashed.
constexpr int kRestart = 85;

bool is_writable(uint64_t entry)
{
	return entry & Pte::kWritable;
}
unsigned slot_number(uint64_t address)
{
	return (address & (kPageBytes - 1)) >> 3;
}

} // namespace

void Tlbs::flush_all()
{
	for (OneTlb &tlb : tlbs_)
		tlb.clear();
	users_.clear();
}

void Tlbs::flush_page(unsigned cpu, VirtAddr page)
{
	auto cached = tlbs_[cpu].find(page.bytes);
	if (cached == tlbs_[cpu].end())
		return;
	auto users = users_.find(cached->second.frame.number);
	if (!--users->second)
		users_.erase(users);
	tlbs_[cpu].erase(cached);
}

const Tlbs::Translation *Tlbs::find(unsigned cpu, VirtAddr page) const
{
	auto cached = tlbs_[cpu].find(page.bytes);
	return cached == tlbs_[cpu].end() ? nullptr : &cached->second;
}

const Tlbs::Translation *Tlbs::fill(unsigned cpu, VirtAddr page, Translation translation)
{
	users_[translation.frame.number]++;
	return &(tlbs_[cpu][page.bytes] = translation);
}

void Hypervisor::enter(const char *what)
{
	nr_entered_++;
	if (!is_pv_)
		violations_.add(std::string("hypercall without a hypervisor: ") + what);
}

int Hypervisor::mmu_update(const xen::Update *updates, uint32_t count, uint32_t *done)
{
	enter("mmu_update");
	calls_.mmu_update++;
	if (int error = hypercall_fuse.blow())
		return error; // *done stays as it was
	return do_mmu_update(updates, count, done, Via::kMmuUpdate);
}

// The kernel's queue: nobody learns of an error.
void Hypervisor::lazy_update(const xen::Update *updates, uint32_t count)
{
	enter("lazy");
	calls_.lazy++;
	(void)do_mmu_update(updates, count, nullptr, Via::kLazy);
}

// do_mmu_update: the first error ends it, *pdone counts what was applied.
int Hypervisor::do_mmu_update(const xen::Update *updates, uint32_t count, uint32_t *done, Via via)
{
	int error = 0;
	uint32_t i = 0;
	for (; i < count && !error; i++)
		error = update_one(updates[i], via);
	if (done)
		*done = error ? i - 1 : i;
	return error;
}

int Hypervisor::update_one(const xen::Update &update, Via via)
{
	uint64_t command = update.ptr & 7; // sizeof(l1_pgentry_t) - 1
	if (command == MMU_MACHPHYS_UPDATE)
		return update_machphys(update);
	if (command > MMU_PT_UPDATE_NO_TRANSLATE) // no difference for a PV guest
		return -ENOSYS;
	auto pfn = memory_.pfn_of({update.ptr >> kPageShift});
	if (!pfn)
		return -EINVAL; // get_page_from_gfn failed
	Frame &frame = memory_.frame(*pfn);
	if (frame.kind == Kind::kUpper)
		return modify_hook(*memory_.upper_of(*pfn), slot_number(update.ptr), update.val);
	if (is_page_table(frame))
		return modify(frame, slot_number(update.ptr), update.val,
			      command == MMU_PT_UPDATE_PRESERVE_AD, via);
	store_silently(frame, *pfn, update);
	return 0;
}

// Xen's table of all frames is nothing that the module has to do with.
int Hypervisor::update_machphys(const xen::Update &update)
{
	if (!memory_.pfn_of({update.ptr >> kPageShift}))
		return -EINVAL;
	violations_.add("the machine-to-physical table was written");
	return 0;
}

// mm.c: PGT_writable_page, the silent store of hazards.md, rule 1. Also into a table that
// is none for Xen at the time.
void Hypervisor::store_silently(Frame &frame, Pfn pfn, const xen::Update &update)
{
	violations_.add("silent store into ordinary memory, pfn " + std::to_string(pfn.number));
	if (frame.kind == Kind::kTable)
		memory_.entries(frame)[slot_number(update.ptr)] = update.val;
	else
		frame.content = update.val;
}

// do_update_va_mapping, with the linear page table of the current address space.
int Hypervisor::update_va_mapping(VirtAddr address, uint64_t value)
{
	enter("update_va_mapping");
	calls_.va_mapping++;
	if (int error = hypercall_fuse.blow())
		return error;
	return do_va_mapping(address, value, UVMF_NONE);
}

int Hypervisor::do_va_mapping(VirtAddr address, uint64_t value, uint64_t flags)
{
	if (address >= VirtAddr{kAliasBase})
		return map_alias(address, value, flags);
	Frame *table = address.is_twin() ? nullptr : memory_.table(address);
	if (!table)
		return -EINVAL; // map_guest_l1e failed
	return modify(*table, address.slot(), value, false, Via::kVaMapping);
}

int Hypervisor::multicall(xen::Call *calls, uint32_t count)
{
	enter("multicall");
	calls_.multicall++;
	if (int error = hypercall_fuse.blow())
		return error;
	for (uint32_t i = 0; i < count; i++)
		calls[i].result = static_cast<xen_ulong_t>(static_cast<long>(do_call(calls[i])));
	return 0;
}

int Hypervisor::do_call(const xen::Call &call)
{
	if (call.op == __HYPERVISOR_update_va_mapping)
		return do_va_mapping({call.args[0]}, call.args[1], call.args[2]);
	bool is_extended = call.op == __HYPERVISOR_mmuext_op && call.args[1] == 1;
	if (!is_extended && call.op != __HYPERVISOR_mmu_update)
		return -ENOSYS;
	if (call.args[3] != DOMID_SELF)
		return -EPERM;
	if (is_extended)
		return do_mmuext_op(*reinterpret_cast<const xen::ExtendedOp *>(call.args[0]));
	return do_mmu_update(reinterpret_cast<const xen::Update *>(call.args[0]),
			     static_cast<uint32_t>(call.args[1]),
			     reinterpret_cast<uint32_t *>(call.args[2]), Via::kMmuUpdate);
}

int Hypervisor::do_mmuext_op(const xen::ExtendedOp &op)
{
	switch (op.cmd) {
	case MMUEXT_TLB_FLUSH_ALL:
		calls_.flushes++;
		flush_tlbs();
		return 0;
	case MMUEXT_PIN_L1_TABLE:
		return pin({op.arg1.mfn});
	case MMUEXT_UNPIN_TABLE:
		return unpin({op.arg1.mfn});
	}
	return -ENOSYS;
}

void Hypervisor::flush_all()
{
	enter("mmuext_op");
	calls_.mmuext_op++;
	calls_.flushes++;
	flush_tlbs();
}

// With them go the hints where tables are, so what was unhooked is walked no more.
void Hypervisor::flush_tlbs()
{
	tlbs_.flush_all();
	for (uint64_t number : memory_.all_tables())
		memory_.frame({number}).walked = false;
}

// ptwr_emulated_update: a refused entry comes back to the guest as a page fault.
int Hypervisor::emulate_store(const uint64_t *entry, uint64_t value)
{
	enter("trap");
	calls_.traps++;
	Frame *table = memory_.table_of(entry);
	if (!table) {
		violations_.add("store into memory that is no page table");
		return 0;
	}
	if (!table->is_validated())
		return -EFAULT; // ptwr_do_page_fault: read-only memory, and no page table
	unsigned slot = slot_number(reinterpret_cast<uintptr_t>(entry));
	return modify(*table, slot, value, false, Via::kTrap) ? -EFAULT : 0;
}

// mod_l1_entry
int Hypervisor::modify(Frame &table, unsigned slot, uint64_t value, bool preserve_ad, Via via)
{
	if (before_entry)
		before_entry(table.base.page(slot));
	uint64_t old = memory_.entries(table)[slot];
	if (int error = entry_fuse.blow())
		return error;
	if (int error = check_new(table, old, value))
		return error;
	bool same_frame = ((old ^ value) & Pte::kFrameMask) == 0;
	if (preserve_ad && !(is_present(old) && is_present(value) && same_frame))
		violations_.add("PRESERVE_AD not from present to present of the same frame");
	write(table, slot, adjust(value) | (preserve_ad ? old & Pte::kAccessedDirty : 0), via);
	return 0;
}

int Hypervisor::check_new(const Frame &table, uint64_t old, uint64_t value)
{
	if (!table.locked)
		violations_.add("entry of a table that is not locked was changed");
	if (!table.page_pinned)
		violations_.add("entry of a table that is not pinned was changed");
	if (!is_present(value)) // pv_l1tf_check_l1e
		return (value & Pte::kFrameMask) ? crash("absent entry with address bits") : 0;
	bool is_fast = is_present(old) && !((old ^ value) & ~kFastPath);
	if (is_fast && !(value & kDisallowed))
		return 0;
	return check_present(value);
}

// get_page_from_l1e
int Hypervisor::check_present(uint64_t value)
{
	if (value & kDisallowed)
		return -EINVAL; // "Bad L1 flags"
	return check_mapping(value);
}

int Hypervisor::check_mapping(uint64_t value)
{
	Mfn mfn = Pte(value).frame();
	if ((value & Pte::kFrameMask) == Pte::kFrameMask)
		return -EINVAL; // INVALID_MFN
	if (!GuestMemory::is_machine_memory(mfn))
		return -EPERM; // "Non-privileged attempt to map I/O space"
	auto pfn = memory_.pfn_of(mfn);
	if (!pfn)
		return -EBUSY; // could_not_pin: another domain's frame
	if (refused_pfns.contains(pfn->number) ||
	    (is_writable(value) && refused_writable_pfns.contains(pfn->number)))
		return -EPERM;
	if (is_writable(value) && is_page_table(memory_.frame(*pfn)))
		return -EBUSY; // could_not_pin: no PGT_writable_page
	if (memory_.frame(*pfn).kind == Kind::kFree)
		violations_.add("a free page was mapped"); // Xen would not notice
	return 0;
}

// For Xen, which watches over what it has validated, or is validating.
bool Hypervisor::is_page_table(const Frame &frame) const
{
	return frame.kind == Kind::kUpper || &frame == promoted_ ||
	       (frame.kind == Kind::kTable && frame.is_validated());
}

void Hypervisor::write_unchecked(Frame &table, unsigned slot, uint64_t value, Via via)
{
	if (via == Via::kNative && !table.locked)
		violations_.add("entry of a table that is not locked was changed");
	write(table, slot, value, via);
}

void Hypervisor::write(Frame &table, unsigned slot, uint64_t value, Via via)
{
	uint64_t &entry = memory_.entries(table)[slot];
	if (value && !is_present(value))
		violations_.add("an entry is neither empty nor present: Linux sees swap");
	account(value, 1);
	account(entry, -1);
	uint64_t old = entry;
	entry = value;
	record(table, slot, old, value, via);
}

void Hypervisor::record(const Frame &table, unsigned slot, uint64_t old, uint64_t now, Via via)
{
	writes_.push_back({table.base.page(slot), old, now, via, is_leaving, nr_entered_});
	if (on_write)
		on_write(writes_.back());
}

bool Hypervisor::has_refused() const
{
	return entry_fuse.has_blown() || hypercall_fuse.has_blown() || step_fuse.has_blown() ||
	       validation_fuse.has_blown() || !refused_pfns.empty() ||
	       !refused_writable_pfns.empty();
}

void Hypervisor::account(uint64_t entry, int direction)
{
	auto pfn = memory_.pfn_of(Pte(entry).frame());
	if (!is_present(entry) || !pfn)
		return;
	memory_.frame(*pfn).mapped += direction;
	if (is_writable(entry))
		memory_.frame(*pfn).writable += direction;
}

void Hypervisor::mark_entry(Frame &table, unsigned slot, uint64_t bits)
{
	memory_.entries(table)[slot] |= bits;
}

int Hypervisor::crash(const char *why)
{
	violations_.add(std::string("domain crashed: ") + why);
	crashed_ = true;
	return -kRestart;
}

void Hypervisor::remap_all(uint64_t seed)
{
	std::vector<std::pair<uint64_t *, Pfn>> present;
	for (uint64_t table : memory_.all_tables()) {
		uint64_t *entries = memory_.entries(memory_.frame({table}));
		for (unsigned slot = 0; slot < kTableEntries; slot++)
			if (is_present(entries[slot]))
				present.push_back({&entries[slot],
						   *memory_.pfn_of(Pte(entries[slot]).frame())});
	}
	memory_.scramble(seed);
	for (auto [entry, pfn] : present)
		*entry = Pte::of(memory_.mfn_of(pfn), *entry & ~Pte::kFrameMask).bits();
	tlbs_.flush_all();
}

} // namespace xenmm::test
