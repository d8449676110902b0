// SPDX-License-Identifier: GPL-2.0
// The core's side of the C border: opaque handles to Arena<LinuxBackend>, Result
// to int. No logic.
#include "linux_backend.hpp"
#include "xenmm/arena.hpp"
#include "xenmm/mapper.hpp"
#include "xenmm/planner.hpp"
#include "xenmm/request.hpp"

// The kernel has no <new>; this is the standard placement form.
inline void *operator new(size_t, void *where) noexcept
{
	return where;
}

using xenmm::to_int;
using KernelArena = xenmm::Arena<xenmm::LinuxBackend>;

struct xenmm_arena {
	KernelArena arena;
};

struct xenmm_mapper_core {
	xenmm::Mapper<xenmm::LinuxBackend> mapper;
};

namespace
{

constexpr const char *kCounterNames[] = {
#define XENMM_COUNTER_NAME(name) #name,
	XENMM_COUNTERS(XENMM_COUNTER_NAME)
#undef XENMM_COUNTER_NAME
};

constexpr const char *kKernelNames[] = {
#define XENMM_KERNEL_NAME(name) #name,
	XENMM_KERNEL_COUNTERS(XENMM_KERNEL_NAME)
#undef XENMM_KERNEL_NAME
};

constexpr const char *kCostNames[] = {
#define XENMM_COST_NAME(name) #name,
	XENMM_COSTS(XENMM_COST_NAME)
#undef XENMM_COST_NAME
};

} // namespace

extern "C" {

xenmm_u32 xenmm_methods(enum xenmm_guest_kind kind)
{
	return kind == XENMM_KIND_XEN_PV ? xenmm::kPvMethods : xenmm::kNativeMethods;
}

const char *xenmm_counter_name(xenmm_u32 counter)
{
	return kCounterNames[counter];
}

const char *xenmm_kernel_counter_name(xenmm_u32 counter)
{
	return kKernelNames[counter];
}

const char *xenmm_cost_name(xenmm_u32 item)
{
	return kCostNames[item];
}

void xenmm_cost_default(struct xenmm_cost *cost)
{
	*cost = xenmm::default_cost();
}

int xenmm_arena_create(struct xenmm_host *host, enum xenmm_guest_kind kind,
		       struct xenmm_arena **arena)
{
	void *memory = xenmm_k_zalloc(sizeof(xenmm_arena));
	if (!memory)
		return to_int(xenmm::Errno::kNoMem);
	bool is_pv = kind == XENMM_KIND_XEN_PV;
	*arena = new (memory) xenmm_arena{KernelArena(xenmm::LinuxBackend(host), is_pv)};
	return 0;
}

void xenmm_arena_destroy(struct xenmm_arena *arena)
{
	xenmm_k_free(arena);
}

int xenmm_arena_attach(struct xenmm_arena *arena, xenmm_u64 base, xenmm_u64 length)
{
	return to_int(arena->arena.attach({base}, length).error());
}

void xenmm_arena_retire(struct xenmm_arena *arena, xenmm_u64 from, xenmm_u64 to)
{
	arena->arena.retire({{from}, {to}});
}

void xenmm_arena_oust(struct xenmm_arena *arena, xenmm_u64 from, xenmm_u64 to)
{
	arena->arena.oust({{from}, {to}});
}

void xenmm_arena_mend(struct xenmm_arena *arena)
{
	arena->arena.mend();
}

void xenmm_arena_detach(struct xenmm_arena *arena)
{
	arena->arena.detach();
}

int xenmm_request_check(const struct xenmm_request *request, enum xenmm_guest_kind kind)
{
	return to_int(xenmm::check_request(*request, xenmm_methods(kind)).error());
}

int xenmm_request_is_exclusive(const struct xenmm_request *request,
			       const struct xenmm_piece *pieces, enum xenmm_guest_kind kind)
{
	xenmm_cost cost;
	xenmm_k_cost(&cost);
	bool is_pv = kind == XENMM_KIND_XEN_PV;
	return xenmm::is_exclusive(*request, xenmm::Ranges(pieces, request->nr_pieces), is_pv,
				   cost);
}

int xenmm_arena_run(struct xenmm_arena *arena, struct xenmm_request *request,
		    const struct xenmm_piece *pieces)
{
	xenmm::Ranges ranges(pieces, request->nr_pieces);
	return to_int(arena->arena.run(*request, ranges).error());
}

int xenmm_arena_fault(struct xenmm_arena *arena, xenmm_u64 address, int write, xenmm_u32 window,
		      xenmm_u64 from, xenmm_u64 to)
{
	return to_int(arena->arena.fault({address}, write, window, {{from}, {to}}).error());
}

int xenmm_arena_write(struct xenmm_arena *arena, xenmm_u64 address)
{
	return to_int(arena->arena.write({address}).error());
}

int xenmm_arena_shield(struct xenmm_arena *arena, const struct xenmm_piece *pieces,
		       xenmm_u32 nr_pieces, struct xenmm_shielded *shielded)
{
	xenmm::Ranges ranges(pieces, nr_pieces);
	return to_int(arena->arena.shield(ranges, *shielded).error());
}

int xenmm_arena_collect(struct xenmm_arena *arena, struct xenmm_harvest *harvest)
{
	return to_int(arena->arena.collect(*harvest).error());
}

void xenmm_arena_uncollect(struct xenmm_arena *arena, const struct xenmm_harvest *harvest)
{
	arena->arena.uncollect(*harvest);
}

int xenmm_mapper_core_create(struct xenmm_host *host, enum xenmm_guest_kind kind,
			     struct xenmm_mapper_core **core)
{
	void *memory = xenmm_k_zalloc(sizeof(xenmm_mapper_core));
	if (!memory)
		return to_int(xenmm::Errno::kNoMem);
	bool is_pv = kind == XENMM_KIND_XEN_PV;
	*core = new (memory) xenmm_mapper_core{{xenmm::LinuxBackend(host), is_pv}};
	auto made = (*core)->mapper.make();
	if (!made.ok())
		xenmm_k_free(memory);
	return to_int(made.error());
}

void xenmm_mapper_core_destroy(struct xenmm_mapper_core *core)
{
	core->~xenmm_mapper_core();
	xenmm_k_free(core);
}

xenmm_u32 xenmm_mapper_map(struct xenmm_mapper_core *core, xenmm_u64 address, xenmm_u32 count,
			   xenmm_u64 flags, const struct xenmm_page_list *list, int *results)
{
	auto page_at = [list](uint32_t i) { return xenmm::Pfn{xenmm_k_list_pfn(list, i)}; };
	return core->mapper.map({address}, count, flags, page_at, results);
}

int xenmm_mapper_clear(struct xenmm_mapper_core *core, xenmm_u64 address, xenmm_u32 count)
{
	return to_int(core->mapper.clear({address}, count).error());
}

} // extern "C"
