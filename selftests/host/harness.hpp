// SPDX-License-Identifier: GPL-2.0
// An arena on a FakeXen, driven by page numbers instead of addresses, and the
// invariants that hold between any two operations. Its end is a munmap, after
// which nothing may be left.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "fake_backend.hpp"
#include "xenmm/arena.hpp"

namespace xenmm
{

// How GoogleTest shows it.
void PrintTo(const How &how, std::ostream *stream);

} // namespace xenmm

namespace xenmm::test
{

using Pieces = std::vector<xenmm_piece>;

inline constexpr VirtAddr kBase = {0x7f1200000000};

constexpr VirtAddr page_at(uint64_t number)
{
	return kBase.page(number);
}
constexpr xenmm_piece piece(uint64_t first, uint64_t pages)
{
	return {page_at(first).bytes, pages * kPageBytes};
}

// The operations with their parameter, so that tests can list them.
enum class Op { kPopulate, kDiscard, kProtectRo, kProtectRw, kMap, kUnmap, kTrack, kUntrack };
inline constexpr Op kAllOps[] = {Op::kPopulate, Op::kDiscard, Op::kProtectRo, Op::kProtectRw,
				 Op::kMap,	Op::kUnmap,   Op::kTrack,     Op::kUntrack};
std::string name_of(Op op);
// Does it take the right to write away, or give it?
constexpr bool takes_writing(Op op)
{
	return op == Op::kProtectRo || op == Op::kTrack;
}
constexpr bool gives_writing(Op op)
{
	return op == Op::kProtectRw || op == Op::kUntrack;
}
xenmm_request request_of(How how, Op op, const Pieces &pieces);

// What the arena knows of a page.
struct PageView {
	Slot slot;
	bool writable;
	bool tracked;

	bool has_page() const { return slot.has_page(); }
	Pfn pfn() const { return slot.pfn(); }
	bool is_fresh() const { return slot.is_fresh(); }
	bool is_writable() const { return writable; }
	bool is_tracked() const { return tracked; }
	bool is_written() const { return slot.is_written(); }
};

class Harness
{
public:
	explicit Harness(How how, uint64_t pages, uint64_t seed = 1);
	~Harness();

	// -errno as in the ioctl; the out fields are in `last`.
	Errno run(Op op, const Pieces &pieces);
	Errno run(Op op, uint64_t first, uint64_t pages) { return run(op, {piece(first, pages)}); }
	Errno run(Op op) { return run(op, 0, nr_pages); }
	// With another method than the arena's usual one.
	Errno run_by(How other, Op op, const Pieces &pieces);
	// A request as it was decoded; its answer is in `last`.
	Errno ask(Op op, const xenmm_request &request, const Pieces &pieces);
	// Another thread's operation, while the one under way has given its locks away.
	Errno run_meanwhile(Op op, uint64_t first, uint64_t pages);
	Errno fault(uint64_t number, bool write, uint32_t window);
	// A write to an entry that is read-only: pfn_mkwrite.
	Errno write(uint64_t number);
	// The written pages of a range, in as many pieces as fit; what else there is to say
	// is in `harvest`.
	Errno collect(uint64_t first, uint64_t pages, Pieces &found, uint32_t room = 1000);
	// A process touches a page: access, fault, access again. kAccess is SIGSEGV.
	Errno touch(unsigned cpu, uint64_t number, bool write, uint64_t *content,
		    uint32_t window = 1);
	// Before Xen looks at an entry, or takes a step with a table, a vCPU writes to the
	// pages concerned.
	void write_meanwhile(uint64_t content);
	void write_no_more();
	// All mapped pages enter all TLBs, writable ones as such.
	void fill_tlbs() { fill_tlbs(0, nr_pages); }
	void fill_tlbs(uint64_t first, uint64_t pages);

	uint64_t entry(uint64_t number) { return xen.entry(page_at(number)); }
	uint64_t twin_entry(uint64_t number) { return xen.entry(page_at(number).twin()); }
	PageView slot(uint64_t number);
	Twin twin(uint64_t number);
	bool is_flipped(uint64_t number); // its twin is the kernel's own table
	bool is_dead();
	bool is_mapped(uint64_t number) { return entry(number) != 0; }
	uint64_t mapped();
	bool is_pv() const { return how.method != Method::kNative; }

	// "" when page tables, slots, TLBs, accounts and locks agree.
	std::string problems();
	// "" when the counters say what FakeXen saw.
	std::string counter_problems();

	const How how;
	const uint64_t nr_pages;
	// The notifier that comes ahead of a munmap, or of a move that is refused.
	void retire(uint64_t first, uint64_t pages);
	// What it does even while somebody else has the arena.
	void oust(uint64_t first, uint64_t pages);
	// munmap of whole tables, once the notifier has had its say.
	void unmap(uint64_t first, uint64_t pages);
	// The mm is about to go.
	void mend();

	FakeXen xen;
	Arena<FakeBackend> arena;
	xenmm_request last = {};
	xenmm_harvest harvest = {};
	bool exclusive = true;	  // requests hold the mmap lock for writing
	bool has_notifier = true; // the kernel tells of a munmap; else there must be no twins

private:
	Span &span(uint64_t number);
	std::string entry_problem(uint64_t number);
	std::string twin_problem(uint64_t number);
	bool is_untold(uint64_t number);
	std::string presence_problem(uint64_t first);
	std::string span_problem(uint64_t first);
	uint64_t spans_with_twin();
};

// Fails when the harness finds something wrong.
#define EXPECT_SOUND(harness)                                \
	do {                                                 \
		EXPECT_EQ((harness).problems(), "");         \
		EXPECT_EQ((harness).counter_problems(), ""); \
	} while (0)

// Entries that some path wrote, by what became of them.
struct Tally {
	uint64_t mapped = 0, unmapped = 0, changed = 0;
	uint64_t of_twins = 0, leaving = 0;
	uint64_t via[kVias] = {};
	explicit Tally(const std::vector<Write> &writes);
};

std::string name_of(How how);
// Does it write single entries, and nothing else?
bool writes_entries(How how);
// May it exchange tables?
bool may_flip(How how);
inline std::string how_name(const ::testing::TestParamInfo<How> &info)
{
	return name_of(info.param);
}
std::vector<How> pv_hows();    // every PV method that writes entries, batch in all sizes
std::vector<How> entry_hows(); // and native
std::vector<How> table_hows(); // those that work on whole tables, and the planner
std::vector<How> all_hows();   // entry_hows() and table_hows()
std::vector<How> short_hows(); // every method once, batch in three sizes

class EachHow : public ::testing::TestWithParam<How>
{
};

} // namespace xenmm::test
