// SPDX-License-Identifier: GPL-2.0
// The memory of a fake PV guest: pages with scrambled machine frames, some of them
// page tables. A table's 512 entries exist twice in the test's address space, once
// read-only for the guest (a direct write kills the test, as under Xen it faults)
// and once writable for the hypervisor.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "xenmm/types.hpp"

namespace xenmm::test
{

inline constexpr uint64_t kGuestPages = 8192;
// Machine frames: Xen's and another domain's first, then ours. A pfn that is
// taken for an mfn by mistake is a frame of nobody.
inline constexpr uint64_t kFirstOtherMfn = 0x100000;
inline constexpr uint64_t kFirstGuestMfn = 0x200000;
inline constexpr uint64_t kGarbage = 0xdeadbeefdeadbeefULL;

// Broken rules, in the order of discovery. A test must end without any.
class Violations
{
public:
	void add(const std::string &what) { list_.push_back(what); }
	bool empty() const { return list_.empty(); }
	std::string text() const;
	// For tests of the fake itself: was this one found? Forgets all.
	bool take(const std::string &part);

private:
	std::vector<std::string> list_;
};

// Both views of the memory of page tables.
class TableStore
{
public:
	static constexpr unsigned kCapacity = 128;

	TableStore();
	~TableStore();
	TableStore(const TableStore &) = delete;
	TableStore &operator=(const TableStore &) = delete;

	unsigned take(); // zeroed
	void give_back(unsigned index) { free_.push_back(index); }
	uint64_t *writable(unsigned index) const { return rw_ + index * kTableEntries; }
	uint64_t *read_only(unsigned index) const { return ro_ + index * kTableEntries; }
	std::optional<unsigned> index_of(const uint64_t *entry) const;

private:
	uint64_t *rw_;
	uint64_t *ro_;
	std::vector<unsigned> free_;
};

enum class Kind { kFree, kRam, kTable };

struct Frame {
	Kind kind = Kind::kFree;
	uint64_t content = 0;  // stands for the 4096 bytes of an ordinary page
	uint32_t mapped = 0;   // L1 entries that map it
	uint32_t writable = 0; // writable ones among them
	// Of a page table:
	VirtAddr base = {0};
	unsigned store = 0;
	bool pinned = false;
	bool locked = false;
};

class GuestMemory
{
public:
	explicit GuestMemory(uint64_t seed);

	// The page freed last comes first: a stale address hits something at once.
	Pfn take(Kind kind);
	void give_back(Pfn pfn);
	Frame &frame(Pfn pfn) { return frames_[pfn.number]; }
	Mfn mfn_of(Pfn pfn) const { return {p2m_[pfn.number]}; }
	// Nothing where the frame is not this guest's.
	std::optional<Pfn> pfn_of(Mfn mfn) const;
	static bool is_machine_memory(Mfn mfn);

	Pfn make_table(VirtAddr base);
	void drop_table(VirtAddr base); // becomes a free page
	Frame *table(VirtAddr address);
	// The table that an address inside the store belongs to; nullptr when none.
	Frame *table_of(const uint64_t *entry);
	uint64_t *entries(const Frame &table) const { return store_.writable(table.store); }
	uint64_t *guest_view(const Frame &table) const { return store_.read_only(table.store); }
	MachineAddr maddr_of(VirtAddr table_base) const;
	const std::map<uint64_t, Pfn> &tables() const { return tables_; }
	uint64_t pages_of(Kind kind) const;

	// Every page moves to another machine frame, as by save and restore.
	void scramble(uint64_t seed);

private:
	TableStore store_;
	std::vector<Frame> frames_;
	std::vector<uint64_t> p2m_;
	std::vector<uint64_t> m2p_;
	std::vector<uint64_t> free_;
	std::map<uint64_t, Pfn> tables_;
};

} // namespace xenmm::test
