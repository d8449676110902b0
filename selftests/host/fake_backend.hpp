// SPDX-License-Identifier: GPL-2.0
// The Backend of host tests: a handle to a FakeXen, because an Arena keeps a copy
// of its backend. Each function is one call.
#pragma once

#include "fake_xen.hpp"

namespace xenmm::test
{

class FakeBackend
{
public:
	explicit FakeBackend(FakeXen &xen) : xen_(&xen) {}

	void *zalloc(uint64_t bytes) { return xen_->zalloc(bytes); }
	void free(void *memory) { xen_->free(memory); }
	Result<Pfn> page_alloc(bool optional) { return xen_->page_alloc(optional); }
	void page_free(Pfn pfn) { xen_->page_free(pfn); }
	Result<void> charge(uint64_t pages) { return xen_->charge(pages); }
	void uncharge(uint64_t pages) { xen_->uncharge(pages); }

	Result<Extent> extent(VirtAddr address) { return xen_->extent(address); }
	Result<void> table_make(VirtAddr address) { return xen_->table_make(address); }
	Result<void> table_lock(VirtAddr address, uint32_t depth, const xenmm_table *previous,
				xenmm_table &table)
	{
		return xen_->table_lock(address, depth, previous, table);
	}
	void table_unlock(xenmm_table &table) { xen_->table_unlock(table); }
	Result<void> table_hooks(VirtAddr address, const xenmm_table &table, xenmm_hooks &hooks)
	{
		return xen_->table_hooks(address, table, hooks);
	}
	Result<void> orphan_lock(VirtAddr address, uint64_t *entries, xenmm_table &table,
				 xenmm_hooks &hooks)
	{
		return xen_->orphan_lock(address, entries, table, hooks);
	}
	void arena_died() { xen_->arena_died(); }
	void write_noted() { xen_->write_noted(); }
	void table_lost() { xen_->table_lost(); }
	void trace_batch_begin(VirtAddr first, uint32_t updates)
	{
		xen_->trace_batch_begin(first, updates);
	}
	void trace_batch_end(VirtAddr first, uint32_t updates, uint32_t done, int error)
	{
		xen_->trace_batch_end(first, updates, done, error);
	}
	void trace_rebuilt(VirtAddr table, uint32_t) { xen_->trace_rebuilt(table, 1); }
	void trace_flipped(VirtAddr first, uint32_t tables) { xen_->trace_flipped(first, tables); }
	Result<Pfn> twin_alloc(VirtAddr address) { return xen_->twin_alloc(address); }
	void twin_free(Pfn pfn) { xen_->twin_free(pfn); }
	Result<void> twin_lock(VirtAddr address, Pfn pfn, uint32_t depth,
			       const xenmm_table *previous, xenmm_table &table)
	{
		return xen_->twin_lock(address, pfn, depth, previous, table);
	}
	uint64_t *twin_hooks(Pfn pfn, xenmm_hooks &hooks) { return xen_->twin_hooks(pfn, hooks); }
	Result<void> flips_lock(VirtAddr address, uint32_t count, bool leaving, xenmm_flips &flips)
	{
		return xen_->flips_lock(address, count, leaving, flips);
	}
	void flips_unlock(xenmm_flips &flips) { xen_->flips_unlock(flips); }
	Pfn table_pfn(uint64_t l2_value) { return xen_->table_pfn(l2_value); }
	uint64_t pte_flags(bool writable) { return xen_->pte_flags(writable); }
	Mfn to_mfn(Pfn pfn) const { return xen_->to_mfn(pfn); }

	int store(uint64_t *entry, uint64_t value)
	{
		return xen_->hypervisor.emulate_store(entry, value);
	}
	void store_native(uint64_t *entry, uint64_t value) { xen_->store_native(entry, value); }
	int mmu_update(xen::Update *updates, uint32_t count, uint32_t *done)
	{
		return xen_->hypervisor.mmu_update(updates, count, done);
	}
	int update_va_mapping(VirtAddr address, uint64_t value)
	{
		return xen_->hypervisor.update_va_mapping(address, value);
	}
	int multicall(xen::Call *calls, uint32_t count)
	{
		return xen_->hypervisor.multicall(calls, count);
	}
	void flush() { xen_->hypervisor.flush_all(); }
	void lazy_enter() { xen_->lazy_enter(); }
	void lazy_set(const xenmm_table &table, VirtAddr address, uint64_t value, bool preserve_ad)
	{
		xen_->lazy_set(table, address, value, preserve_ad);
	}
	void lazy_leave() { xen_->lazy_leave(); }
	void zap(VirtAddr start, uint64_t length) { xen_->zap(start, length); }

	Result<void> breathe(bool yields) { return xen_->breathe(yields); }
	uint64_t cycles() { return xen_->cycles(); }
	xenmm_cost cost() { return xen_->cost(); }
	void count(const Counters &counters) { xen_->count(counters); }

private:
	FakeXen *xen_;
};

static_assert(Backend<FakeBackend>);

} // namespace xenmm::test
