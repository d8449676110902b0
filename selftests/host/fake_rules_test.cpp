// SPDX-License-Identifier: GPL-2.0
// Rules of Xen that the fake once had wrong. That it has all of them right is shown by
// kunit/replay_kunit.c; these fail without Xen.
#include <errno.h>
#include <utility>

#include "harness.hpp"

namespace xenmm::test
{

namespace
{

constexpr uint64_t kReadOnly = 0x25, kReadWrite = 0x27;

// Two tables and a page, below the kernel's services; violations are not looked at.
class Rules : public ::testing::Test
{
public:
	int update(const Frame &in, unsigned slot, uint64_t value, uint64_t command = 0)
	{
		return update({memory.maddr_of(in).bytes + slot * 8}, value, command);
	}
	int update(MachineAddr at, uint64_t value, uint64_t command = 0)
	{
		xen::Update update = {at.bytes | command, value};
		uint32_t done = 0;
		return xen.mmu_update(&update, 1, &done);
	}
	int extended(unsigned command, const Frame &table)
	{
		xen::ExtendedOp op = {};
		op.cmd = command;
		op.arg1.mfn = memory.maddr_of(table).bytes >> kPageShift;
		xen::Call call = xen::extended_call(&op);
		return xen.multicall(&call, 1) ?: xen::result_of(call);
	}
	int alias(const Frame &table, bool writable)
	{
		uint64_t address = kAliasBase + (memory.pfn_of_frame(table).number << kPageShift);
		return xen.update_va_mapping({address},
					     maps(table, writable ? kReadWrite : kReadOnly));
	}
	int hook(const Frame &table) { return update(memory.hook_maddr(kBase), maps(table, 0x67)); }
	int unhook() { return update(memory.hook_maddr(kBase), 0); }
	uint64_t maps(const Frame &frame, uint64_t flags)
	{
		return memory.maddr_of(frame).bytes | flags;
	}
	uint64_t entry(unsigned slot) { return memory.entries(first)[slot]; }
	// Plain memory, with one entry in it.
	void open_with(unsigned slot, uint64_t value)
	{
		EXPECT_EQ(unhook(), 0);
		EXPECT_EQ(extended(MMUEXT_UNPIN_TABLE, first), 0);
		EXPECT_EQ(alias(first, true), 0);
		memory.guest_view(first)[slot] = value;
		EXPECT_EQ(alias(first, false), 0);
	}

