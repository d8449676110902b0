// SPDX-License-Identifier: GPL-2.0
// An arena whose tables all have twins.
#pragma once

#include "harness.hpp"

namespace xenmm::test
{

inline constexpr How kFlip = {Method::kFlip, 0};

// All pages there, with content, and their twins made: read-only or not.
class Flips : public ::testing::Test
{
public:
	static constexpr uint64_t kPages = 2048;
	static constexpr uint64_t kTables = kPages / kTableEntries;

	Flips() : h(kFlip, kPages)
	{
		EXPECT_EQ(h.run(Op::kPopulate), Errno::kOk);
		for (uint64_t i = 0; i < kPages; i++) {
			uint64_t content = i + 1;
			EXPECT_EQ(h.touch(0, i, true, &content), Errno::kOk);
		}
		EXPECT_EQ(h.run(Op::kProtectRo), Errno::kOk);
		EXPECT_EQ(h.run(Op::kProtectRw), Errno::kOk);
		h.fill_tlbs();
		h.xen.forget_totals();
	}
	void expect_all(bool writable)
	{
		for (uint64_t i = 0; i < kPages; i++)
			expect_page(i, writable);
		EXPECT_EQ(h.problems(), "");
	}
	void expect_page(uint64_t i, bool writable)
	{
		uint64_t content = 0;
		ASSERT_EQ(h.touch(1, i, false, &content), Errno::kOk) << i;
		ASSERT_EQ(content, i + 1);
		ASSERT_EQ(h.touch(0, i, true, &content), writable ? Errno::kOk : Errno::kAccess)
			<< i;
	}
	uint64_t flips() { return h.xen.total(XENMM_COUNTER_tables_flipped); }

	Harness h;
};

} // namespace xenmm::test
