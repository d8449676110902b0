// SPDX-License-Identifier: GPL-2.0
// A guest with one arena's address space on the fake hypervisor: the services of
// xenmm_k_*, with the rules of abi.h checked at each call (contexts, lock order,
// balances) and a fuse in each that may fail. Also the machine as a process sees
// it: access() reads and writes memory through a vCPU's TLB.
#pragma once

#include <memory>
#include <set>
#include <utility>

#include "fake_hypervisor.hpp"
#include "xenmm/backend.hpp"
#include "xenmm/planner.hpp"

namespace xenmm::test
{

// The kernel's queue: MC_ARGS / sizeof(mmu_update), less one (multicalls.c).
inline constexpr unsigned kLazyQueue = 31;

enum class Access { kDone, kNotPresent, kReadOnly };

class FakeXen
{
public:
	explicit FakeXen(bool is_pv = true, uint64_t seed = 1);
	~FakeXen();

	// --- services, see abi.h
	void *zalloc(uint64_t bytes);
	void free(void *memory);
	Result<Pfn> page_alloc(bool optional);
	void page_free(Pfn pfn);
	Result<void> charge(uint64_t pages);
	void uncharge(uint64_t pages);
	Result<Extent> extent(VirtAddr address);
	Result<void> table_make(VirtAddr address);
	Result<void> table_lock(VirtAddr address, uint32_t depth, const xenmm_table *previous,
				xenmm_table &table);
	void table_unlock(xenmm_table &table);
	Result<void> table_hooks(VirtAddr address, const xenmm_table &table, xenmm_hooks &hooks);
	Result<void> orphan_lock(VirtAddr address, uint64_t *entries, xenmm_table &table,
				 xenmm_hooks &hooks);
	void arena_died() { deaths_++; }
	void table_lost() { tables_lost_++; }
	void write_noted() { writes_noted_++; }
	uint64_t writes_noted() const { return writes_noted_; }
	void trace_batch_begin(VirtAddr first, uint32_t updates);
	void trace_batch_end(VirtAddr first, uint32_t updates, uint32_t done, int error);
	void trace_rebuilt(VirtAddr table, uint32_t tables)
	{
		trace(traced_rebuilt_, table, tables);
	}
	void trace_flipped(VirtAddr first, uint32_t tables)
	{
		trace(traced_flipped_, first, tables);
	}
	Result<Pfn> twin_alloc(VirtAddr address);
	void twin_free(Pfn pfn);
	Result<void> twin_lock(VirtAddr address, Pfn pfn, uint32_t depth,
			       const xenmm_table *previous, xenmm_table &table);
	uint64_t *twin_hooks(Pfn pfn, xenmm_hooks &hooks);
	Result<void> flips_lock(VirtAddr address, uint32_t count, bool leaving, xenmm_flips &flips);
	void flips_unlock(xenmm_flips &flips);
	Pfn table_pfn(uint64_t l2_value);
	uint64_t pte_flags(bool writable) const;
	Mfn to_mfn(Pfn pfn);
	void store_native(const uint64_t *entry, uint64_t value);
	void lazy_enter();
	void lazy_set(const xenmm_table &table, VirtAddr address, uint64_t value, bool preserve_ad);
	void lazy_leave();
	void zap(VirtAddr start, uint64_t length);
	Result<void> breathe(bool yields);
	uint64_t cycles() { return ++cycles_; }
	xenmm_cost cost() const { return prices; }
	void count(const Counters &counters);

	// --- what tests arrange
	void add_extent(VirtAddr from, uint64_t bytes);
	// Of whole areas or parts of them.
	void remove_extent(Extent extent);
	// munmap or exit: the kernel clears and flushes; tables go.
	void unmap_all();
	// The table of this span becomes an ordinary page, its entries cleared first.
	void drop_table(VirtAddr base);
	void remap_all();

