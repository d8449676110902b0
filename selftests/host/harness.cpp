// SPDX-License-Identifier: GPL-2.0
// See harness.hpp.
#include "harness.hpp"

#include <set>

namespace xenmm::test
{

// The arena's state is private to it; an explicit instantiation may name it.
ArenaState<FakeBackend> &state_of(Arena<FakeBackend> &arena);
template <ArenaState<FakeBackend> Arena<FakeBackend>::*Member>
struct Opener {
	friend ArenaState<FakeBackend> &state_of(Arena<FakeBackend> &arena)
	{
		return arena.*Member;
	}
};
template struct Opener<&Arena<FakeBackend>::state_>;

namespace
{

xenmm_action action_of(Op op)
{
	switch (op) {
	case Op::kPopulate:
		return XENMM_POPULATE;
	case Op::kDiscard:
		return XENMM_DISCARD;
	case Op::kMap:
		return XENMM_MAP;
	case Op::kUnmap:
		return XENMM_UNMAP;
	default:
		return XENMM_PROTECT;
	}
}

uint32_t prot_of(Op op)
{
	return op == Op::kProtectRo ? 1 : op == Op::kProtectRw ? 3 : 0;
}

class Complaints
{
public:
	void differ(const char *what, uint64_t is, uint64_t should_be)
	{
		if (is != should_be)
			text_ += std::string(what) + " is " + std::to_string(is) + ", should be " +
				 std::to_string(should_be) + "\n";
	}
	void add(const std::string &text) { text_ += text; }
	const std::string &text() const { return text_; }

private:
	std::string text_;
};

} // namespace

std::string name_of(Op op)
{
	static const char *const names[] = {"populate",	  "discard", "protect_ro",
					    "protect_rw", "map",     "unmap"};
	return names[static_cast<int>(op)];
}

Harness::Harness(How how, uint64_t pages, uint64_t seed)
	: how(how), nr_pages(pages), xen(how.method != Method::kNative, seed),
	  arena(FakeBackend(xen), how.method != Method::kNative)
{
	xen.add_extent(kBase, pages * kPageBytes);
	EXPECT_TRUE(arena.attach(kBase, pages * kPageBytes).ok());
}

Harness::~Harness()
{
	xen.unmap_all();
	arena.set_twin({0});
	arena.detach();
	EXPECT_EQ(xen.leaks(), "");
	EXPECT_EQ(xen.total_ever(XENMM_COUNTER_twins_made),
		  xen.total_ever(XENMM_COUNTER_twins_dropped));
}

Errno Harness::run(Op op, const Pieces &pieces)
{
	return run_by(how, op, pieces);
}

Errno Harness::run_by(How other, Op op, const Pieces &pieces)
{
	last = {};
	last.action = action_of(op);
	last.nr_pieces = static_cast<uint32_t>(pieces.size());
	last.method = static_cast<uint32_t>(other.method);
	last.batch = other.batch;
	last.prot = prot_of(op);
	last.exclusive = exclusive;
	Errno error = run_once(pieces);
	if (error != Errno::kAgain)
		return error;
	if (!refuses_twin)
		map_twin();
	last.has_no_twin = true;
	return run_once(pieces);
}

Errno Harness::run_meanwhile(Op op, uint64_t first, uint64_t pages)
{
	xenmm_request kept = last;
	Errno error = run(op, first, pages);
	last = kept;
	xen.hypervisor.is_exclusive = exclusive;
	return error;
}

Errno Harness::run_once(const Pieces &pieces)
{
	xen.hypervisor.is_exclusive = exclusive;
	Errno error = arena.run(last, Ranges(pieces.data(), last.nr_pieces)).error();
	xen.hypervisor.is_exclusive = false;
	return error;
}

void Harness::map_twin()
{
	xen.add_twin(kTwinBase, nr_pages * kPageBytes);
	arena.set_twin(kTwinBase);
}

void Harness::retire_extent(Extent extent)
{
	xen.hypervisor.is_exclusive = xen.hypervisor.is_leaving = true;
	arena.retire(extent);
	xen.hypervisor.is_exclusive = xen.hypervisor.is_leaving = false;
}

void Harness::retire(uint64_t first, uint64_t pages)
{
	retire_extent({page_at(first), page_at(first + pages)});
}

void Harness::retire_twin(uint64_t first, uint64_t pages)
{
	retire_extent({kTwinBase.page(first), kTwinBase.page(first + pages)});
}

void Harness::unmap_twin()
{
	retire_twin(0, nr_pages);
	for (uint64_t i = 0; i < nr_pages; i += kTableEntries)
		xen.drop_table(kTwinBase.page(i));
	xen.remove_twin(kTwinBase);
	arena.set_twin({0});
}

void Harness::mend()
{
	xen.hypervisor.is_exclusive = true;
	arena.mend();
	xen.hypervisor.is_exclusive = false;
}

Errno Harness::fault(uint64_t number, bool write, uint32_t window)
{
	auto extent = xen.extent(page_at(number));
	EXPECT_TRUE(extent.ok());
	return arena.fault(page_at(number), write, window, extent.value()).error();
}

Errno Harness::touch(unsigned cpu, uint64_t number, bool write, uint64_t *content, uint32_t window)
{
	Access seen = xen.access(cpu, page_at(number), write, content);
	if (seen == Access::kDone)
		return Errno::kOk;
	if (seen == Access::kReadOnly) // pfn_mkwrite
		return arena.may_write(page_at(number)) ? Errno::kInval : Errno::kAccess;
	Errno error = fault(number, write, window);
	if (error == Errno::kOk) {
		EXPECT_EQ(xen.access(cpu, page_at(number), write, content), Access::kDone);
	}
	return error;
}

void Harness::write_meanwhile(uint64_t content)
{
	xen.hypervisor.before_entry = [this, content](VirtAddr page) mutable {
		xen.access(1, page, true, &content);
	};
	xen.hypervisor.before_step = [this, content]() mutable {
		for (uint64_t i = 0; i < nr_pages; i++)
			xen.access(1, page_at(i), true, &content);
	};
}

void Harness::write_no_more()
{
	xen.hypervisor.before_entry = nullptr;
	xen.hypervisor.before_step = nullptr;
}

void Harness::fill_tlbs(uint64_t first, uint64_t pages)
{
	for (uint64_t i = first; i < first + pages; i++)
		for (unsigned cpu = 0; cpu < kCpus; cpu++) {
			uint64_t content = 0;
			xen.access(cpu, page_at(i), false, &content);
			xen.access(cpu, page_at(i), true, &content);
		}
}

PageView Harness::slot(uint64_t number)
{
	Span &span = state_of(arena).span(page_at(number));
	unsigned slot = page_at(number).slot();
	return {span.has_slots() ? span.slots()[slot] : Slot(), span.is_writable(slot)};
}

Twin Harness::twin(uint64_t number)
{
	return state_of(arena).span(page_at(number)).twin();
}

bool Harness::is_dead()
{
	return state_of(arena).is_dead();
}

uint64_t Harness::mapped()
{
	uint64_t mapped = 0;
	for (uint64_t i = 0; i < nr_pages; i++)
		mapped += is_mapped(i);
	return mapped;
}

// The invariant of arena_state.hpp: the page of its slot or nothing.
std::string Harness::entry_problem(uint64_t number)
{
	Pte pte(entry(number));
	PageView page = slot(number);
	if (page.is_fresh())
		return "slot still fresh";
	if (pte.is_empty())
		return "";
	if (!page.has_page())
		return "mapped, but has no page";
	Pte expected = Pte::of(xen.memory.mfn_of(page.pfn()), xen.pte_flags(page.is_writable()));
	return pte.agrees_with(expected) ? "" : "entry does not agree with the slot";
}

// The page of its slot or nothing, and exactly what the span says of the twin.
std::string Harness::twin_problem(uint64_t number)
{
	Pte pte(twin_entry(number));
	PageView page = slot(number);
	Twin twin = this->twin(number);
	if (!pte.is_empty() && !page.has_page())
		return "the twin maps what is no page";
	if (!pte.is_empty() && pte.frame().number != xen.memory.mfn_of(page.pfn()).number)
		return "the twin maps another page";
	if (!pte.is_empty() && !may_map_pages(twin))
		return "there is no twin, but it maps something";
	if (!may_map_pages(twin) || twin == Twin::kStale)
		return "";
	if (pte.is_empty() != !entry(number))
		return "the twin does not map what the visible table maps";
	bool writable = twin == Twin::kReadWrite;
	return pte.is_empty() || pte.is_writable() == writable ? "" : "the twin is mixed";
}

// What the span counts, unless the kernel took a table away without a word.
std::string Harness::presence_problem(uint64_t first)
{
	if (!is_pv() || xen.tables_dropped())
		return "";
	uint64_t present = 0;
	for (uint64_t i = first; i < std::min(first + kTableEntries, nr_pages); i++)
		present += is_mapped(i);
	uint64_t counted = state_of(arena).span(page_at(first)).present();
	return present == counted ? "" : "the span counts " + std::to_string(counted);
}

std::string Harness::problems()
{
	Complaints found;
	std::set<uint64_t> pages;
	uint64_t populated = 0;
	for (uint64_t i = 0; i < nr_pages; i++) {
		if (std::string what = entry_problem(i); !what.empty())
			found.add("page " + std::to_string(i) + ": " + what + "\n");
		if (std::string what = twin_problem(i); !what.empty())
			found.add("page " + std::to_string(i) + ": " + what + "\n");
		PageView page = slot(i);
		if (!page.has_page())
			continue;
		populated++;
		pages.insert(page.pfn().number);
	}
	for (uint64_t i = 0; i < nr_pages; i += kTableEntries)
		found.add(presence_problem(i));
	found.differ("number of distinct pages", pages.size(), populated);
	found.differ("pages held", xen.pages_held(), populated);
	found.differ("pages charged", xen.charged(), populated);
	found.add(xen.stale_translations());
	found.add(xen.badly_hooked());
	found.add(xen.violations.text());
	return found.text();
}

Tally::Tally(const std::vector<Write> &writes)
{
	for (const Write &write : writes) {
		via[static_cast<int>(write.via)]++;
		bool is_twin = write.page >= kTwinBase;
		leaving += write.leaving;
		of_twins += is_twin && !write.leaving;
		if (write.via == Via::kKernel || write.leaving || is_twin)
			continue;
		mapped += !write.old && write.now;
		unmapped += write.old && !write.now;
		changed += write.old && write.now;
	}
}

std::string Harness::counter_problems()
{
	Complaints found;
	Tally tally(xen.writes());
	auto by = [&](Via via) { return tally.via[static_cast<int>(via)]; };
	const XenCalls &calls = xen.hypervisor.calls();
	uint64_t bucketed = 0;
	for (uint64_t bucket : xen.totals().bucket)
		bucketed += bucket;

	found.differ("pages_mapped", xen.total(XENMM_COUNTER_pages_mapped), tally.mapped);
	if (is_pv()) {
		found.differ("pages_unmapped", xen.total(XENMM_COUNTER_pages_unmapped),
			     tally.unmapped);
		found.differ("pages_protected", xen.total(XENMM_COUNTER_pages_protected),
			     tally.changed);
	}
	found.differ("twin_updates", xen.total(XENMM_COUNTER_twin_updates), tally.of_twins);
	found.differ("teardown_pages", xen.total(XENMM_COUNTER_teardown_pages), tally.leaving);
	found.differ("mmu_updates", xen.total(XENMM_COUNTER_mmu_updates),
		     by(Via::kMmuUpdate) + calls.l2_updates);
	found.differ("traps", xen.total(XENMM_COUNTER_traps), by(Via::kTrap));
	found.differ("va_mappings", xen.total(XENMM_COUNTER_va_mappings), by(Via::kVaMapping));
	found.differ("native_stores", xen.total(XENMM_COUNTER_native_stores), by(Via::kNative));
	found.differ("hypercalls", xen.total(XENMM_COUNTER_hypercalls),
		     calls.mmu_update + calls.va_mapping + calls.multicall);
	found.differ("histogram", bucketed, xen.total(XENMM_COUNTER_hypercalls));
	found.differ("tlb_flushes", xen.total(XENMM_COUNTER_tlb_flushes),
		     is_pv() ? calls.flushes : xen.zaps());
	found.differ("pages allocated - freed",
		     xen.total(XENMM_COUNTER_pages_allocated) -
			     xen.total(XENMM_COUNTER_pages_freed),
		     xen.pages_held());
	return found.text();
}

} // namespace xenmm::test
