// SPDX-License-Identifier: GPL-2.0
// See border.hpp.
#include "border.hpp"

#include <errno.h>

#include <utility>

__thread unsigned int xenmm_shim_cpu;

namespace xenmm::test
{

namespace
{

thread_local FakeXen *here = nullptr;

class Visit
{
public:
	explicit Visit(FakeXen &xen) : outer_(enter_border(&xen)) {}
	~Visit() { enter_border(outer_); }

private:
	FakeXen *outer_;
};

} // namespace

FakeXen *enter_border(FakeXen *xen)
{
	return std::exchange(here, xen);
}

Border::Border(xenmm_guest_kind kind, uint64_t pages)
	: kind(kind), nr_pages(pages), host{FakeXen(kind == XENMM_KIND_XEN_PV)}
{
	Visit visit(host.xen);
	host.xen.add_extent(kBase, pages * kPageBytes);
	EXPECT_EQ(xenmm_arena_create(&host, kind, &arena), 0);
	EXPECT_EQ(xenmm_arena_attach(arena, kBase.bytes, pages * kPageBytes), 0);
}

Border::~Border()
{
	Visit visit(host.xen);
	oust();
	host.xen.unmap_all();
	xenmm_arena_detach(arena);
	xenmm_arena_destroy(arena);
	if (host.xen.tables_lost()) // with what they map
		EXPECT_EQ(host.xen.violations.text(), "");
	else
		EXPECT_EQ(host.xen.leaks(), "");
}

int Border::run(How how, Op op, const Pieces &pieces)
{
	Visit visit(host.xen);
	last = request_of(how, op, pieces);
	if (int error = xenmm_request_check(&last, kind))
		return error;
	last.exclusive = xenmm_request_is_exclusive(&last, pieces.data(), kind);
	host.xen.hypervisor.is_exclusive = last.exclusive;
	int error = xenmm_arena_run(arena, &last, pieces.data());
	host.xen.hypervisor.is_exclusive = false;
	return error;
}

int Border::fault(uint64_t number, bool write, uint32_t window)
{
	Visit visit(host.xen);
	return xenmm_arena_fault(arena, page_at(number).bytes, write, window, kBase.bytes,
				 page_at(nr_pages).bytes);
}

int Border::write(uint64_t number)
{
	return xenmm_arena_write(arena, page_at(number).bytes);
}

void Border::retire()
{
	Visit visit(host.xen);
	Hypervisor &hypervisor = host.xen.hypervisor;
	hypervisor.is_exclusive = hypervisor.is_leaving = true;
	xenmm_arena_retire(arena, kBase.bytes, page_at(nr_pages).bytes);
	hypervisor.is_exclusive = hypervisor.is_leaving = false;
	oust();
}

void Border::oust()
{
	Visit visit(host.xen);
	host.xen.hypervisor.is_exclusive = true;
	xenmm_arena_oust(arena, kBase.bytes, page_at(nr_pages).bytes);
	host.xen.hypervisor.is_exclusive = false;
}

void Border::mend()
{
	Visit visit(host.xen);
	host.xen.hypervisor.is_exclusive = true;
	xenmm_arena_mend(arena);
	host.xen.hypervisor.is_exclusive = false;
}

uint64_t Border::mapped()
{
	uint64_t mapped = 0;
	for (uint64_t i = 0; i < nr_pages; i++)
		mapped += host.xen.entry(page_at(i)) != 0;
	return mapped;
}

namespace
{

int answer(Result<void> result)
{
	return to_int(result.error());
}

} // namespace

} // namespace xenmm::test

using namespace xenmm;
using test::answer;
using test::here;