	Fuse zalloc_fuse, page_fuse, charge_fuse, table_make_fuse, table_lock_fuse, breathe_fuse;
	Fuse hooks_fuse, flips_fuse, orphan_fuse, twin_fuse;
	bool refuse_twins = false;   // there is no memory for any
	bool has_split_locks = true; // NR_CPUS of at least 4
	xenmm_cost prices = default_cost();
	// What others do while the locks are given away.
	std::function<void()> while_yielding;
	uint64_t charge_limit = ~0ULL;
	bool remap_on_breathe = false;
	bool refuse_optional = false;

	// --- what tests look at
	// A vCPU reads (into *content) or writes (from it) the page at `page`.
	Access access(unsigned cpu, VirtAddr page, bool write, uint64_t *content);
	uint64_t entry(VirtAddr page); // 0 where there is no table
	// Each cached translation must still be granted by the page tables.
	std::string stale_translations();
	std::vector<Write> &writes() { return hypervisor.writes(); }
	uint64_t total(xenmm_counter counter) const { return totals_.counter[counter]; }
	const xenmm_counts &totals() const { return totals_; }
	void forget_totals() { totals_ = {}; }
	uint64_t total_ever(xenmm_counter counter) const { return ever_.counter[counter]; }
	uint64_t pages_held() const { return memory.pages_of(Kind::kRam); }
	uint64_t charged() const { return charged_; }
	uint64_t zaps() const { return zaps_; }
	uint64_t max_locked() const { return max_locked_; }
	uint64_t deaths() const { return deaths_; }
	uint64_t tables_lost() const { return tables_lost_; }
	// Tables of which a trace event told.
	uint64_t traced_rebuilt() const { return traced_rebuilt_; }
	uint64_t traced_flipped() const { return traced_flipped_; }
	// Was a table of this span ever dropped with entries in it? Nobody told the arena.
	bool was_untold(VirtAddr base) const { return untold_.contains(base.bytes); }
	// "" when each table hangs at one place, or is the twin of one that does, pinned and
	// read-only.
	std::string badly_hooked();
	// Nothing held, charged, allocated or locked; no rule broken.
	std::string leaks() const;

	Violations violations;
	GuestMemory memory;
	Hypervisor hypervisor;

private:
	void may_sleep(const char *what);
	Frame *frame_of(const xenmm_table &table);
	void fill_alias(const Frame &table, xenmm_hooks &hooks);
	void fill_hooks(VirtAddr address, const Frame &table, xenmm_hooks &hooks);
	void lock(Frame &found, xenmm_table &table);
	void check_order(uint32_t depth, const xenmm_table *previous);
	std::string bad_hook(const Frame &table);
	bool is_mapped(VirtAddr address) const;
	bool owns_span(VirtAddr address) const;
	void push_lazy(const xen::Update &update);
	void flush_lazy();
	const Tlbs::Translation *translate(unsigned cpu, VirtAddr page, bool write);
	bool has_entries(const Frame &table);
	void clear_entries(Frame &table, unsigned from, unsigned to, Via via);

	bool is_pv_;
	std::set<void *> allocations_;
	uint64_t charged_ = 0;
	std::map<uint64_t, uint64_t> extents_; // from -> to
	void trace(uint64_t &sum, VirtAddr table, uint32_t tables);

	uint64_t deaths_ = 0, tables_lost_ = 0, writes_noted_ = 0;
	uint64_t traced_begin_ = 0; // the address of a batch under way, or 0
	uint32_t traced_updates_ = 0;
	uint64_t traced_rebuilt_ = 0, traced_flipped_ = 0;
	std::set<uint64_t> untold_; // bases
	std::vector<Frame *> locked_;
	Upper *locked_upper_ = nullptr;
	uint64_t max_locked_ = 0;
	std::vector<xen::Update> lazy_queue_;
	bool is_lazy_ = false;
	uint64_t seed_;
	uint64_t cycles_ = 0;
	uint64_t zaps_ = 0;
	xenmm_counts totals_ = {}, ever_ = {};
};

} // namespace xenmm::test
