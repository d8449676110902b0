// SPDX-License-Identifier: GPL-2.0
// What is promised of every single write, whatever Xen refuses and when. The judge is
// history.hpp, which looks at all operations of all tests; here each kind of refusal
// meets each method, and the judge himself is looked at.
#include <errno.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "harness.hpp"

namespace xenmm::test
{

namespace
{

constexpr uint64_t kPages = 2 * kTableEntries + 20;

std::vector<How> refusable_hows()
{
	std::vector<How> hows = short_hows();
	std::erase_if(hows, [](How how) { return how.method == Method::kNative; });
	return hows;
}

// Every page changes; whole tables have twins that are to be written first.
void arrange(Harness &h, Op op)
{
	if (op != Op::kPopulate) {
		ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	}
	if (op == Op::kProtectRw) {
		ASSERT_EQ(h.run_by({Method::kBatch, 512}, Op::kProtectRo, {piece(0, kPages)}),
			  Errno::kOk);
	}
	if (op == Op::kUntrack) {
		ASSERT_EQ(h.run(Op::kTrack), Errno::kOk);
	}
	if (op == Op::kMap) {
		ASSERT_EQ(h.run(Op::kUnmap), Errno::kOk);
	}
	h.xen.writes().clear();
}

std::vector<Pte> entries_of(Harness &h)
{
	std::vector<Pte> entries;
	for (uint64_t i = 0; i < kPages; i++)
		entries.push_back(Pte(h.entry(i)));
	return entries;
}

bool is_new(Harness &h, Op op, uint64_t number, Pte before)
{
	Pte now(h.entry(number));
	switch (op) {
	case Op::kPopulate:
	case Op::kMap:
		return before.is_empty() &&
		       now.frame().number == h.xen.memory.mfn_of(h.slot(number).pfn()).number;
	case Op::kUnmap:
	case Op::kDiscard:
		return now.is_empty();
	default:
		return now.agrees_with(before.with_flags(h.xen.pte_flags(gives_writing(op))));
	}
}

struct Occasion {
	const char *name;
	Fuse Hypervisor::*fuse;
};
constexpr Occasion kOccasions[] = {
	{"entry", &Hypervisor::entry_fuse},
	{"hypercall", &Hypervisor::hypercall_fuse},
	{"step", &Hypervisor::step_fuse},
	{"validation", &Hypervisor::validation_fuse},
};

class Histories : public EachHow
{
public:
	// false: the operation had no such occasion.
	bool refuse(Op op, const Occasion &occasion, uint64_t k, uint64_t times)
	{
		SCOPED_TRACE(name_of(op) + ", " + occasion.name + " " + std::to_string(k));
		Harness h(GetParam(), kPages);
		arrange(h, op);
		std::vector<Pte> before = entries_of(h);
		Fuse &fuse = h.xen.hypervisor.*occasion.fuse;
		fuse.set(k, -EBUSY, times);
		(void)h.run(op);
		fuse.clear();
		EXPECT_EQ(h.xen.violations.text(), "");
		written_ += h.xen.writes().size();
		if (h.is_dead())
			h.mend();
		else
			expect_old_or_new(h, op, before);
		return fuse.has_blown();
	}
	void refuse_everywhere(Op op, const Occasion &occasion, uint64_t times)
	{
		for (uint64_t k = 0; refuse(op, occasion, k, times) && !HasFailure();)
			k += k / 2 + 1;
	}