	GuestMemory memory{1};
	Violations violations;
	Hypervisor xen{memory, violations, true};
	Frame &first = memory.frame(memory.make_table(kBase, true));
	Frame &second = memory.frame(memory.make_table({kBase.bytes + kSpanBytes}, true));
	Frame &page = memory.frame(memory.take(Kind::kRam));
};

TEST_F(Rules, AnAliasIsBusyAsLongAsTheTableIsOne)
{
	EXPECT_EQ(alias(first, true), -EBUSY);
	EXPECT_EQ(extended(MMUEXT_UNPIN_TABLE, first), 0);
	EXPECT_EQ(alias(first, true), -EBUSY) << "hooked";
	EXPECT_EQ(unhook(), 0);
	EXPECT_EQ(alias(first, true), 0);
}

TEST_F(Rules, ABadEntryGivesItsOwnErrnoToTheTable)
{
	const std::pair<uint64_t, int> cases[] = {
		{kFirstOtherMfn << kPageShift | kReadOnly, -EBUSY},
		{0xfee00ULL << kPageShift | kReadOnly, -EPERM},
		{Pte::kFrameMask | kReadOnly, -EINVAL},
		{maps(page, kReadOnly | 0x10), -EINVAL},
		{maps(first, kReadWrite), -EBUSY},
		{maps(second, kReadWrite), -EBUSY}};
	for (auto [value, error] : cases) {
		open_with(9, value);
		EXPECT_EQ(extended(MMUEXT_PIN_L1_TABLE, first), error);
		EXPECT_EQ(hook(first), error);
		EXPECT_EQ(alias(first, true), 0);
		memory.guest_view(first)[9] = 0;
		EXPECT_EQ(alias(first, false), 0);
		EXPECT_EQ(extended(MMUEXT_PIN_L1_TABLE, first), 0);
		EXPECT_EQ(hook(first), 0);
	}
}

TEST_F(Rules, EntriesBeforeTheBadOneStayAdjusted)
{
	open_with(1, maps(page, kReadOnly));
	EXPECT_EQ(alias(first, true), 0);
	memory.guest_view(first)[2] = kFirstOtherMfn << kPageShift | kReadOnly;
	memory.guest_view(first)[3] = maps(page, kReadOnly);
	EXPECT_EQ(alias(first, false), 0);
	EXPECT_EQ(hook(first), -EBUSY);
	EXPECT_EQ(entry(1), maps(page, kReadOnly | Pte::kGlobal));
	EXPECT_EQ(entry(3), maps(page, kReadOnly));
	EXPECT_EQ(page.mapped, 0u) << "counted all the same";
}

TEST_F(Rules, EntriesOfTheKernelAreMarked)
{
	constexpr uint64_t kUser = 4, kGuestKernel = 1ULL << 52;
	EXPECT_EQ(update(first, 0, maps(page, Pte::kPresent)), 0);
	EXPECT_EQ(entry(0), maps(page, Pte::kPresent | kUser | kGuestKernel));
	EXPECT_EQ(update(first, 0, maps(page, Pte::kPresent | kUser | kGuestKernel)), 0);
	EXPECT_EQ(entry(0), maps(page, Pte::kPresent | kUser | kGuestKernel)) << "not global";
}

TEST_F(Rules, TheL2TableIsReadOnly)
{
	MachineAddr l2 = {memory.hook_maddr(kBase).bytes & ~(kPageBytes - 1)};
	EXPECT_EQ(update(first, 0, l2.bytes | kReadWrite), -EBUSY);
	EXPECT_EQ(update(first, 0, l2.bytes | kReadOnly), 0);
	for (uint64_t flag : {0x8, 0x10, 0x80, 0x100})
		EXPECT_EQ(update(memory.hook_maddr(kBase), maps(first, 0x67 | flag)), -EINVAL);
}

TEST_F(Rules, AnEntryThatMapsATableWritableKeepsItFromBeingOne)
{
	EXPECT_EQ(update(second, 0, maps(first, kReadWrite)), -EBUSY);
	open_with(0, 0);
	EXPECT_EQ(update(second, 0, maps(first, kReadWrite)), 0);
	EXPECT_EQ(extended(MMUEXT_PIN_L1_TABLE, first), -EINVAL);
	EXPECT_EQ(hook(first), -EINVAL);
	EXPECT_EQ(update(second, 0, maps(first, kReadOnly)), 0);
	EXPECT_EQ(hook(first), 0);
}

TEST_F(Rules, WhatIsNoTableAtTheTimeIsMemory)
{
	open_with(0, 0);
	EXPECT_EQ(xen.emulate_store(memory.guest_view(first), maps(page, kReadOnly)), -EFAULT);
	EXPECT_EQ(update(first, 5, 0x1234), 0);
	EXPECT_EQ(entry(5), 0x1234u);
	EXPECT_TRUE(violations.take("silent store"));
}

TEST_F(Rules, CommandsAndFlags)
{
	EXPECT_EQ(update(first, 0, maps(page, kReadOnly), MMU_PT_UPDATE_NO_TRANSLATE), 0);
	for (uint64_t command = 4; command < 8; command++)
		EXPECT_EQ(update(first, 0, 0, command), -ENOSYS);
	EXPECT_EQ(update(first, 0, 0, MMU_MACHPHYS_UPDATE), 0);
	EXPECT_TRUE(violations.take("machine-to-physical"));
	EXPECT_EQ(update({kFirstOtherMfn << kPageShift}, 0, MMU_MACHPHYS_UPDATE), -EINVAL);
	EXPECT_EQ(update(first, 0, Pte::kFrameMask | kReadOnly), -EINVAL);
	EXPECT_EQ(update(first, 0, maps(page, kReadOnly | 1ULL << 62)), 0);
}

} // namespace

} // namespace xenmm::test