extern "C" {

void *xenmm_k_zalloc(xenmm_u64 bytes)
{
	return here->zalloc(bytes);
}

void xenmm_k_free(void *memory)
{
	here->free(memory);
}

int xenmm_k_page_alloc(int optional, xenmm_u64 *pfn)
{
	auto page = here->page_alloc(optional);
	if (page.ok())
		*pfn = page.value().number;
	return to_int(page.error());
}

void xenmm_k_page_free(xenmm_u64 pfn)
{
	here->page_free({pfn});
}

int xenmm_k_charge(xenmm_host *host, xenmm_u64 pages)
{
	return answer(host->xen.charge(pages));
}

void xenmm_k_uncharge(xenmm_host *host, xenmm_u64 pages)
{
	host->xen.uncharge(pages);
}

int xenmm_k_extent(xenmm_host *host, xenmm_u64 address, xenmm_u64 *from, xenmm_u64 *to)
{
	auto extent = host->xen.extent({address});
	if (extent.ok()) {
		*from = extent.value().from.bytes;
		*to = extent.value().to.bytes;
	}
	return to_int(extent.error());
}

int xenmm_k_table_make(xenmm_host *host, xenmm_u64 address)
{
	return answer(host->xen.table_make({address}));
}

int xenmm_k_table_lock(xenmm_host *host, xenmm_u64 address, xenmm_u32 depth,
		       const xenmm_table *previous, xenmm_table *table)
{
	return answer(host->xen.table_lock({address}, depth, previous, *table));
}

void xenmm_k_table_unlock(xenmm_table *table)
{
	here->table_unlock(*table);
}

int xenmm_k_table_hooks(xenmm_host *host, xenmm_u64 address, const xenmm_table *table,
			xenmm_hooks *hooks)
{
	return answer(host->xen.table_hooks({address}, *table, *hooks));
}

int xenmm_k_orphan_lock(xenmm_host *host, xenmm_u64 address, xenmm_u64 *entries, xenmm_table *table,
			xenmm_hooks *hooks)
{
	return answer(host->xen.orphan_lock({address}, entries, *table, *hooks));
}

void xenmm_k_arena_died(void)
{
	here->arena_died();
}

void xenmm_k_trace_batch_begin(xenmm_u64 address, xenmm_u32 updates)
{
	here->trace_batch_begin({address}, updates);
}

void xenmm_k_trace_batch_end(xenmm_u64 address, xenmm_u32 updates, xenmm_u32 done, int error)
{
	here->trace_batch_end({address}, updates, done, error);
}

void xenmm_k_trace_rebuilt(xenmm_u64 address, xenmm_u32)
{
	here->trace_rebuilt({address}, 1);
}

void xenmm_k_trace_flipped(xenmm_u64 address, xenmm_u32 tables)
{
	here->trace_flipped({address}, tables);
}

void xenmm_k_write_noted(xenmm_host *host)
{
	host->xen.write_noted();
}

void xenmm_k_table_lost(xenmm_host *host)
{
	host->xen.table_lost();
}

int xenmm_k_twin_alloc(xenmm_host *host, xenmm_u64 address, xenmm_u64 *pfn)
{
	auto made = host->xen.twin_alloc({address});
	*pfn = made.value().number;
	return to_int(made.error());
}

void xenmm_k_twin_free(xenmm_u64 pfn)
{
	here->twin_free({pfn});
}

int xenmm_k_twin_lock(xenmm_host *host, xenmm_u64 address, xenmm_u64 pfn, xenmm_u32 depth,
		      const xenmm_table *previous, xenmm_table *table)
{
	return answer(host->xen.twin_lock({address}, {pfn}, depth, previous, *table));
}

xenmm_u64 *xenmm_k_twin_hooks(xenmm_u64 pfn, xenmm_hooks *hooks)
{
	return here->twin_hooks({pfn}, *hooks);
}

int xenmm_k_flips_lock(xenmm_host *host, xenmm_u64 address, xenmm_u32 count, int leaving,
		       xenmm_flips *flips)
{
	return answer(host->xen.flips_lock({address}, count, leaving, *flips));
}

void xenmm_k_flips_unlock(xenmm_flips *flips)
{
	here->flips_unlock(*flips);
}

xenmm_u64 xenmm_k_table_pfn(xenmm_u64 l2_value)
{
	return here->table_pfn(l2_value).number;
}

xenmm_u64 xenmm_k_pte_flags(xenmm_host *host, int writable)
{
	return host->xen.pte_flags(writable);
}

const unsigned long *xenmm_k_p2m(xenmm_u64 *length)
{
	*length = test::kGuestPages;
	return here->memory.p2m();
}

int xenmm_k_store(xenmm_u64 *entry, xenmm_u64 value)
{
	return here->hypervisor.emulate_store(entry, value);
}

int xenmm_k_mmu_update(void *updates, xenmm_u32 count, xenmm_u32 *done)
{
	return here->hypervisor.mmu_update(static_cast<xen::Update *>(updates), count, done);
}

int xenmm_k_update_va_mapping(xenmm_u64 address, xenmm_u64 value, xenmm_u64)
{
	return here->hypervisor.update_va_mapping({address}, value);
}

int xenmm_k_multicall(void *calls, xenmm_u32 count)
{
	return here->hypervisor.multicall(static_cast<xen::Call *>(calls), count);
}

int xenmm_k_mmuext_op(void *, xenmm_u32)
{
	here->hypervisor.flush_all(); // nothing else goes alone
	return 0;
}

xenmm_u64 xenmm_k_list_pfn(const xenmm_page_list *list, xenmm_u32 index)
{
	return list->pfns.at(index);
}

void xenmm_k_lazy_enter(void)
{
	here->lazy_enter();
}

void xenmm_k_lazy_set(const xenmm_table *table, xenmm_u64 address, xenmm_u64 value, int preserve_ad)
{
	here->lazy_set(*table, {address}, value, preserve_ad);
}

void xenmm_k_lazy_leave(void)
{
	here->lazy_leave();
}

void xenmm_k_zap(xenmm_host *host, xenmm_u64 start, xenmm_u64 length)
{
	host->xen.zap({start}, length);
}

int xenmm_k_breathe(xenmm_host *host, int yields)
{
	return answer(host->xen.breathe(yields));
}

} // extern "C"
