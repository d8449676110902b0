// SPDX-License-Identifier: GPL-2.0
// The memory of a fake PV guest: pages with scrambled machine frames, some of them
// page tables. A table's 512 entries exist twice in the test's address space, once
// read-only for the guest (a direct write kills the test, as under Xen it faults)
// and once writable for the hypervisor.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
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
	uint64_t *writable(unsigned index) const { return rw_ + size_t(index) * kTableEntries; }
	uint64_t *read_only(unsigned index) const { return ro_ + size_t(index) * kTableEntries; }
	// Whether the guest may write through its view, for once.
	void open_view(unsigned index, bool writable);
	std::optional<unsigned> index_of(const uint64_t *entry) const;

private:
	uint64_t *rw_;
	uint64_t *ro_;
	std::vector<unsigned> free_;
};

enum class Kind { kFree, kRam, kTable, kUpper };

struct Frame {
	Kind kind = Kind::kFree;
	uint64_t content = 0;  // stands for the 4096 bytes of an ordinary page
	uint32_t mapped = 0;   // L1 entries that map it
	uint32_t writable = 0; // writable ones among them
	// Of an L1 table:
	VirtAddr base = {0}; // where it was hooked last
	unsigned store = 0;
	bool page_pinned = false;	// Linux' mark
	bool pinned = false;		// Xen's own reference to it
	uint32_t hooks = 0;		// L2 entries that name it
	bool alias_writable = false;	// the guest's direct map of it
	bool locked = false;		// its page-table lock
	bool ours = false;		// not the kernel's to free
	bool walked = false;		// was unhooked, and no flush has followed
	std::vector<uint64_t> released; // its entries when Xen let go of it

	// Xen has validated it and watches over it.
	bool is_validated() const { return pinned || hooks; }
};

// An L2 table, as far as it matters: which L1 table hangs where.
struct Upper {
	Pfn pfn;
	bool locked;
	std::array<std::optional<uint64_t>, kTableEntries> hooked; // pfn numbers
};
inline constexpr uint64_t kHookFlags = 0x67;

class GuestMemory
{
public:
	explicit GuestMemory(uint64_t seed);

	// The page freed last comes first: a stale address hits something at once.
	Pfn take(Kind kind);
	void give_back(Pfn pfn);
	Frame &frame(Pfn pfn) { return frames_[pfn.number]; }
	const unsigned long *p2m() const { return p2m_.data(); }
	Mfn mfn_of(Pfn pfn) const { return {p2m_[pfn.number]}; }
	// Nothing where the frame is not this guest's.
	std::optional<Pfn> pfn_of(Mfn mfn) const;
	static bool is_machine_memory(Mfn mfn);

	// Hooked and pinned, as the kernel makes it. Without split locks Linux does not
	// pin single L1 tables.
	Pfn make_table(VirtAddr base, bool has_split_locks);
	void drop_table(VirtAddr base); // unhooked; when it was the last hook, free
	// A page that can become a table: a twin of the one there.
	Pfn make_twin(VirtAddr base);
	void drop_twin(Pfn pfn);
	// What hangs there, or, for a twin's address, its twin.
	Frame *table(VirtAddr address);
	Upper *upper(VirtAddr address); // nullptr when there is none
	Upper *upper_of(Pfn pfn);
	std::optional<uint64_t> &hook(Upper &upper, VirtAddr address)
	{
		return upper.hooked[address.bytes / kSpanBytes % kTableEntries];
	}
	VirtAddr hooked_at(const Upper &upper, unsigned slot) const;
	MachineAddr hook_maddr(VirtAddr address);
	void give_back_uppers();
	// The table that an address inside the store belongs to; nullptr when none.
	Frame *table_of(const uint64_t *entry);
	uint64_t *entries(const Frame &table) const { return store_.writable(table.store); }
	uint64_t *guest_view(const Frame &table) const { return store_.read_only(table.store); }
	void open_view(const Frame &table) { store_.open_view(table.store, table.alias_writable); }
	Pfn pfn_of_frame(const Frame &frame) const
	{
		return {static_cast<uint64_t>(&frame - frames_.data())};
	}
	MachineAddr maddr_of(const Frame &table) const
	{
		return {mfn_of(pfn_of_frame(table)).number << kPageShift};
	}
	// All that are hooked, by base; and all there are.
	std::map<uint64_t, Pfn> tables();
	const std::set<uint64_t> &all_tables() const { return all_tables_; }
	uint64_t pages_of(Kind kind) const;

	// Every page moves to another machine frame, as by save and restore.
	void scramble(uint64_t seed);

private:
	void free_table(Pfn pfn);
	Frame *twin_of(VirtAddr base);

	TableStore store_;
	std::vector<Frame> frames_;
	std::vector<uint64_t> p2m_;
	std::vector<uint64_t> m2p_;
	std::vector<uint64_t> free_;
	std::set<uint64_t> all_tables_;	   // pfn numbers
	std::map<uint64_t, Upper> uppers_; // by the first address that each maps
};

} // namespace xenmm::test
