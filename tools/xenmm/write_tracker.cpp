// SPDX-License-Identifier: GPL-2.0
// The memory of all four is populated throughout and stays so. Two of them have a signal
// handler, which serves the tracker that was armed last: one at a time.
#include "write_tracker.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arena.hpp"
#include "error.hpp"
#include "guard.hpp"
#include "page.hpp"
#include "region.hpp"

namespace xenmm
{

namespace
{

class ArenaTracker final : public WriteTracker
{
public:
	explicit ArenaTracker(uint64_t pages) : arena_(pages), whole_(arena_.whole()), told_(pages)
	{
		arena_.operate(XENMM_IOC_POPULATE, whole_, {});
		op_ = make_op(whole_, {});
	}
	void arm() override
	{
		result_ = arena_.submit(XENMM_IOC_TRACK, op_);
		error_ = errno;
	}
	void collect(PageNumbers &written) override
	{
		xenmm_collect ask = {};
		ask.start = whole_.front().start;
		ask.length = whole_.front().length;
		ask.ranges = reinterpret_cast<uintptr_t>(told_.data());
		ask.max_ranges =
			static_cast<uint32_t>(std::min<uint64_t>(told_.size(), XENMM_MAX_COLLECT));
		if (arena_.collect(ask) != 0)
			return;
		for (uint32_t i = 0; i < ask.nr_ranges; i++)
			for (uint64_t at = 0; at < told_[i].length; at += kPageBytes)
				written.push_back((told_[i].start + at - ask.start) / kPageBytes);
	}
	void disarm() override { arena_.operate(XENMM_IOC_UNTRACK, whole_, {}); }
	void require_armed() const override { require_done(result_, error_, op_); }
	volatile uint64_t &word(uint64_t page) const override { return arena_.word(page); }

private:
	Arena arena_;
	Ranges whole_;
	std::vector<xenmm_range> told_;
	xenmm_op op_ = {};
	int result_ = 0;
	int error_ = 0;
};

// Ordinary memory.
class RegionTracker : public WriteTracker
{
public:
	explicit RegionTracker(uint64_t pages) : region_(pages) { region_.map_stamped(); }
	void require_armed() const override
	{
		if (result_ != 0)
			throw system_failure("to write-protect the memory", error_);
	}
	volatile uint64_t &word(uint64_t page) const override
	{
		return *reinterpret_cast<volatile uint64_t *>(at(page));
	}

protected:
	uintptr_t at(uint64_t page) const
	{
		return reinterpret_cast<uintptr_t>(region_.base()) + page * kPageBytes;
	}
	uint64_t bytes() const { return region_.pages() * kPageBytes; }
	void note(bool is_done)
	{
		result_ = is_done ? 0 : -1;
		error_ = errno;
	}
	Region region_;

private:
	int result_ = 0;
	int error_ = 0;
};

// A write ends in a handler, which notes the page and lets the write through.
class SignalTracker : public RegionTracker
{
public:
	explicit SignalTracker(uint64_t pages) : RegionTracker(pages) { written_.reserve(pages); }
	~SignalTracker() override
	{
		if (serving == this)
			set_fault_server(nullptr);
	}
	void arm() override
	{
		written_.clear();
		note(set_protection(at(0), bytes(), true));
	}
	// A page at a time, as few pages are written: that is what there is to choose from.
	void collect(PageNumbers &written) override
	{
		for (uint64_t page : written_)
			set_protection(at(page), kPageBytes, true);
		written.swap(written_);
		written_.clear();
		std::sort(written.begin(), written.end());
	}
	void disarm() override
	{
		serving = this;
		set_fault_server(let_through);
		set_protection(at(0), bytes(), false);
	}

protected:
	virtual bool set_protection(uintptr_t start, uint64_t length, bool is_protected) = 0;

private:
	static bool let_through(uintptr_t address)
	{
		uint64_t page = (address - serving->at(0)) / kPageBytes;
		if (page >= serving->region_.pages())
			return false;
		serving->written_.push_back(page); // there is room
		return serving->set_protection(serving->at(page), kPageBytes, false);
	}

