// SPDX-License-Identifier: GPL-2.0
// What holds between any two operations: page tables, twins, spans, slots, TLBs,
// accounts and counters say the same. See harness.hpp.
#include "harness.hpp"

#include <set>

namespace xenmm::test
{

namespace
{

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
	// Whole tables tend to be wrong together: the first few say enough.
	void add(uint64_t page, const std::string &what)
	{
		if (!what.empty() && pages_++ < 8)
			add("page " + std::to_string(page) + ": " + what + "\n");
	}
	const std::string &text() const { return text_; }

private:
	std::string text_;
	unsigned pages_ = 0;
};

} // namespace

// The invariant of arena_state.hpp: the page of its slot or nothing.
std::string Harness::entry_problem(uint64_t number)
{
	Pte pte(entry(number));
	PageView page = slot(number);
	if (page.is_fresh())
		return "slot still fresh";
	if (page.is_written() && !page.is_tracked())
		return "written, but not tracked";
	if (page.is_tracked() && page.is_writable() && !page.is_written())
		return "writes go unnoticed";
	if (pte.is_empty())
		return "";
	if (!page.has_page())
		return "mapped, but has no page";
	Pte expected = Pte::of(xen.memory.mfn_of(page.pfn()), xen.pte_flags(page.is_writable()));
	return pte.agrees_with(expected) ? "" : "entry does not agree with the slot";
}

// The kernel took one of its tables away without a word.
bool Harness::is_untold(uint64_t number)
{
	return xen.was_untold(page_at(number).table_base());
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
	if (twin == Twin::kNone && xen.memory.table(page_at(number).twin()))
		return "there is a twin that nobody knows";
	if (!may_map_pages(twin) || twin == Twin::kStale || is_untold(number))
		return "";
	if (pte.is_empty() != !entry(number))
		return "the twin does not map what the visible table maps";
	bool writable = twin == Twin::kReadWrite;
	return pte.is_empty() || pte.is_writable() == writable ? "" : "the twin is mixed";
}

// What the span counts, unless the kernel took its table away without a word.
std::string Harness::presence_problem(uint64_t first)
{
	if (!is_pv() || xen.was_untold(page_at(first)))
		return "";
	uint64_t present = 0;
	for (uint64_t i = first; i < std::min(first + kTableEntries, nr_pages); i++)
		present += is_mapped(i);
	uint64_t counted = span(first).present();
	return present == counted ? "" : "the span counts " + std::to_string(counted) + "\n";
}

// Operations that find a span uniform look at none of its slots.
std::string Harness::span_problem(uint64_t first)
{
	Span &span = this->span(first);
	uint64_t deviating = 0, written = 0;
	for (unsigned slot = 0; span.has_slots() && slot < kTableEntries; slot++) {
		deviating += span.slots()[slot].deviates();
		if (span.slots()[slot].is_written())
			written |= 1ULL << slot / Span::kGroup;
		if (span.has_written(slot) != (written >> slot / Span::kGroup & 1) &&
		    slot % Span::kGroup == Span::kGroup - 1)
			return "the span does not know what is written\n";
	}
	return span.is_uniform() == !deviating ? "" : "the span does not know what deviates\n";
}

uint64_t Harness::spans_with_twin()
{
	uint64_t spans = 0;
	for (uint64_t i = 0; i < nr_pages; i += kTableEntries)
		spans += twin(i) != Twin::kNone;
	return spans;
}

std::string Harness::problems()
{
	Complaints found;
	std::set<uint64_t> pages;
	uint64_t populated = 0;
	for (uint64_t i = 0; i < nr_pages; i++) {
		found.add(i, entry_problem(i));
		found.add(i, twin_problem(i));
		PageView page = slot(i);
		if (!page.has_page())
			continue;
		populated++;
		pages.insert(page.pfn().number);
	}
	for (uint64_t i = 0; i < nr_pages; i += kTableEntries)
		found.add(presence_problem(i) + span_problem(i));
	found.differ("number of twins",
		     xen.total_ever(XENMM_COUNTER_twins_made) -
			     xen.total_ever(XENMM_COUNTER_twins_dropped),
		     spans_with_twin());
	found.differ("writes told", xen.writes_noted(), xen.total_ever(XENMM_COUNTER_writes_noted));
	found.differ("tables traced as rebuilt", xen.traced_rebuilt(),
		     xen.total_ever(XENMM_COUNTER_tables_rebuilt));
	found.differ("tables traced as flipped", xen.traced_flipped(),
		     xen.total_ever(XENMM_COUNTER_tables_flipped));
	found.differ("number of distinct pages", pages.size(), populated);
	found.differ("pages held", xen.pages_held(), populated);
	found.differ("pages charged", xen.charged(), populated + spans_with_twin());
	found.add(xen.stale_translations());
	found.add(xen.badly_hooked());
	found.add(xen.violations.text());
	return found.text();
}

Tally::Tally(const std::vector<Write> &writes)
{
	for (const Write &write : writes) {
		via[static_cast<int>(write.via)]++;
		bool is_twin = write.page.is_twin();
		leaving += write.leaving;
		if (write.via == Via::kKernel)
			continue;
		of_twins += is_twin && !write.leaving;
		if (write.leaving || is_twin)
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
