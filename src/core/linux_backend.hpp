// SPDX-License-Identifier: GPL-2.0
// The backend inside the kernel: each function is one call over the C border.
#pragma once

#include "xenmm/backend.hpp"

namespace xenmm
{

class LinuxBackend
{
public:
	explicit LinuxBackend(xenmm_host *host) : host_(host), p2m_(xenmm_k_p2m(&p2m_length_)) {}

	void *zalloc(uint64_t bytes) { return xenmm_k_zalloc(bytes); }
	void free(void *memory) { xenmm_k_free(memory); }
	Result<Pfn> page_alloc(bool optional)
	{
		xenmm_u64 pfn = 0;
		if (int error = xenmm_k_page_alloc(optional, &pfn))
			return to_errno(error);
		return Pfn{pfn};
	}
	void page_free(Pfn pfn) { xenmm_k_page_free(pfn.number); }
	Result<void> charge(uint64_t pages) { return to_errno(xenmm_k_charge(host_, pages)); }
	void uncharge(uint64_t pages) { xenmm_k_uncharge(host_, pages); }

	Result<Extent> extent(VirtAddr address)
	{
		xenmm_u64 from = 0, to = 0;
		if (int error = xenmm_k_extent(host_, address.bytes, &from, &to))
			return to_errno(error);
		return Extent{{from}, {to}};
	}
	Result<void> table_make(VirtAddr address)
	{
		return to_errno(xenmm_k_table_make(host_, address.bytes));
	}
	Result<void> table_lock(VirtAddr address, uint32_t depth, const xenmm_table *previous,
				xenmm_table &table)
	{
		return to_errno(xenmm_k_table_lock(host_, address.bytes, depth, previous, &table));
	}
	void table_unlock(xenmm_table &table) { xenmm_k_table_unlock(&table); }
	Result<void> table_hooks(VirtAddr address, const xenmm_table &table, xenmm_hooks &hooks)
	{
		return to_errno(xenmm_k_table_hooks(host_, address.bytes, &table, &hooks));
	}
	Result<void> orphan_lock(VirtAddr address, uint64_t *entries, xenmm_table &table,
				 xenmm_hooks &hooks)
	{
		return to_errno(xenmm_k_orphan_lock(host_, address.bytes, entries, &table, &hooks));
	}
	void arena_died() { xenmm_k_arena_died(); }
	void trace_batch_begin(VirtAddr first, uint32_t updates)
	{
		xenmm_k_trace_batch_begin(first.bytes, updates);
	}
	void trace_batch_end(VirtAddr first, uint32_t updates, uint32_t done, int error)
	{
		xenmm_k_trace_batch_end(first.bytes, updates, done, error);
	}
	void trace_rebuilt(VirtAddr table, uint32_t changed)
	{
		xenmm_k_trace_rebuilt(table.bytes, changed);
	}
	void trace_flipped(VirtAddr first, uint32_t tables)
	{
		xenmm_k_trace_flipped(first.bytes, tables);
	}
	void write_noted() { xenmm_k_write_noted(host_); }
	void table_lost() { xenmm_k_table_lost(host_); }
	Result<Pfn> twin_alloc(VirtAddr address)
	{
		xenmm_u64 pfn = 0;
		if (int error = xenmm_k_twin_alloc(host_, address.bytes, &pfn))
			return to_errno(error);
		return Pfn{pfn};
	}
	void twin_free(Pfn pfn) { xenmm_k_twin_free(pfn.number); }
	Result<void> twin_lock(VirtAddr address, Pfn pfn, uint32_t depth,
			       const xenmm_table *previous, xenmm_table &table)
	{
		return to_errno(xenmm_k_twin_lock(host_, address.bytes, pfn.number, depth, previous,
						  &table));
	}
	uint64_t *twin_hooks(Pfn pfn, xenmm_hooks &hooks)
	{
		return xenmm_k_twin_hooks(pfn.number, &hooks);
	}
	Result<void> flips_lock(VirtAddr address, uint32_t count, bool leaving, xenmm_flips &flips)
	{
		return to_errno(xenmm_k_flips_lock(host_, address.bytes, count, leaving, &flips));
	}
	void flips_unlock(xenmm_flips &flips) { xenmm_k_flips_unlock(&flips); }
	Pfn table_pfn(uint64_t l2_value) { return {xenmm_k_table_pfn(l2_value)}; }
	uint64_t pte_flags(bool writable) { return xenmm_k_pte_flags(host_, writable); }

	// A pfn of our own page is always inside the table and never foreign.
	Mfn to_mfn(Pfn pfn) const
	{
		return {pfn.number < p2m_length_ ? p2m_[pfn.number] : pfn.number};
	}

	int store(uint64_t *entry, uint64_t value) { return xenmm_k_store(entry, value); }
	void store_native(uint64_t *entry, uint64_t value)
	{
		__atomic_store_n(entry, value, __ATOMIC_RELAXED);
	}
	int mmu_update(xen::Update *updates, uint32_t count, uint32_t *done)
	{
		return xenmm_k_mmu_update(updates, count, done);
	}
	// The caller flushes once for all: no flag of update_va_mapping is used.
	int update_va_mapping(VirtAddr address, uint64_t value)
	{
		return xenmm_k_update_va_mapping(address.bytes, value, UVMF_NONE);
	}
	int multicall(xen::Call *calls, uint32_t count) { return xenmm_k_multicall(calls, count); }
	void flush()
	{
		xen::ExtendedOp flush = xen::flush_all_op(); // cannot fail
		(void)xenmm_k_mmuext_op(&flush, 1);
	}
	void lazy_enter() { xenmm_k_lazy_enter(); }
	void lazy_set(const xenmm_table &table, VirtAddr address, uint64_t value, bool preserve_ad)
	{
		xenmm_k_lazy_set(&table, address.bytes, value, preserve_ad);
	}
	void lazy_leave() { xenmm_k_lazy_leave(); }
	void zap(VirtAddr start, uint64_t length) { xenmm_k_zap(host_, start.bytes, length); }

	Result<void> breathe(bool yields) { return to_errno(xenmm_k_breathe(host_, yields)); }
	uint64_t cycles() { return xenmm_k_cycles(); }
	xenmm_cost cost()
	{
		xenmm_cost cost;
		xenmm_k_cost(&cost);
		return cost;
	}
	void count(const Counters &counters) { xenmm_k_count(&counters.counts()); }

private:
	xenmm_host *host_;
	xenmm_u64 p2m_length_ = 0;
	const unsigned long *p2m_;
};

static_assert(Backend<LinuxBackend>);

} // namespace xenmm
