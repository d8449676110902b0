// SPDX-License-Identifier: GPL-2.0
// See history.hpp.
#include "history.hpp"

#include <algorithm>

#include "harness.hpp"

namespace xenmm::test
{

namespace
{

uint64_t number_of(VirtAddr page)
{
	return (page.visible().bytes - kBase.bytes) / kPageBytes;
}

} // namespace

History::History(Harness &harness, Op op, const Pieces &pieces)
	: h_(harness), op_(op), pieces_(pieces), outer_write_(h_.xen.hypervisor.on_write),
	  outer_exchange_(h_.xen.hypervisor.on_exchange)
{
	h_.xen.hypervisor.on_write = [this](const Write &write) { judge(write); };
	h_.xen.hypervisor.on_exchange = [this](VirtAddr at, const Frame &old, const Frame &now) {
		judge_exchange(at, old, now);
	};
}

History::~History()
{
	h_.xen.hypervisor.on_write = outer_write_;
	h_.xen.hypervisor.on_exchange = outer_exchange_;
}

void History::complain(VirtAddr page, const char *what)
{
	h_.xen.violations.add(std::string(page.is_twin() ? "twin page " : "page ") +
			      std::to_string(number_of(page)) + " during " + name_of(op_) + ": " +
			      what);
}

History::Meaning History::meaning_of(VirtAddr page, uint64_t entry)
{
	if (!entry)
		return {};
	auto pfn = h_.xen.memory.pfn_of(Pte(entry).frame());
	bool writable = Pte(entry).is_writable();
	if (!pfn ||
	    !Pte(entry).agrees_with(Pte::of(Pte(entry).frame(), h_.xen.pte_flags(writable))))
		complain(page, "an entry that is nobody's");
	return {pfn ? pfn->number : ~0ULL, writable};
}

void History::judge(const Write &write)
{
	if (write.via == Via::kKernel)
		return;
	judge_order(write);
	Meaning old = meaning_of(write.page, write.old);
	Meaning now = meaning_of(write.page, write.now);
	const Meaning &first = firsts_.try_emplace(write.page.bytes, old).first->second;
	bool is_covered = this->is_covered(write.page.visible());
	bool was_emptied =
		write.via == Via::kRebuild && !now.pfn && h_.xen.hypervisor.has_refused();
	if (now != first && !was_emptied && !(is_covered && is_new(write.page, first, now)))
		complain(write.page, "neither its old nor its new entry");
}

bool History::is_new(VirtAddr page, const Meaning &first, const Meaning &now)
{
	if (page.is_twin())
		return is_new_of_twin(number_of(page), now);
	PageView slot = h_.slot(number_of(page));
	switch (op_) {
	case Op::kPopulate:
	case Op::kMap:
		return !first.pfn && slot.has_page() &&
		       now == Meaning{slot.pfn().number, slot.is_writable()};
	case Op::kUnmap:
	case Op::kDiscard:
		return now == Meaning();
	case Op::kProtectRo:
	case Op::kTrack:
		if (!h_.is_pv()) // zapped
			return now == Meaning();
		[[fallthrough]];
	case Op::kProtectRw:
	case Op::kUntrack:
		break;
	}
	return first.pfn && now == Meaning{first.pfn, gives_writing(op_)};
}

// It is made to match, or cleared with the visible table.
bool History::is_new_of_twin(uint64_t number, const Meaning &now)
{
	PageView slot = h_.slot(number);
	if (op_ == Op::kPopulate || op_ == Op::kMap)
		return false;
	if (!now.pfn)
		return true;
	bool is_protect = takes_writing(op_) || gives_writing(op_);
	return is_protect && h_.is_mapped(number) && slot.has_page() &&
	       now == Meaning{slot.pfn().number, gives_writing(op_)};
}

bool History::is_covered(VirtAddr visible) const
{
	return std::any_of(pieces_.begin(), pieces_.end(), [visible](const xenmm_piece &piece) {
		return visible.bytes - piece.start < piece.length;
	});
}

// A flip writes no entry, but shows others.
void History::judge_exchange(VirtAddr at, const Frame &old, const Frame &now)
{
	std::vector<Meaning> &shown = shown_[at.bytes];
	for (unsigned slot = 0; slot < kTableEntries && shown.size() < kTableEntries; slot++)
		shown.push_back(meaning_of(at.page(slot), h_.xen.memory.entries(old)[slot]));
	for (unsigned slot = 0; slot < kTableEntries; slot++) {
		Meaning seen = meaning_of(at.page(slot), h_.xen.memory.entries(now)[slot]);
		bool is_new = seen.pfn && is_covered(at.page(slot)) &&
			      seen == Meaning{shown[slot].pfn, gives_writing(op_)};
		if (seen != shown[slot] && !is_new)
			complain(at.page(slot), "a flip shows neither its old nor its new entry");
	}
}

void History::judge_order(const Write &write)
{
	uint64_t base = write.page.table_base().bytes;
	if (write.call != call_)
		tables_.clear();
	call_ = write.call;
	if (!tables_.empty() && tables_.back() == base)
		return;
	if (std::find(tables_.begin(), tables_.end(), base) != tables_.end())
		complain(write.page, "the updates of a hypercall are not grouped by table");
	tables_.push_back(base);
}

} // namespace xenmm::test
