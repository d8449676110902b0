// SPDX-License-Identifier: GPL-2.0
// The kernel's services of the fake guest. See fake_xen.hpp.
#include "fake_xen.hpp"

#include <stdlib.h>

#include <algorithm>

namespace xenmm::test
{

namespace
{

constexpr uint64_t kUser = 1ULL << 2;
constexpr uint64_t kSpecial = 1ULL << 9;
constexpr uint64_t kNoExecute = 1ULL << 63;

Result<void> result_of(int error)
{
	return to_errno(error);
}

} // namespace

FakeXen::FakeXen(bool is_pv, uint64_t seed)
	: memory(seed), hypervisor(memory, violations, is_pv), is_pv_(is_pv), seed_(seed)
{
}

FakeXen::~FakeXen()
{
	for (void *allocation : allocations_)
		::free(allocation);
}

void FakeXen::may_sleep(const char *what)
{
	if (!locked_.empty() || locked_upper_ || is_lazy_)
		violations.add(std::string("may sleep, but a table is locked: ") + what);
}

void *FakeXen::zalloc(uint64_t bytes)
{
	may_sleep("zalloc");
	if (zalloc_fuse.blow())
		return nullptr;
	void *allocation = calloc(1, bytes);
	allocations_.insert(allocation);
	return allocation;
}

void FakeXen::free(void *memory)
{
	if (memory && !allocations_.erase(memory))
		violations.add("free of memory that was not allocated");
	else
		::free(memory);
}

Result<Pfn> FakeXen::page_alloc(bool optional)
{
	may_sleep("page_alloc");
	if (page_fuse.blow() || (optional && refuse_optional))
		return Errno::kNoMem;
	return memory.take(Kind::kRam);
}

void FakeXen::page_free(Pfn pfn)
{
	const Frame &frame = memory.frame(pfn);
	std::string name = "pfn " + std::to_string(pfn.number);
	if (pfn.number >= kGuestPages || frame.kind != Kind::kRam)
		return violations.add("freed twice, or never allocated: " + name);
	if (frame.mapped)
		violations.add("freed while an entry maps it: " + name);
	if (hypervisor.tlbs().holds(memory.mfn_of(pfn)))
		violations.add("freed while a TLB maps it: " + name);
	memory.give_back(pfn);
}

Result<void> FakeXen::charge(uint64_t pages)
{
	if (charge_fuse.blow() || charged_ + pages > charge_limit)
		return Errno::kNoMem;
	charged_ += pages;
	return {};
}

void FakeXen::uncharge(uint64_t pages)
{
	if (pages > charged_)
		violations.add("uncharged more than was charged");
	charged_ -= pages;
}

namespace
{

using Areas = std::map<uint64_t, uint64_t>;

Result<Extent> area_of(const Areas &areas, VirtAddr address)
{
	auto after = areas.upper_bound(address.bytes);
	if (after == areas.begin())
		return Errno::kInval;
	auto [from, to] = *std::prev(after);
	if (address.bytes >= to)
		return Errno::kInval;
	return Extent{{from}, {to}};
}

} // namespace

Result<Extent> FakeXen::extent(VirtAddr address)
{
	return area_of(extents_, address);
}

bool FakeXen::is_mapped(VirtAddr address) const
{
	return hypervisor.is_leaving || area_of(extents_, address).ok();
}

bool FakeXen::owns_span(VirtAddr address) const
{
	VirtAddr base = address.table_base();
	if (auto area = area_of(extents_, base); area.ok())
		return base.bytes + kSpanBytes <= area.value().to.bytes;
	return hypervisor.is_leaving;
}

Result<void> FakeXen::table_make(VirtAddr address)
{
	may_sleep("table_make");
	if (int error = table_make_fuse.blow())
		return result_of(error);
	if (!memory.table(address) && !is_mapped(address))
		return Errno::kInval;
	if (memory.table(address))
		return {};
	memory.make_table(address.table_base(), has_split_locks && is_pv_);
	return {};
}

Result<void> FakeXen::table_lock(VirtAddr address, uint32_t depth, const xenmm_table *previous,
				 xenmm_table &table)
{
	check_order(depth, previous);
	if (int error = table_lock_fuse.blow())
		return result_of(error);
	if (!is_mapped(address))
		return Errno::kInval;
	Frame *found = memory.table(address);
	if (!found)
		return Errno::kNoEntry;
	if (is_pv_ && !found->page_pinned)
		return Errno::kIo;
	lock(*found, table);
	return {};
}

void FakeXen::check_order(uint32_t depth, const xenmm_table *previous)
{
	if (depth != locked_.size())
		violations.add("table_lock: wrong depth");
	if (!previous != locked_.empty() || (previous && frame_of(*previous) != locked_.back()))
		violations.add("table_lock: wrong previous table");
}

void FakeXen::lock(Frame &found, xenmm_table &table)
{
	if (!locked_.empty() && !(locked_.back()->base < found.base))
		violations.add("table_lock: not in ascending order");
	found.locked = true;
	locked_.push_back(&found);
	max_locked_ = std::max<uint64_t>(max_locked_, locked_.size());
	uint64_t maddr = is_pv_ ? memory.maddr_of(found).bytes : 0;
	table = {memory.guest_view(found), maddr, &found, nullptr};
}

Frame *FakeXen::frame_of(const xenmm_table &table)
{
	return static_cast<Frame *>(table.lock);
}

void FakeXen::table_unlock(xenmm_table &table)
{
	auto found = std::find(locked_.begin(), locked_.end(), frame_of(table));
	if (is_lazy_)
		violations.add("unlocked inside lazy mode");
	if (found == locked_.end())
		return violations.add("unlock of a table that is not locked");
	(*found)->locked = false;
	locked_.erase(found);
}

uint64_t FakeXen::pte_flags(bool writable) const
{
	uint64_t flags = Pte::kPresent | kUser | Pte::kAccessed | kSpecial | kNoExecute;
	return writable ? flags | Pte::kWritable : flags;
}

Mfn FakeXen::to_mfn(Pfn pfn)
{
	if (locked_.empty() && !locked_upper_)
		violations.add("a machine address outside a critical section");
	return memory.mfn_of(pfn); // also the native fake scrambles: a "physical" frame
}

void FakeXen::store_native(const uint64_t *entry, uint64_t value)
{
	if (is_pv_)
		violations.add("native store under Xen PV");
	Frame *table = memory.table_of(entry);
	if (!table)
		return violations.add("native store into memory that is no page table");
	unsigned slot = (reinterpret_cast<uintptr_t>(entry) & (kPageBytes - 1)) >> 3;
	hypervisor.write_unchecked(*table, slot, value, Via::kNative);
}

void FakeXen::lazy_enter()
{
	if (is_lazy_ || locked_.empty())
		violations.add("lazy_enter: nested, or no table is locked");
	is_lazy_ = true;
}

// set_pte, or ptep_modify_prot_commit, in lazy mode.
void FakeXen::lazy_set(const xenmm_table &table, VirtAddr address, uint64_t value, bool preserve_ad)
{
	if (!is_lazy_)
		violations.add("lazy_set outside lazy mode");
	uint64_t command = preserve_ad ? MMU_PT_UPDATE_PRESERVE_AD : MMU_NORMAL_PT_UPDATE;
	push_lazy({(table.maddr + address.slot() * sizeof(Pte)) | command, value});
}

void FakeXen::push_lazy(const xen::Update &update)
{
	lazy_queue_.push_back(update);
	if (lazy_queue_.size() == kLazyQueue)
		flush_lazy();
}

void FakeXen::flush_lazy()
{
	if (!lazy_queue_.empty())
		hypervisor.lazy_update(lazy_queue_.data(), lazy_queue_.size());
	lazy_queue_.clear();
}

void FakeXen::lazy_leave()
{
	if (!is_lazy_)
		violations.add("lazy_leave outside lazy mode");
	flush_lazy();
	is_lazy_ = false;
}

// zap_vma_ptes: clears, flushes every vCPU, tells the notifiers.
void FakeXen::zap(VirtAddr start, uint64_t length)
{
	may_sleep("zap");
	if (is_pv_)
		violations.add("zap under Xen PV");
	zaps_++;
	for (VirtAddr page = start; page.bytes < start.bytes + length; page = page.page(1)) {
		Frame *table = memory.table(page);
		if (table)
			clear_entries(*table, page.slot(), page.slot() + 1, Via::kZap);
		for (unsigned cpu = 0; cpu < kCpus; cpu++)
			hypervisor.tlbs().flush_page(cpu, page);
	}
}

void FakeXen::clear_entries(Frame &table, unsigned from, unsigned to, Via via)
{
	for (unsigned slot = from; slot < to; slot++)
		if (memory.entries(table)[slot])
			hypervisor.write_unchecked(table, slot, 0, via);
}

Result<void> FakeXen::breathe(bool yields)
{
	may_sleep("breathe");
	if (int error = breathe_fuse.blow())
		return result_of(error);
	if (yields && while_yielding)
		while_yielding();
	if (remap_on_breathe)
		remap_all();
	return {};
}

void FakeXen::trace_batch_begin(VirtAddr first, uint32_t updates)
{
	if (traced_begin_ || !updates)
		violations.add("a batch was traced to begin within another, or of nothing");
	traced_begin_ = first.bytes;
	traced_updates_ = updates;
}

void FakeXen::trace_batch_end(VirtAddr first, uint32_t updates, uint32_t done, int error)
{
	if (traced_begin_ != first.bytes || traced_updates_ != updates)
		violations.add("another batch was traced to end than to begin");
	if (done > updates || (!error && done < updates))
		violations.add("a batch was traced to do more or less than it did");
	traced_begin_ = 0;
}

void FakeXen::trace(uint64_t &sum, VirtAddr table, uint32_t tables)
{
	if (table.bytes != table.table_base().bytes || !tables)
		violations.add("a trace event of no table");
	sum += tables;
}

void FakeXen::count(const Counters &counters)
{
	for (unsigned i = 0; i < XENMM_NR_COUNTERS; i++) {
		totals_.counter[i] += counters.counts().counter[i];
		ever_.counter[i] += counters.counts().counter[i];
	}
	for (unsigned i = 0; i < XENMM_NR_BUCKETS; i++)
		totals_.bucket[i] += counters.counts().bucket[i];
}

} // namespace xenmm::test