	uint64_t written_ = 0;

private:
	// Empty is an end only where a whole table was refused.
	void expect_old_or_new(Harness &h, Op op, const std::vector<Pte> &before)
	{
		for (uint64_t i = 0; i < kPages; i++) {
			bool is_old = Pte(h.entry(i)).agrees_with(before[i]);
			bool was_emptied = !writes_entries(h.how) && !h.entry(i);
			ASSERT_TRUE(is_old || was_emptied || is_new(h, op, i, before[i])) << i;
		}
	}
};
INSTANTIATE_TEST_SUITE_P(Each, Histories, ::testing::ValuesIn(refusable_hows()), how_name);

TEST_P(Histories, AfterAnyRefusalEachEntryIsItsOldOrItsNewValueAndNeverAThird)
{
	for (Op op : kAllOps)
		for (const Occasion &occasion : kOccasions)
			refuse_everywhere(op, occasion, 1);
	EXPECT_GT(written_, 0u);
}

TEST_P(Histories, SoItIsAfterRefusalsInARow)
{
	for (Op op : kAllOps)
		for (const Occasion &occasion : kOccasions)
			refuse_everywhere(op, occasion, 5);
	EXPECT_GT(written_, 0u);
}

// --- paths

std::set<Via> vias_of(How how)
{
	switch (how.method) {
	case Method::kTrap:
		return {Via::kTrap};
	case Method::kVaMapping:
		return {Via::kVaMapping};
	case Method::kLazy:
		return {Via::kLazy};
	case Method::kNative:
		return {Via::kNative, Via::kZap};
	case Method::kAuto:
	case Method::kRebuild:
	case Method::kFlip:
		return {Via::kMmuUpdate, Via::kRebuild};
	default:
		return {Via::kMmuUpdate};
	}
}

class Paths : public EachHow
{
};
INSTANTIATE_TEST_SUITE_P(Each, Paths, ::testing::ValuesIn(all_hows()), how_name);

// A table is read-only memory here, so a store past all paths ends the test; one that
// Xen emulates is recorded as such.
TEST_P(Paths, NothingStoresIntoAReadOnlyTableButTheTrapMethod)
{
	Harness h(GetParam(), kPages);
	for (Op op : {Op::kPopulate, Op::kProtectRo, Op::kMap, Op::kProtectRw, Op::kUnmap, Op::kMap,
		      Op::kDiscard})
		ASSERT_EQ(h.run(op), Errno::kOk);
	std::set<Via> used;
	for (const Write &write : h.xen.writes())
		used.insert(write.via);
	EXPECT_EQ(used, vias_of(h.how));
	EXPECT_EQ(h.xen.hypervisor.calls().traps != 0, h.how.method == Method::kTrap);
}

// --- order

// How many hypercalls wrote into more than one table.
uint64_t shared_hypercalls(Harness &h)
{
	std::map<uint64_t, std::set<uint64_t>> tables;
	for (const Write &write : h.xen.writes())
		tables[write.call].insert(write.page.table_base().bytes);
	return std::count_if(tables.begin(), tables.end(),
			     [](const auto &call) { return call.second.size() > 1; });
}

TEST(Grouping, OfUpdatesByTableWithinAHypercall)
{
	for (uint32_t batch : {1024, 2047, 2048}) {
		Harness h({Method::kBatch, batch}, 8 * kTableEntries);
		uint64_t tables = batch / kTableEntries; // of a section
		Pieces sparse;
		for (uint64_t i = 0; i < h.nr_pages; i += 19)
			sparse.push_back(piece(i, i % 3 + 1));
		for (Op op : {Op::kPopulate, Op::kProtectRo, Op::kUnmap, Op::kMap, Op::kDiscard}) {
			h.xen.writes().clear();
			ASSERT_EQ(h.run(op, sparse), Errno::kOk);
			EXPECT_EQ(shared_hypercalls(h), (8 + tables - 1) / tables);
		}
		EXPECT_EQ(h.xen.violations.text(), ""); // history.hpp looked at each of them
	}
}

// --- the judge

// Writes this in front of the first entry that a protect changes.
std::string judged(uint64_t number, std::function<uint64_t(Harness &)> value)
{
	Harness h({Method::kBatch, 512}, kPages);
	EXPECT_EQ(h.run(Op::kPopulate), Errno::kOk);
	bool came = false;
	h.xen.hypervisor.before_entry = [&](VirtAddr) {
		if (std::exchange(came, true))
			return;
		Frame &table = *h.xen.memory.table(page_at(number));
		h.xen.hypervisor.write_unchecked(table, page_at(number).slot(), value(h),
						 Via::kMmuUpdate);
	};
	(void)h.run(Op::kProtectRo, 0, 1000);
	std::string text = h.xen.violations.text();
	h.xen.violations.take("");
	return text;
}

TEST(Judge, NoticesAThirdValue)
{
	auto other_page = [](Harness &h) { return h.entry(8); };
	auto other_flags = [](Harness &h) { return h.entry(7) | 0x10; };
	auto nothing = [](Harness &) { return 0; };
	EXPECT_NE(judged(7, other_page).find("page 7 during protect_ro: neither"),
		  std::string::npos);
	EXPECT_NE(judged(7, nothing).find("neither its old nor its new"), std::string::npos);
	EXPECT_NE(judged(7, other_flags).find("nobody's"), std::string::npos);
}

TEST(Judge, NoticesANewValueOutsideOfTheRanges)
{
	auto new_value = [](uint64_t number) {
		return [number](Harness &h) { return h.entry(number) & ~Pte::kWritable; };
	};
	EXPECT_EQ(judged(7, new_value(7)), "");
	EXPECT_NE(judged(1001, new_value(1001)).find("page 1001"), std::string::npos);
}

TEST(Judge, NoticesUpdatesThatAreNotGroupedByTable)
{
	// 600 is written in front of 0, in the same hypercall.
	Harness h({Method::kBatch, 2048}, kPages);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	h.xen.hypervisor.before_entry = [&](VirtAddr page) {
		if (page != page_at(3))
			return;
		Frame &table = *h.xen.memory.table(page_at(600));
		h.xen.hypervisor.write_unchecked(table, page_at(600).slot(),
						 h.entry(600) & ~Pte::kWritable, Via::kMmuUpdate);
	};
	EXPECT_EQ(h.run(Op::kProtectRo, 0, 1000), Errno::kOk);
	EXPECT_TRUE(h.xen.violations.take("not grouped by table"));
}

// Each vCPU sees the old protection or the new one, while two tables change places.
TEST(Judge, NoticesAFlipToATableThatIsNotTheTwin)
{
	Harness h({Method::kFlip, 0}, kTableEntries);
	ASSERT_EQ(h.run(Op::kPopulate), Errno::kOk);
	ASSERT_EQ(h.run(Op::kProtectRo), Errno::kOk);
	bool came = false;
	h.xen.hypervisor.before_step = [&] {
		if (std::exchange(came, true))
			return;
		Frame &twin = *h.xen.memory.table(kBase.twin());
		h.xen.hypervisor.write_unchecked(twin, 5, h.twin_entry(6), Via::kKernel);
	};
	EXPECT_EQ(h.run(Op::kProtectRw), Errno::kOk);
	EXPECT_TRUE(h.xen.violations.take("page 5 during protect_rw: a flip shows neither"));
	ASSERT_EQ(h.run_by({Method::kBatch, 512}, Op::kDiscard, {piece(0, kTableEntries)}),
		  Errno::kOk);
	h.xen.violations.take("");
}

} // namespace

} // namespace xenmm::test
