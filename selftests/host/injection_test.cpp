// SPDX-License-Identifier: GPL-2.0
// Xen refuses the k-th entry, for every k, every operation and every PV method:
// each entry is its old or its new value, memory, slots and counters agree, the
// answer says where it stopped, and the same operation completes it afterwards.
#include <errno.h>

#include "harness.hpp"

namespace xenmm::test
{

namespace
{

constexpr uint64_t kPages = 1024;
constexpr uint64_t kFirst = 512 - 40; // the range spans a table edge
constexpr uint64_t kCount = 64;
constexpr uint64_t kMargin = 4; // neighbours that must not change
constexpr int kInjected = -EPERM;

// What the range looks like before the operation, so that it changes every page.
void arrange(Harness &h, Op op)
{
	if (op != Op::kPopulate) {
		ASSERT_EQ(h.run(Op::kPopulate, kFirst - kMargin, kCount + 2 * kMargin), Errno::kOk);
	}
	if (op == Op::kProtectRw) {
		ASSERT_EQ(h.run(Op::kProtectRo, kFirst, kCount), Errno::kOk);
	}
	if (op == Op::kUntrack) {
		ASSERT_EQ(h.run(Op::kTrack, kFirst, kCount), Errno::kOk);
	}
	if (op == Op::kMap) {
		ASSERT_EQ(h.run(Op::kUnmap, kFirst, kCount), Errno::kOk);
	}
	h.fill_tlbs(kFirst - kMargin, kCount + 2 * kMargin);
	h.xen.writes().clear();
	h.xen.forget_totals();
}

std::vector<uint64_t> entries_of(Harness &h)
{
	std::vector<uint64_t> entries;
	for (uint64_t i = kFirst - kMargin; i < kFirst + kCount + kMargin; i++)
		entries.push_back(h.entry(i));
	return entries;
}

// Is this page as the operation wants it?
bool is_done(Harness &h, Op op, uint64_t number)
{
	switch (op) {
	case Op::kPopulate:
	case Op::kMap:
		return h.is_mapped(number);
	case Op::kUnmap:
		return !h.is_mapped(number);
	case Op::kDiscard:
		return !h.is_mapped(number) && !h.slot(number).has_page();
	default:
		return h.slot(number).is_writable() == gives_writing(op) &&
		       Pte(h.entry(number)).is_writable() == gives_writing(op);
	}
}

// Changed entries are as wanted (problems() knows the frames), the rest as before.
void expect_old_or_new(Harness &h, Op op, const std::vector<uint64_t> &before)
{
	for (uint64_t i = kFirst - kMargin; i < kFirst + kCount + kMargin; i++) {
		if (h.entry(i) == before[i - (kFirst - kMargin)])
			continue;
		EXPECT_TRUE(i >= kFirst && i < kFirst + kCount) << "outside: page " << i;
		bool unmapped = (op == Op::kUnmap || op == Op::kDiscard) && !h.entry(i);
		EXPECT_TRUE(unmapped || is_done(h, op, i)) << "page " << i;
	}
}

int error_seen_by_guest(Method method)
{
	switch (method) {
	case Method::kTrap:
		return -EFAULT; // a page fault tells no more
	case Method::kLazy:
		return -EIO; // found by reading back
	default:
		return kInjected;
	}
}

void expect_answer(Harness &h, Op op, uint64_t k)
{
	EXPECT_EQ(h.last.pages_done, k);
	EXPECT_EQ(h.last.failed_address, page_at(kFirst + k).bytes);
	EXPECT_EQ(h.last.hypervisor_error, error_seen_by_guest(h.how.method));
	EXPECT_EQ(h.xen.total(XENMM_COUNTER_errors), 1u);
	for (uint64_t i = 0; i < k; i++)
		EXPECT_TRUE(is_done(h, op, kFirst + i)) << "page " << i;
	EXPECT_FALSE(is_done(h, op, kFirst + k)) << "the page at failed_address";
}

class Injection : public EachHow
{
public:
	void fail_at(Op op, uint64_t k)
	{
		SCOPED_TRACE(name_of(op) + ", entry " + std::to_string(k));
		Harness h(GetParam(), kPages);
		arrange(h, op);
		h.xen.forget_totals();
		std::vector<uint64_t> before = entries_of(h);
		uint64_t held = h.xen.pages_held();

		h.xen.hypervisor.entry_fuse.set(k, kInjected);
		EXPECT_EQ(h.run(op, kFirst, kCount), Errno::kIo);
		expect_answer(h, op, k);
		expect_old_or_new(h, op, before);
		EXPECT_EQ(h.problems(), "");

		EXPECT_EQ(h.run(op, kFirst, kCount), Errno::kOk);
		EXPECT_EQ(h.last.pages_done, kCount);
		for (uint64_t i = 0; i < kCount; i++)
			EXPECT_TRUE(is_done(h, op, kFirst + i)) << "page " << i;
		EXPECT_EQ(h.problems(), "");
		uint64_t gained = op == Op::kPopulate ? kCount : op == Op::kDiscard ? -kCount : 0;
		EXPECT_EQ(h.xen.pages_held(), held + gained);
	}

