// SPDX-License-Identifier: GPL-2.0
// Xen's side of PV page tables, after xen/arch/x86/mm.c and pv/ro-page-fault.c of
// Xen 4.17: validates each L1 entry, counts references, keeps the TLBs of two
// vCPUs, records every write and fails on request.
#pragma once

#include <array>
#include <functional>
#include <unordered_map>
#include <vector>

#include "fake_memory.hpp"
#include "xenmm/xen_abi.hpp"

namespace xenmm::test
{

// Fails once, at the occasion number `after` (from 0) from now on.
class Fuse
{
public:
	void set(uint64_t after, int error)
	{
		left_ = after;
		error_ = error;
		is_set_ = true;
	}
	void clear() { is_set_ = false; }
	bool is_set() const { return is_set_; }
	int blow()
	{
		seen_++;
		if (!is_set_ || left_--)
			return 0;
		is_set_ = false;
		return error_;
	}
	uint64_t seen() const { return seen_; }

private:
	uint64_t left_ = 0;
	uint64_t seen_ = 0;
	int error_ = 0;
	bool is_set_ = false;
};

enum class Via { kTrap, kMmuUpdate, kVaMapping, kLazy, kNative, kZap, kKernel };

// One change of an entry, as recorded.
struct Write {
	VirtAddr page; // whose entry
	uint64_t old;
	uint64_t now;
	Via via;
};

inline constexpr unsigned kCpus = 2;

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
	bool holds(Mfn frame) const { return users_.count(frame.number); }
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
	uint64_t flushes = 0; // TLB_FLUSH_ALL executed
};

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

	// What other vCPUs do just before Xen looks at an entry.
	std::function<void(VirtAddr page)> before_entry;

	Fuse entry_fuse;     // the k-th update of an entry, by any path
	Fuse hypercall_fuse; // the k-th hypercall as a whole, nothing done

private:
	void enter(const char *what);
	int do_mmu_update(const xen::Update *updates, uint32_t count, uint32_t *done, Via via);
	int update_one(const xen::Update &update, Via via);
	int do_call(const xen::Call &call);
	int do_mmuext_op(const xen::Call &call);
	int modify(Frame &table, unsigned slot, uint64_t value, bool preserve_ad, Via via);
	int check_new(const Frame &table, uint64_t old, uint64_t value);
	int check_mapping(uint64_t value);
	void write(Frame &table, unsigned slot, uint64_t value, Via via);
	void account(uint64_t entry, int direction);
	int crash(const char *why);

	GuestMemory &memory_;
	Violations &violations_;
	bool is_pv_;
	bool crashed_ = false;
	Tlbs tlbs_;
	std::vector<Write> writes_;
	XenCalls calls_;
};

} // namespace xenmm::test
