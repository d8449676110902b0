// SPDX-License-Identifier: GPL-2.0
// What a TLB miss costs: a chase of pointers, one a page, in a random order that comes
// by every page once. Each address is known only when the one before has been read, so
// that nothing overlaps; no two runs differ, as the order has a fixed seed.
//
//	walk-near   13 pages, again and again: no TLB misses
//	walk-4k     all pages
//	walk-2m     the same order and places in huge pages: the same data cache misses,
//	            while a TLB entry reaches 512 times as far
//
// All three make --pages accesses a run. Page p is read in its line p modulo 64, as
// lines at one offset would share the sets of the data cache.
#include "workload.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>
#include <random>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "error.hpp"
#include "files.hpp"
#include "page.hpp"
#include "walk.hpp"

namespace xenmm
{

namespace
{

constexpr uint64_t kNearPages = 13; // a prime: a wrong number of accesses ends elsewhere
constexpr uint64_t kHugeBytes = 2 << 20;
constexpr uint64_t kLineBytes = 64;
constexpr uint64_t kLines = kPageBytes / kLineBytes;
constexpr uint64_t kSeed = 20031019;
constexpr const char *kSwitch = "/sys/kernel/mm/transparent_hugepage/enabled";

struct Node {
	Node *next;
};

// The process is without huge pages (settle_process), but for as long as one of these.
class AllowHugePages
{
public:
	AllowHugePages() : disabled_(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0))
	{
		prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	}
	~AllowHugePages()
	{
		if (disabled_ > 0)
			prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	}
	AllowHugePages(const AllowHugePages &) = delete;

private:
	int disabled_;
};

// Memory in whole multiples of a huge page, all of it there; by huge pages if wished
// for and possible.
class Ground
{
public:
	Ground(uint64_t pages, Leaf wish)
		: bytes_((pages * kPageBytes + kHugeBytes - 1) / kHugeBytes * kHugeBytes),
		  mapped_(mmap(nullptr, bytes_ + kHugeBytes, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
	{
		if (mapped_ == MAP_FAILED)
			throw system_failure("mmap");
		AllowHugePages allowed;
		// Fails where there are none.
		madvise(base(), bytes_, wish == Leaf::k2m ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		for (uint64_t offset = 0; offset < bytes_; offset += kPageBytes)
			static_cast<volatile char *>(base())[offset] = 0;
	}
	~Ground() { munmap(mapped_, bytes_ + kHugeBytes); }
	Ground(const Ground &) = delete;

	void *base() const
	{
		auto first = reinterpret_cast<uintptr_t>(mapped_);
		return reinterpret_cast<void *>((first + kHugeBytes - 1) / kHugeBytes * kHugeBytes);
	}
	uint64_t bytes() const { return bytes_; }
	Node *node(uint64_t page) const
	{
		char *place = static_cast<char *>(base()) + page * kPageBytes +
			      page % kLines * kLineBytes;
		return reinterpret_cast<Node *>(place);
	}
	uint64_t page_of(const Node *node) const
	{
		return static_cast<uint64_t>(reinterpret_cast<const char *>(node) -
					     static_cast<const char *>(base())) /
		       kPageBytes;
	}

private:
	uint64_t bytes_;
	void *mapped_;
};

// next[page], one cycle through all (Sattolo's shuffle).
std::vector<uint64_t> one_cycle(uint64_t pages)
{
	std::vector<uint64_t> next(pages);
	std::iota(next.begin(), next.end(), 0);
	std::mt19937_64 random(kSeed);
	for (uint64_t last = pages - 1; last > 0; last--)
		std::swap(next[last], next[random() % last]);
	return next;
}

Node *chase(Node *from, uint64_t accesses)
{
	for (; accesses; accesses--)
		from = *static_cast<Node *volatile *>(&from->next);
	return from;
}

Failure wrong_walk(const std::string &what)
{
	return Failure(ExitCode::kFailed, "wrong outcome of the walk: " + what);
}

class Walk final : public Workload
{
public:
	Walk(uint64_t pages, uint64_t accesses, Leaf leaf)
		: pages_(pages), accesses_(accesses), ground_(pages, leaf)
	{
		std::vector<uint64_t> next = one_cycle(pages);
		for (uint64_t page = 0; page < pages; page++)
			ground_.node(page)->next = ground_.node(next[page]);
		if (leaf_of(ground_.base(), ground_.bytes()) != leaf)
			throw Failure(ExitCode::kNotPossible,
				      fmt::format("the pages are not {}", leaf_name(leaf)));
	}

	// What the last run left in TLB and caches, and nothing of what came between.
	void prepare() override { chase(ground_.node(0), accesses_); }
	void run() override { end_ = chase(ground_.node(0), accesses_); }
	void finish() override
	{
		std::vector<bool> seen(pages_);
		Node *at = ground_.node(0);
		for (uint64_t access = 0; access < accesses_; access++, at = at->next)
			seen[ground_.page_of(at)] = true;
		auto met = static_cast<uint64_t>(std::count(seen.begin(), seen.end(), true));
		if (at != end_)
			throw wrong_walk(fmt::format("it ended at page {}, not {}",
						     ground_.page_of(end_), ground_.page_of(at)));
		if (met != std::min(pages_, accesses_))
			throw wrong_walk(fmt::format("it came by {} of {} pages", met, pages_));
	}
	std::optional<WalkFacts> walk_facts() override
	{
		prepare();
		return WalkFacts{leaf_of(ground_.base(), ground_.bytes()),
				 count_misses([this] { run(); }, accesses_)};
	}

private:
	uint64_t pages_;
	uint64_t accesses_;
	Ground ground_;
	Node *end_ = nullptr;
};

WorkloadKind walk(const char *name, uint64_t most_pages, Leaf leaf)
{
	WorkloadKind kind = {name, [most_pages, leaf](const Job &job) {
				     return std::make_unique<Walk>(std::min(job.pages, most_pages),
								   job.pages, leaf);
			     }};
	kind.group = kWalkGroup;
	kind.in_all = false;
	return kind;
}

} // namespace

std::optional<std::string> why_no_huge_pages(uint64_t pages)
{
	std::optional<std::string> enabled = read_line(kSwitch);
	if (!enabled)
		return "the kernel has no transparent huge pages";
	if (enabled->find("[never]") != std::string::npos)
		return std::string(kSwitch) + " is 'never' (below 512 MiB the kernel's own choice; "
					      "write 'madvise' to it)";
	Ground ground(pages, Leaf::k2m);
	std::optional<uint64_t> huge = huge_bytes(ground.base(), ground.bytes());
	if (!huge)
		return "/proc/self/smaps does not tell of them";
	if (*huge < ground.bytes())
		return fmt::format("the kernel gave {} of {} KiB", *huge >> 10,
				   ground.bytes() >> 10);
	return std::nullopt;
}

void add_walk_workloads(WorkloadKinds &kinds)
{
	kinds.push_back(walk("walk-near", kNearPages, Leaf::k4k));
	kinds.push_back(walk("walk-4k", UINT64_MAX, Leaf::k4k));
	kinds.push_back(walk(kHugeWalk, UINT64_MAX, Leaf::k2m));
}

} // namespace xenmm