	// Counters against FakeXen's record, which starts with the operation.
	std::string counters_after_failure(Op op, uint64_t k)
	{
		Harness h(GetParam(), kPages);
		arrange(h, op);
		const XenCalls before = h.xen.hypervisor.calls();
		h.xen.hypervisor.entry_fuse.set(k, kInjected);
		EXPECT_EQ(h.run(op, kFirst, kCount), Errno::kIo);
		return differences(h, before);
	}

private:
	static std::string differences(Harness &h, const XenCalls &before)
	{
		Tally tally(h.xen.writes());
		std::string text;
		auto check = [&](xenmm_counter counter, const char *name, uint64_t recorded) {
			if (h.xen.total(counter) != recorded)
				text += std::string(name) + ": counted " +
					std::to_string(h.xen.total(counter)) + ", happened " +
					std::to_string(recorded) + "; ";
		};
		const XenCalls &now = h.xen.hypervisor.calls();
		auto via = [&](Via via) { return tally.via[static_cast<int>(via)]; };
		check(XENMM_COUNTER_pages_mapped, "pages_mapped", tally.mapped);
		check(XENMM_COUNTER_pages_unmapped, "pages_unmapped", tally.unmapped);
		check(XENMM_COUNTER_pages_protected, "pages_protected", tally.changed);
		check(XENMM_COUNTER_mmu_updates, "mmu_updates", via(Via::kMmuUpdate));
		check(XENMM_COUNTER_traps, "traps", via(Via::kTrap));
		check(XENMM_COUNTER_va_mappings, "va_mappings", via(Via::kVaMapping));
		check(XENMM_COUNTER_tlb_flushes, "tlb_flushes", now.flushes - before.flushes);
		check(XENMM_COUNTER_hypercalls, "hypercalls",
		      now.mmu_update + now.va_mapping + now.multicall - before.mmu_update -
			      before.va_mapping - before.multicall);
		return text;
	}
};
INSTANTIATE_TEST_SUITE_P(Each, Injection, ::testing::ValuesIn(pv_hows()), how_name);

TEST_P(Injection, RefusedAtEveryEntry)
{
	for (Op op : kAllOps)
		for (uint64_t k = 0; k < kCount; k++)
			fail_at(op, k);
}

// All positions in one message: the pattern matters.
TEST_P(Injection, CountersSayWhatHappenedAfterAFailure)
{
	for (Op op : kAllOps)
		for (uint64_t k : {0, 1, 7, 30, 31, 32, 39, 40, 41, 63})
			EXPECT_EQ(counters_after_failure(op, k), "")
				<< name_of(op) << ", entry " << k;
}

TEST_P(Injection, WholeHypercallRefusedAtEveryPosition)
{
	if (GetParam().method == Method::kTrap || GetParam().method == Method::kLazy)
		GTEST_SKIP() << "no hypercall of its own";
	for (Op op : kAllOps)
		for (uint64_t k = 0; k < 3; k++) {
			SCOPED_TRACE(name_of(op) + ", hypercall " + std::to_string(k));
			Harness h(GetParam(), kPages);
			arrange(h, op);
			h.xen.hypervisor.hypercall_fuse.set(k, -ENOSYS);
			Errno error = h.run(op, kFirst, kCount);
			if (h.xen.hypervisor.hypercall_fuse
				    .is_set()) { // fewer hypercalls than that
				EXPECT_EQ(error, Errno::kOk);
				h.xen.hypervisor.hypercall_fuse.clear();
				continue;
			}
			EXPECT_EQ(error, Errno::kIo);
			EXPECT_EQ(h.last.hypervisor_error, -ENOSYS);
			uint64_t done = h.last.pages_done;
			EXPECT_EQ(h.last.failed_address, page_at(kFirst + done).bytes);
			EXPECT_FALSE(is_done(h, op, kFirst + done));
			EXPECT_EQ(h.problems(), "");
			EXPECT_EQ(h.run(op, kFirst, kCount), Errno::kOk);
			EXPECT_EQ(h.problems(), "");
		}
}

TEST_P(Injection, AFailureBehindPagesThatNeedNothingNamesTheRightPage)
{
	Harness h(GetParam(), kPages);
	ASSERT_EQ(h.run(Op::kPopulate, 500, 20), Errno::kOk);
	h.xen.hypervisor.entry_fuse.set(10, kInjected);
	ASSERT_EQ(h.run(Op::kPopulate, {piece(495, 10), piece(510, 30)}), Errno::kIo);
	// 5 new ones in front, 5 present; then 10 present, and of the new ones number 5
	EXPECT_EQ(h.last.failed_address, page_at(525).bytes);
	EXPECT_EQ(h.last.pages_done, 25u);
	EXPECT_EQ(h.problems(), "");
}

} // namespace

} // namespace xenmm::test
