// SPDX-License-Identifier: GPL-2.0
// What the core asks of the world: page-table memory, hypercalls, pages, a clock.
// LinuxBackend (src/core) forwards to the glue, FakeXen (selftests/host) plays Xen.
// Compile-time dispatch: each call on the hot path is a direct one.
#pragma once

#include "xenmm/abi.h"
#include "xenmm/counters.hpp"
#include "xenmm/result.hpp"
#include "xenmm/types.hpp"
#include "xenmm/xen_abi.hpp"

namespace xenmm
{

// [from, to) of one area.
struct Extent {
	VirtAddr from;
	VirtAddr to;
};

// Contexts and errors are those of the xenmm_k_* function of the same purpose in
// abi.h; int results are 0 or a negative errno, as Xen gives them.
// clang-format off
template <class B>
concept Backend = requires(B &b, const B &cb, VirtAddr va, xenmm_table &table, uint64_t *entry,
			   xen::Update *updates, xen::Call *calls, uint32_t n, uint32_t *done,
			   uint64_t value, bool flag, const Counters &counters, Pfn pfn,
			   xenmm_hooks &hooks, xenmm_flips &flips) {
	{ b.zalloc(value) } -> SameAs<void *>;
	b.free(static_cast<void *>(nullptr));
	{ b.page_alloc(flag) } -> SameAs<Result<Pfn>>;
	b.page_free(pfn);
	{ b.charge(value) } -> SameAs<Result<void>>;
	b.uncharge(value);

	{ b.extent(va) } -> SameAs<Result<Extent>>;
	{ b.table_make(va) } -> SameAs<Result<void>>;
	{ b.table_lock(va, n, &table, table) } -> SameAs<Result<void>>;
	b.table_unlock(table);
	{ b.table_hooks(va, table, hooks) } -> SameAs<Result<void>>;
	{ b.orphan_lock(va, entry, table, hooks) } -> SameAs<Result<void>>;
	b.arena_died();
	b.table_lost();
	b.write_noted();
	b.trace_batch_begin(va, n);
	b.trace_batch_end(va, n, n, 0);
	b.trace_rebuilt(va, n);
	b.trace_flipped(va, n);
	{ b.twin_alloc(va) } -> SameAs<Result<Pfn>>;
	b.twin_free(pfn);
	{ b.twin_lock(va, pfn, n, &table, table) } -> SameAs<Result<void>>;
	{ b.twin_hooks(pfn, hooks) } -> SameAs<uint64_t *>;
	{ b.flips_lock(va, n, flag, flips) } -> SameAs<Result<void>>;
	b.flips_unlock(flips);
	{ b.table_pfn(value) } -> SameAs<Pfn>;
	{ b.pte_flags(flag) } -> SameAs<uint64_t>;
	{ b.to_mfn(pfn) } -> SameAs<Mfn>;

	{ b.store(entry, value) } -> SameAs<int>;
	b.store_native(entry, value);
	{ b.mmu_update(updates, n, done) } -> SameAs<int>;
	{ b.update_va_mapping(va, value) } -> SameAs<int>;
	{ b.multicall(calls, n) } -> SameAs<int>;
	b.flush();
	b.lazy_enter();
	b.lazy_set(table, va, value, flag);
	b.lazy_leave();
	b.zap(va, value);

	{ b.breathe(flag) } -> SameAs<Result<void>>;
	{ b.cycles() } -> SameAs<uint64_t>;
	{ b.cost() } -> SameAs<xenmm_cost>;
	b.count(counters);
};
// clang-format on

} // namespace xenmm
