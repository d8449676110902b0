// SPDX-License-Identifier: GPL-2.0
// What happens around the arena in a fake guest: areas, munmap, save and restore,
// vCPUs that read and write, and the inspection of it all. See fake_xen.hpp.
#include "fake_xen.hpp"

#include <stdio.h>

#include <algorithm>

namespace xenmm::test
{

void FakeXen::add_extent(VirtAddr from, uint64_t bytes)
{
	extents_[from.bytes] = from.bytes + bytes;
}

namespace
{

using Areas = std::map<uint64_t, uint64_t>;

void cut(Areas &areas, Extent extent)
{
	Areas left;
	for (auto [from, to] : areas) {
		if (from < extent.from.bytes)
			left[from] = std::min(to, extent.from.bytes);
		if (extent.to.bytes < to)
			left[std::max(from, extent.to.bytes)] = to;
	}
	areas = left;
}

} // namespace

void FakeXen::remove_extent(Extent extent)
{
	cut(extents_, extent);
}

void FakeXen::unmap_all()
{
	for (auto [base, pfn] : memory.tables())
		drop_table({base});
	memory.give_back_uppers();
}

bool FakeXen::has_entries(const Frame &table)
{
	const uint64_t *entries = memory.entries(table);
	return std::any_of(entries, entries + kTableEntries, [](uint64_t entry) { return entry; });
}

void FakeXen::drop_table(VirtAddr base)
{
	if (Frame *table = memory.table(base)) {
		if (table->ours)
			violations.add("the kernel frees a table that is ours");
		if (has_entries(*table))
			untold_.insert(base.bytes);
		clear_entries(*table, 0, kTableEntries, Via::kKernel);
		hypervisor.tlbs().flush_all();
		memory.drop_table(base);
	}
}

void FakeXen::remap_all()
{
	may_sleep("save and restore");
	hypervisor.remap_all(++seed_);
}

Access FakeXen::access(unsigned cpu, VirtAddr page, bool write, uint64_t *content)
{
	const Tlbs::Translation *found = translate(cpu, page, write);
	if (!found)
		return entry(page) ? Access::kReadOnly : Access::kNotPresent;
	Frame &frame = memory.frame(*memory.pfn_of(found->frame));
	if (frame.kind != Kind::kRam)
		violations.add("a process reached a page that is not its own");
	if (write)
		frame.content = *content;
	else
		*content = frame.content;
	return Access::kDone;
}

// nullptr: page fault. A cached translation is used without a look at the tables;
// one that forbids the write is dropped and walked again (Intel SDM 4.10.4.3).
const Tlbs::Translation *FakeXen::translate(unsigned cpu, VirtAddr page, bool write)
{
	Tlbs &tlbs = hypervisor.tlbs();
	const Tlbs::Translation *cached = tlbs.find(cpu, page);
	if (cached && (cached->writable || !write))
		return cached;
	tlbs.flush_page(cpu, page);
	Pte pte(entry(page));
	bool present = pte.bits() & Pte::kPresent;
	if (!present || (write && !pte.is_writable()))
		return nullptr;
	hypervisor.mark_entry(*memory.table(page), page.slot(),
			      write ? Pte::kAccessedDirty : Pte::kAccessed);
	return tlbs.fill(cpu, page, {pte.frame(), write});
}

uint64_t FakeXen::entry(VirtAddr page)
{
	Frame *table = memory.table(page);
	return table ? memory.entries(*table)[page.slot()] : 0;
}

std::string FakeXen::stale_translations()
{
	std::string stale;
	for (unsigned cpu = 0; cpu < kCpus; cpu++)
		for (auto [page, cached] : hypervisor.tlbs().of(cpu)) {
			Pte pte(entry({page}));
			bool granted = !pte.is_empty() &&
				       pte.frame().number == cached.frame.number &&
				       (pte.is_writable() || !cached.writable);
			char line[64];
			snprintf(line, sizeof(line), "cpu %u page %#llx\n", cpu,
				 static_cast<unsigned long long>(page));
			stale += granted ? "" : line;
		}
	return stale;
}

std::string FakeXen::leaks() const
{
	std::string text;
	auto check = [&](const char *what, uint64_t left) {
		if (left)
			text += what + (": " + std::to_string(left)) + "\n";
	};
	check("pages held", pages_held());
	check("pages charged", charged_);
	check("allocations", allocations_.size());
	check("tables locked", locked_.size());
	check("tables that are nowhere hooked", memory.all_tables().size());
	check("lazy updates queued", lazy_queue_.size());
	check("fuses that never blew",
	      zalloc_fuse.is_set() + page_fuse.is_set() + charge_fuse.is_set() +
		      table_make_fuse.is_set() + table_lock_fuse.is_set() + breathe_fuse.is_set() +
		      hooks_fuse.is_set() + flips_fuse.is_set() + orphan_fuse.is_set() +
		      twin_fuse.is_set() + hypervisor.entry_fuse.is_set() +
		      hypervisor.hypercall_fuse.is_set() + hypervisor.step_fuse.is_set() +
		      hypervisor.validation_fuse.is_set());
	return text + violations.text();
}

} // namespace xenmm::test
