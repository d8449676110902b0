// SPDX-License-Identifier: GPL-2.0
// Xen's side of PV page tables, after xen/arch/x86/mm.c and pv/ro-page-fault.c of
// Xen 4.17: validates each L1 entry, counts references, keeps the TLBs of two
// vCPUs, records every write and fails on request.
#pragma once

#include <array>
#include <functional>
#include <set>
#include <unordered_map>
#include <vector>

#include "fake_memory.hpp"
#include "xenmm/xen_abi.hpp"

namespace xenmm::test
{

// Fails `times` times in a row, from the occasion number `after` (from 0) from now on.
class Fuse
{
public:
	void set(uint64_t after, int error, uint64_t times = 1)
	{
		left_ = after;
		error_ = error;
		times_ = times;
		is_set_ = true;
	}
	void clear() { is_set_ = false; }
	bool is_set() const { return is_set_; }
	bool has_blown() const { return blown_; }
	int blow()
	{
		seen_++;
		if (!is_set_)
			return 0;
		if (left_) {
			left_--;
			return 0;
		}
		is_set_ = --times_;
		blown_ = true;
		return error_;
	}
	uint64_t seen() const { return seen_; }

private:
	uint64_t left_ = 0;
	uint64_t times_ = 0;
	uint64_t seen_ = 0;
	int error_ = 0;
	bool is_set_ = false;
	bool blown_ = false;
};

enum class Via { kTrap, kMmuUpdate, kVaMapping, kLazy, kNative, kZap, kKernel, kRebuild };
inline constexpr unsigned kVias = 8;

// One change of an entry, as recorded.
struct Write {
	VirtAddr page; // whose entry
	uint64_t old;
	uint64_t now;
	Via via;
	bool leaving;  // ahead of munmap
	uint64_t call; // which entry into Xen wrote it
};

inline constexpr unsigned kCpus = 2;

inline bool is_present(uint64_t entry)
{
	return entry & Pte::kPresent;
}
// adjust_guest_l1e: Xen makes an entry without the user bit one of the kernel, by a bit of
// its own, and gives the user bit to all; those that are not the kernel's become global.
inline uint64_t adjust(uint64_t value)
{
	constexpr uint64_t kUser = 1ULL << 2, kOfKernel = 1ULL << 52;
	if (!is_present(value))
		return value;
	if (!(value & kUser))
		value |= kOfKernel | kUser;
	return (value & kOfKernel) ? value : value | Pte::kGlobal;
}

class Tlbs
{
public:
	struct Translation {
		Mfn frame;
		bool writable;
	};
	using OneTlb = std::unordered_map<uint64_t, Translation>;

	void flush_all();
	void flush_page(unsigned cpu, VirtAddr page);
	const Translation *find(unsigned cpu, VirtAddr page) const;
	const Translation *fill(unsigned cpu, VirtAddr page, Translation translation);
	bool holds(Mfn frame) const { return users_.contains(frame.number); }
	const OneTlb &of(unsigned cpu) const { return tlbs_[cpu]; }

private:
	std::array<OneTlb, kCpus> tlbs_;
	std::unordered_map<uint64_t, unsigned> users_; // translations to a frame
};

// How often the guest entered Xen, and what for.
struct XenCalls {
	uint64_t mmu_update = 0; // hypercalls of their own, not those inside multicalls
	uint64_t va_mapping = 0;
	uint64_t multicall = 0;
	uint64_t mmuext_op = 0;
	uint64_t lazy = 0; // mmu_updates of the kernel's queue
	uint64_t traps = 0;
	uint64_t flushes = 0;	 // TLB_FLUSH_ALL executed
	uint64_t l2_updates = 0; // applied
	uint64_t validations = 0;
};

// The guest's direct map, of which only page tables matter here.
inline constexpr uint64_t kAliasBase = 0xffff888000000000;

class Hypervisor
{
public:
	Hypervisor(GuestMemory &memory, Violations &violations, bool is_pv)
		: memory_(memory), violations_(violations), is_pv_(is_pv)
	{
	}

