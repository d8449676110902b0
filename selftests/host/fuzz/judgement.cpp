// SPDX-License-Identifier: GPL-2.0
// The first expectation that is not met ends a fuzzer: its input is the find.
#include <gtest/gtest.h>

#include <stdlib.h>

namespace
{

class Judgement : public ::testing::EmptyTestEventListener
{
	void OnTestPartResult(const ::testing::TestPartResult &result) override
	{
		if (result.failed())
			abort(); // gtest's own listener has printed it
	}
};

} // namespace

extern "C" int LLVMFuzzerInitialize(int *, char ***)
{
	::testing::UnitTest::GetInstance()->listeners().Append(new Judgement);
	return 0;
}
