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

std::optional<unsigned> TableStore::index_of(const uint64_t *entry) const
{
	if (entry < ro_ || entry >= ro_ + kCapacity * kTableEntries)
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

Pfn GuestMemory::make_table(VirtAddr base)
{
	Pfn pfn = take(Kind::kTable);
	frame(pfn).base = base;
	frame(pfn).store = store_.take();
	frame(pfn).pinned = true;
	tables_[base.bytes] = pfn;
	return pfn;
}

void GuestMemory::drop_table(VirtAddr base)
{
	Pfn pfn = tables_.at(base.bytes);
	store_.give_back(frame(pfn).store);
	tables_.erase(base.bytes);
	give_back(pfn);
}

Frame *GuestMemory::table(VirtAddr address)
{
	auto found = tables_.find(address.table_base().bytes);
	return found == tables_.end() ? nullptr : &frame(found->second);
}

Frame *GuestMemory::table_of(const uint64_t *entry)
{
	auto index = store_.index_of(entry);
	if (index)
		for (auto [base, pfn] : tables_)
			if (frame(pfn).store == *index)
				return &frame(pfn);
	return nullptr;
}

MachineAddr GuestMemory::maddr_of(VirtAddr table_base) const
{
	return {mfn_of(tables_.at(table_base.bytes)).number << kPageShift};
}

uint64_t GuestMemory::pages_of(Kind kind) const
{
	return std::count_if(frames_.begin(), frames_.end(),
			     [kind](const Frame &frame) { return frame.kind == kind; });
}

} // namespace xenmm::test