	int mmu_update(const xen::Update *updates, uint32_t count, uint32_t *done);
	void lazy_update(const xen::Update *updates, uint32_t count);
	int update_va_mapping(VirtAddr address, uint64_t value);
	int multicall(xen::Call *calls, uint32_t count);
	int emulate_store(const uint64_t *entry, uint64_t value);
	void flush_all();

	// Past Xen: what a native kernel or the fake's kernel writes itself.
	void write_unchecked(Frame &table, unsigned slot, uint64_t value, Via via);
	// A vCPU sets accessed and dirty bits.
	void mark_entry(Frame &table, unsigned slot, uint64_t bits);
	// New machine frames for all; entries follow, the TLBs start empty.
	void remap_all(uint64_t seed);

	Tlbs &tlbs() { return tlbs_; }
	std::vector<Write> &writes() { return writes_; }
	const XenCalls &calls() const { return calls_; }
	bool is_crashed() const { return crashed_; }
	// Was anything of an update ever refused?
	bool has_refused() const;

	// Who looks at each write as it is recorded, and at each exchange of the table that
	// hangs somewhere for another one.
	std::function<void(const Write &write)> on_write;
	std::function<void(VirtAddr at, const Frame &old, const Frame &now)> on_exchange;
	// What other vCPUs do just before Xen looks at an entry, and before it carries
	// out a step that concerns a whole table.
	std::function<void(VirtAddr page)> before_entry;
	std::function<void()> before_step;
	// No fault and no walk can come by: L2 entries may be changed.
	bool is_exclusive = false;
	bool is_leaving = false; // munmap is at work

	Fuse entry_fuse;      // the k-th update of an entry, by any path
	Fuse hypercall_fuse;  // the k-th hypercall as a whole, nothing done
	Fuse step_fuse;	      // the k-th update of an L2 entry, pin, unpin or alias mapping
	Fuse validation_fuse; // the k-th present entry that a validation looks at
	// Frames that Xen lets nobody map, whatever the path.
	std::set<uint64_t> refused_pfns, refused_writable_pfns;

private:
	void enter(const char *what);
	int do_mmu_update(const xen::Update *updates, uint32_t count, uint32_t *done, Via via);
	int update_one(const xen::Update &update, Via via);
	int update_machphys(const xen::Update &update);
	void store_silently(Frame &frame, Pfn pfn, const xen::Update &update);
	int do_call(const xen::Call &call);
	int do_mmuext_op(const xen::ExtendedOp &op);
	int do_va_mapping(VirtAddr address, uint64_t value, uint64_t flags);
	// Whole tables (fake_tables.cpp).
	int step();
	void flush_tlbs();
	int modify_hook(Upper &upper, unsigned slot, uint64_t value);
	int pin(Mfn mfn);
	int unpin(Mfn mfn);
	int map_alias(VirtAddr address, uint64_t value, uint64_t flags);
	int hook(Frame &table, VirtAddr at);
	void unhook(Frame &table);
	int need_validated(Frame &table);
	int validate(Frame &table);
	int promote(Frame &table);
	void note_released(Frame &table);
	Frame *l1_of(Mfn mfn);
	int modify(Frame &table, unsigned slot, uint64_t value, bool preserve_ad, Via via);
	int check_new(const Frame &table, uint64_t old, uint64_t value);
	int check_present(uint64_t value);
	int check_mapping(uint64_t value);
	bool is_page_table(const Frame &frame) const;
	void write(Frame &table, unsigned slot, uint64_t value, Via via);
	void account(uint64_t entry, int direction);
	void record(const Frame &table, unsigned slot, uint64_t old, uint64_t now, Via via);
	int crash(const char *why);

	GuestMemory &memory_;
	Violations &violations_;
	bool is_pv_;
	bool crashed_ = false;
	const Frame *promoted_ = nullptr; // whose entries are being looked at
	Tlbs tlbs_;
	std::vector<Write> writes_;
	uint64_t nr_entered_ = 0; // entries into Xen
	XenCalls calls_;
};

} // namespace xenmm::test
