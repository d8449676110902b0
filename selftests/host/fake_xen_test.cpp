// SPDX-License-Identifier: GPL-2.0
// The fake itself: it validates, fails and complains as Xen and the kernel would.
// Without these, silence of the other tests would prove nothing.
#include <errno.h>

#include "harness.hpp"

namespace xenmm::test
{

namespace
{

// A guest with one table, locked, and one ordinary page.
class Fake : public ::testing::Test
{
public:
	Fake()
	{
		xen.add_extent(kBase, kSpanBytes);
		EXPECT_TRUE(xen.table_make(kBase).ok());
		page = xen.page_alloc(false).value();
		EXPECT_TRUE(xen.table_lock(kBase, 0, nullptr, table).ok());
		flags = xen.pte_flags(true);
	}
	uint64_t good() { return Pte::of(xen.to_mfn(page), flags).bits(); }
	xen::Update update(unsigned slot, uint64_t value, uint64_t command = MMU_NORMAL_PT_UPDATE)
	{
		return {(table.maddr + uint64_t(slot) * 8) | command, value};
	}
	int apply(xen::Update one)
	{
		uint32_t done = 0;
		return xen.hypervisor.mmu_update(&one, 1, &done);
	}

	FakeXen xen;
	xenmm_table table = {};
	Pfn page = {0};
	uint64_t flags = 0;
};

TEST_F(Fake, AppliesGoodEntriesByEveryPath)
{
	EXPECT_EQ(apply(update(0, good())), 0);
	EXPECT_EQ(xen.hypervisor.update_va_mapping(page_at(1), good()), 0);
	EXPECT_EQ(xen.hypervisor.emulate_store(&table.entries[2], good()), 0);
	xen.lazy_enter();
	xen.lazy_set(table, page_at(3), good(), false);
	EXPECT_EQ(table.entries[3], 0u) << "still queued";
	xen.lazy_leave();
	for (unsigned slot = 0; slot < 4; slot++)
		EXPECT_TRUE(Pte(table.entries[slot]).agrees_with(Pte(good())));
	EXPECT_EQ(xen.memory.frame(page).mapped, 4u);
	EXPECT_EQ(xen.writes().size(), 4u);
	EXPECT_EQ(xen.violations.text(), "");
}

TEST_F(Fake, RefusesWhatXenRefuses)
{
	uint64_t table_frame = table.maddr;
	EXPECT_EQ(apply(update(0, good() | 0x10)), -EINVAL) << "PCD";
	EXPECT_EQ(apply(update(0, Pte::of({kFirstOtherMfn}, flags).bits())), -EBUSY);
	EXPECT_EQ(apply(update(0, Pte::of({page.number}, flags).bits())), -EPERM) << "a pfn";
	EXPECT_EQ(apply(update(0, table_frame | flags)), -EBUSY) << "writable page table";
	EXPECT_EQ(apply(update(0, table_frame | (flags & ~Pte::kWritable))), 0) << "read-only";
	EXPECT_EQ(apply({kFirstOtherMfn << kPageShift, good()}), -EINVAL);
	EXPECT_EQ(apply(update(0, good(), 4)), -ENOSYS);
	EXPECT_EQ(xen.hypervisor.update_va_mapping(page_at(512), good()), -EINVAL);
	EXPECT_EQ(xen.hypervisor.emulate_store(&table.entries[1], 0x10 | good()), -EFAULT);
	EXPECT_EQ(xen.violations.text(), "");
}

TEST_F(Fake, StopsAtTheFirstErrorAndSaysHowManyWereDone)
{
	xen::Update updates[] = {update(0, good()), update(1, good()), update(2, good() | 0x10),
				 update(3, good())};
	uint32_t done = 99;
	EXPECT_EQ(xen.hypervisor.mmu_update(updates, 4, &done), -EINVAL);
	EXPECT_EQ(done, 2u);
	EXPECT_EQ(table.entries[3], 0u);
}

TEST_F(Fake, LeavesDoneAloneWhenTheWholeHypercallFails)
{
	xen::Update one = update(0, good());
	uint32_t done = 99;
	xen.hypervisor.hypercall_fuse.set(0, -ENOSYS);
	EXPECT_EQ(xen.hypervisor.mmu_update(&one, 1, &done), -ENOSYS);
	EXPECT_EQ(done, 99u);
}

TEST_F(Fake, MulticallGoesOnBehindAFailedEntry)
{
	xen::Update updates[] = {update(0, good() | 0x10), update(1, good())};
	xen::Call calls[] = {xen::mmu_update_call(&updates[0], 1, nullptr),
			     xen::mmu_update_call(&updates[1], 1, nullptr),
			     {.op = __HYPERVISOR_vcpu_op, .result = 0, .args = {}}};
	EXPECT_EQ(xen.hypervisor.multicall(calls, 3), 0);
	EXPECT_EQ(static_cast<int>(calls[0].result), -EINVAL);
	EXPECT_EQ(calls[1].result, 0u);
	EXPECT_EQ(static_cast<int>(calls[2].result), -ENOSYS);
	EXPECT_NE(table.entries[1], 0u);
}

TEST_F(Fake, LazyQueueTakes31AndLosesTheRestOfAFailedOne)
{
	xen.hypervisor.entry_fuse.set(3, -EBUSY);
	xen.lazy_enter();
	for (unsigned slot = 0; slot < 40; slot++)
		xen.lazy_set(table, page_at(slot), good(), false);
	xen.lazy_leave();
	for (unsigned slot = 0; slot < 40; slot++)
		EXPECT_EQ(table.entries[slot] != 0, slot < 3 || slot >= 31) << slot;
}

TEST_F(Fake, PreserveAdKeepsTheBitsAndIsReportedWhereItMayNotBeUsed)
{
	ASSERT_EQ(apply(update(0, good())), 0);
	uint64_t content = 1;
	ASSERT_EQ(xen.access(0, kBase, true, &content), Access::kDone);
	EXPECT_EQ(apply(update(0, good() & ~Pte::kWritable, MMU_PT_UPDATE_PRESERVE_AD)), 0);
	EXPECT_TRUE(table.entries[0] & Pte::kDirty);
	EXPECT_EQ(xen.violations.text(), "");
	EXPECT_EQ(apply(update(0, 0, MMU_PT_UPDATE_PRESERVE_AD)), 0);
	EXPECT_EQ(table.entries[0], Pte::kAccessedDirty) << "what Linux takes for swap";
	EXPECT_TRUE(xen.violations.take("PRESERVE_AD"));
}

TEST_F(Fake, CrashesADomainThatWritesAnAbsentEntryWithAddressBits)
{
	EXPECT_LT(apply(update(0, good() & ~Pte::kPresent)), 0);
	EXPECT_TRUE(xen.hypervisor.is_crashed());
	EXPECT_TRUE(xen.violations.take("domain crashed"));
}

TEST_F(Fake, StoresSilentlyIntoAFrameThatIsNoTable)
{
	EXPECT_EQ(apply({xen.to_mfn(page).number << kPageShift, 0x1234}), 0);
	EXPECT_EQ(xen.memory.frame(page).content, 0x1234u);
	EXPECT_TRUE(xen.violations.take("silent store"));
	xen.table_unlock(table);
	xen.drop_table(kBase);
	EXPECT_EQ(xen.hypervisor.emulate_store(&table.entries[0], 1), 0);
	EXPECT_TRUE(xen.violations.take("no page table"));
}

TEST_F(Fake, TablesAreReadOnlyForTheGuest)
{
	GTEST_FLAG_SET(death_test_style, "threadsafe");
	EXPECT_DEATH(table.entries[0] = 1, "");
}

TEST_F(Fake, ComplainsAboutPagesFreedTooEarly)
{
	ASSERT_EQ(apply(update(0, good())), 0);
	uint64_t content = 0;
	ASSERT_EQ(xen.access(1, kBase, false, &content), Access::kDone);
	ASSERT_EQ(apply(update(0, 0)), 0);
	EXPECT_NE(xen.stale_translations(), "");
	EXPECT_EQ(xen.access(1, kBase, false, &content), Access::kDone) << "stale, but served";
	xen.page_free(page);
	EXPECT_TRUE(xen.violations.take("while a TLB maps it"));
	xen.page_free(page);
	EXPECT_TRUE(xen.violations.take("freed twice"));
	page = xen.memory.take(Kind::kRam);
	ASSERT_EQ(apply(update(0, good())), 0);
	xen.page_free(page);
	EXPECT_TRUE(xen.violations.take("while an entry maps it"));
}

TEST_F(Fake, WritableTranslationOutlivesAProtectWithoutAFlush)
{
	ASSERT_EQ(apply(update(0, good())), 0);
	uint64_t content = 1;
	ASSERT_EQ(xen.access(0, kBase, true, &content), Access::kDone);
	ASSERT_EQ(apply(update(0, good() & ~Pte::kWritable)), 0);
	EXPECT_EQ(xen.access(0, kBase, true, &content), Access::kDone);
	EXPECT_EQ(xen.access(1, kBase, true, &content), Access::kReadOnly);
	xen.hypervisor.flush_all();
	EXPECT_EQ(xen.access(0, kBase, true, &content), Access::kReadOnly);
}

TEST_F(Fake, ComplainsAboutSleepingAndLocksOutOfOrder)
{
	(void)xen.breathe(false);
	EXPECT_TRUE(xen.violations.take("may sleep"));
	(void)xen.page_alloc(false);
	EXPECT_TRUE(xen.violations.take("may sleep"));
	xenmm_table other = {};
	(void)xen.table_lock(kBase, 0, nullptr, other);
	EXPECT_TRUE(xen.violations.take("wrong depth"));
	(void)xen.table_lock(kBase, 1, &table, other);
	EXPECT_TRUE(xen.violations.take("ascending"));
	for (int i = 0; i < 3; i++)
		xen.table_unlock(table);
	EXPECT_EQ(xen.violations.text(), "");
	xen.table_unlock(table);
	EXPECT_TRUE(xen.violations.take("not locked"));
	(void)xen.to_mfn(page);
	EXPECT_TRUE(xen.violations.take("outside a critical section"));
	EXPECT_EQ(apply(update(0, 0)), 0);
	EXPECT_TRUE(xen.violations.take("not locked was changed"));
}

TEST_F(Fake, TellsWhatIsLeft)
{
	EXPECT_NE(xen.leaks().find("pages held"), std::string::npos);
	EXPECT_NE(xen.leaks().find("tables locked"), std::string::npos);
	xen.free(xen.zalloc(8));
	xen.violations.take("");
	EXPECT_TRUE(xen.charge(3).ok());
	EXPECT_NE(xen.leaks().find("pages charged: 3"), std::string::npos);
}

TEST_F(Fake, MovesEveryFrameAtSaveAndRestore)
{
	ASSERT_EQ(apply(update(0, good())), 0);
	uint64_t old_maddr = table.maddr;
	uint64_t old_entry = table.entries[0];
	xen.table_unlock(table);
	xen.remap_all();
	ASSERT_TRUE(xen.table_lock(kBase, 0, nullptr, table).ok());
	EXPECT_NE(table.maddr, old_maddr);
	EXPECT_NE(table.entries[0], old_entry);
	EXPECT_TRUE(Pte(table.entries[0]).agrees_with(Pte(good())));
}

TEST(NativeFake, WantsNoHypercalls)
{
	FakeXen xen(false);
	xen.hypervisor.flush_all();
	EXPECT_TRUE(xen.violations.take("without a hypervisor"));
}

} // namespace

} // namespace xenmm::test
