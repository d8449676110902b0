// SPDX-License-Identifier: GPL-2.0
// See fake_memory.hpp.
#include "fake_memory.hpp"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <random>

namespace xenmm::test
{

namespace
{

constexpr uint64_t kUpperBytes = kTableEntries * kSpanBytes; // what an L2 table maps

[[noreturn]] void give_up(const char *what)
{
	perror(what);
	abort();
}

uint64_t *map_store(int fd, int protection)
{
	void *view =
		mmap(nullptr, TableStore::kCapacity * kPageBytes, protection, MAP_SHARED, fd, 0);
	if (view == MAP_FAILED)
		give_up("mmap");
	return static_cast<uint64_t *>(view);
}

} // namespace

std::string Violations::text() const
{
	std::string text;
	for (const std::string &what : list_)
		text += what + "\n";
	return text;
}

bool Violations::take(const std::string &part)
{
	bool found = text().find(part) != std::string::npos;
	list_.clear();
	return found;
}

TableStore::TableStore()
{
	int fd = memfd_create("tables", 0);
	if (fd < 0 || ftruncate(fd, kCapacity * kPageBytes))
		give_up("memfd_create");
	rw_ = map_store(fd, PROT_READ | PROT_WRITE);
	ro_ = map_store(fd, PROT_READ);
	close(fd);
	for (unsigned i = kCapacity; i > 0; i--)
		free_.push_back(i - 1);
}

TableStore::~TableStore()
{
	munmap(rw_, kCapacity * kPageBytes);
	munmap(ro_, kCapacity * kPageBytes);
}

unsigned TableStore::take()
{
	if (free_.empty())
		give_up("table store");
	unsigned index = free_.back();
	free_.pop_back();
	memset(writable(index), 0, kPageBytes);
	return index;
}

void TableStore::open_view(unsigned index, bool writable)
{
	if (mprotect(read_only(index), kPageBytes, writable ? PROT_READ | PROT_WRITE : PROT_READ))
		give_up("mprotect");
}

std::optional<unsigned> TableStore::index_of(const uint64_t *entry) const
{
	if (entry < ro_ || entry >= ro_ + size_t(kCapacity) * kTableEntries)
		return {};
	return static_cast<unsigned>((entry - ro_) / kTableEntries);
}

GuestMemory::GuestMemory(uint64_t seed) : frames_(kGuestPages)
{
	for (uint64_t i = kGuestPages; i > 0; i--)
		free_.push_back(i - 1);
	scramble(seed);
}

void GuestMemory::scramble(uint64_t seed)
{
	p2m_.resize(kGuestPages);
	m2p_.resize(kGuestPages);
	for (uint64_t i = 0; i < kGuestPages; i++)
		p2m_[i] = kFirstGuestMfn + i;
	std::shuffle(p2m_.begin(), p2m_.end(), std::mt19937_64(seed));
	for (uint64_t i = 0; i < kGuestPages; i++)
		m2p_[p2m_[i] - kFirstGuestMfn] = i;
}

Pfn GuestMemory::take(Kind kind)
{
	if (free_.empty())
		give_up("guest memory");
	Pfn pfn = {free_.back()};
	free_.pop_back();
	frame(pfn) = {};
	frame(pfn).kind = kind;
	return pfn;
}

void GuestMemory::give_back(Pfn pfn)
{
	frame(pfn).kind = Kind::kFree;
	frame(pfn).content = kGarbage;
	free_.push_back(pfn.number);
}

std::optional<Pfn> GuestMemory::pfn_of(Mfn mfn) const
{
	if (mfn.number < kFirstGuestMfn || mfn.number >= kFirstGuestMfn + kGuestPages)
		return {};
	return Pfn{m2p_[mfn.number - kFirstGuestMfn]};
}

bool GuestMemory::is_machine_memory(Mfn mfn)
{
	return mfn.number >= kFirstOtherMfn && mfn.number < kFirstGuestMfn + kGuestPages;
}

Pfn GuestMemory::make_table(VirtAddr base, bool has_split_locks)
{
	uint64_t first = base.bytes / kUpperBytes * kUpperBytes;
	if (!uppers_.contains(first))
		uppers_[first] = {take(Kind::kUpper), false, {}};
	Pfn pfn = take(Kind::kTable);
	Frame &table = frame(pfn);
	table.base = base;
	table.store = store_.take();
	table.page_pinned = true;
	table.pinned = has_split_locks;
	table.hooks = 1;
	hook(uppers_[first], base) = pfn.number;
	all_tables_.insert(pfn.number);
	return pfn;
}

void GuestMemory::drop_table(VirtAddr base)
{
	std::optional<uint64_t> &hooked = hook(*upper(base), base);
	Pfn pfn = {*hooked};
	hooked.reset();
	if (!--frame(pfn).hooks)
		free_table(pfn);
}

void GuestMemory::free_table(Pfn pfn)
{
	Frame &table = frame(pfn);
	table.alias_writable = false;
	open_view(table);
	store_.give_back(table.store);
	all_tables_.erase(pfn.number);
	give_back(pfn);
}

Pfn GuestMemory::make_twin(VirtAddr base)
{
	Pfn pfn = take(Kind::kTable);
	Frame &table = frame(pfn);
	table.base = base.twin();
	table.store = store_.take();
	table.page_pinned = true;
	table.ours = true;
	table.alias_writable = true;
	table.released.assign(kTableEntries, 0);
	open_view(table);
	all_tables_.insert(pfn.number);
	return pfn;
}

void GuestMemory::drop_twin(Pfn pfn)
{
	free_table(pfn);
}

Frame *GuestMemory::twin_of(VirtAddr base)
{
	for (uint64_t number : all_tables_)
		if (Frame &table = frame({number}); !table.hooks && table.base == base)
			return &table;
	return nullptr;
}

Upper *GuestMemory::upper(VirtAddr address)
{
	auto found = uppers_.find(address.bytes / kUpperBytes * kUpperBytes);
	return found == uppers_.end() ? nullptr : &found->second;
}

Upper *GuestMemory::upper_of(Pfn pfn)
{
	for (auto &[first, upper] : uppers_)
		if (upper.pfn.number == pfn.number)
			return &upper;
	return nullptr;
}

VirtAddr GuestMemory::hooked_at(const Upper &upper, unsigned slot) const
{
	for (auto &[first, other] : uppers_)
		if (&other == &upper)
			return {first + slot * kSpanBytes};
	return {0};
}

MachineAddr GuestMemory::hook_maddr(VirtAddr address)
{
	uint64_t slot = address.bytes / kSpanBytes % kTableEntries;
	return {(mfn_of(upper(address)->pfn).number << kPageShift) + slot * sizeof(uint64_t)};
}

void GuestMemory::give_back_uppers()
{
	for (auto &[first, upper] : uppers_)
		give_back(upper.pfn);
	uppers_.clear();
}

Frame *GuestMemory::table(VirtAddr address)
{
	if (address.is_twin())
		return twin_of(address.table_base());
	Upper *above = upper(address);
	if (!above || !hook(*above, address))
		return nullptr;
	return &frame({*hook(*above, address)});
}

Frame *GuestMemory::table_of(const uint64_t *entry)
{
	auto index = store_.index_of(entry);
	if (index)
		for (uint64_t pfn : all_tables_)
			if (frame({pfn}).store == *index)
				return &frame({pfn});
	return nullptr;
}

std::map<uint64_t, Pfn> GuestMemory::tables()
{
	std::map<uint64_t, Pfn> tables;
	for (auto &[first, upper] : uppers_)
		for (unsigned slot = 0; slot < kTableEntries; slot++)
			if (upper.hooked[slot])
				tables[first + slot * kSpanBytes] = {*upper.hooked[slot]};
	return tables;
}

uint64_t GuestMemory::pages_of(Kind kind) const
{
	return std::count_if(frames_.begin(), frames_.end(),
			     [kind](const Frame &frame) { return frame.kind == kind; });
}

} // namespace xenmm::test