	static SignalTracker *serving;
	PageNumbers written_;
};

SignalTracker *SignalTracker::serving;

class MprotectTracker final : public SignalTracker
{
public:
	using SignalTracker::SignalTracker;

private:
	bool set_protection(uintptr_t start, uint64_t length, bool is_protected) override
	{
		int prot = is_protected ? PROT_READ : PROT_READ | PROT_WRITE;
		return mprotect(reinterpret_cast<void *>(start), length, prot) == 0;
	}
};

// In the thread that writes, by SIGBUS: a second thread would add two switches a page.
class UffdTracker final : public SignalTracker
{
public:
	explicit UffdTracker(uint64_t pages)
		: SignalTracker(pages),
		  uffd_(static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY)))
	{
		uffdio_api api = {UFFD_API, UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_SIGBUS,
				  0};
		uffdio_register area = {{at(0), bytes()}, UFFDIO_REGISTER_MODE_WP, 0};
		if (uffd_.get() < 0 || ioctl(uffd_.get(), UFFDIO_API, &api) != 0 ||
		    ioctl(uffd_.get(), UFFDIO_REGISTER, &area) != 0)
			throw system_failure("userfaultfd with write protection");
	}

private:
	bool set_protection(uintptr_t start, uint64_t length, bool is_protected) override
	{
		uffdio_writeprotect ask = {
			{start, length},
			is_protected ? static_cast<__u64>(UFFDIO_WRITEPROTECT_MODE_WP) : 0};
		return ioctl(uffd_.get(), UFFDIO_WRITEPROTECT, &ask) == 0;
	}

	UniqueFd uffd_;
};

class SoftDirtyTracker final : public RegionTracker
{
public:
	explicit SoftDirtyTracker(uint64_t pages)
		: RegionTracker(pages), entries_(pages),
		  clear_(open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)),
		  pagemap_(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC))
	{
		if (clear_.get() < 0 || pagemap_.get() < 0)
			throw system_failure("/proc/self/clear_refs and pagemap");
		if (!read_entries() || !is_dirty(0))
			throw Failure(ExitCode::kNotPossible,
				      "this kernel has no soft-dirty bits "
				      "(CONFIG_MEM_SOFT_DIRTY): leave track-*-softdirty out");
	}
	void arm() override { note(pwrite(clear_.get(), "4", 1, 0) == 1); }
	void collect(PageNumbers &written) override
	{
		if (!read_entries())
			return;
		arm();
		for (uint64_t page = 0; page < entries_.size(); page++)
			if (is_dirty(page))
				written.push_back(page);
	}
	void disarm() override {}

private:
	static constexpr unsigned kSoftDirtyBit = 55;

	bool read_entries()
	{
		auto size = entries_.size() * sizeof(uint64_t);
		auto offset = static_cast<off_t>(at(0) / kPageBytes * sizeof(uint64_t));
		return pread(pagemap_.get(), entries_.data(), size, offset) ==
		       static_cast<ssize_t>(size);
	}
	bool is_dirty(uint64_t page) const { return entries_[page] >> kSoftDirtyBit & 1; }

	std::vector<uint64_t> entries_;
	UniqueFd clear_;
	UniqueFd pagemap_;
};

template <class Tracker>
std::unique_ptr<WriteTracker> make(uint64_t pages)
{
	return std::make_unique<Tracker>(pages);
}

} // namespace

const WriteTrackerKind kWriteTrackers[4] = {
	{"arena", make<ArenaTracker>},
	{"mprotect", make<MprotectTracker>},
	{"uffd", make<UffdTracker>},
	{"softdirty", make<SoftDirtyTracker>},
};

} // namespace xenmm
