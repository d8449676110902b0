// SPDX-License-Identifier: MIT OR GPL-2.0
// The library in both of its kinds of memory, where there are both. Results are told as
// kselftests tell theirs, unless an argument asks for GoogleTest's own way (--plain).
#include <gtest/gtest.h>

#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "libxenmm.hpp"

namespace xenmm
{

namespace
{

constexpr size_t kPage = 4096;
constexpr size_t kPages = 1100; // more than two tables, and no whole number of them
constexpr size_t kLength = kPages * kPage;

std::vector<unsigned> kinds()
{
	xenmm_memory *arena = xenmm_memory_create(kPage, XENMM_ARENA_ONLY);
	xenmm_memory_destroy(arena);
	return arena ? std::vector<unsigned>{XENMM_ARENA_ONLY, XENMM_ORDINARY_ONLY}
		     : std::vector<unsigned>{XENMM_ORDINARY_ONLY};
}

sigjmp_buf after_fault;

void leave(int)
{
	siglongjmp(after_fault, 1);
}

class Library : public ::testing::TestWithParam<unsigned>
{
protected:
	// Before any memory is tracked, so that the library's own handler asks this one.
	static void SetUpTestSuite() { std::signal(SIGSEGV, leave); }

	char *page(size_t number) { return static_cast<char *>(memory.start()) + number * kPage; }
	void fill(size_t first, size_t pages, char value)
	{
		std::memset(page(first), value, pages * kPage);
	}
	void expect_filled(size_t first, size_t pages, char value)
	{
		for (size_t i = 0; i < pages * kPage; i++)
			ASSERT_EQ(page(first)[i], value) << i;
	}
	bool can_write(size_t number)
	{
		if (sigsetjmp(after_fault, 1))
			return false;
		*const_cast<volatile char *>(page(number)) = *page(number);
		return true;
	}
	std::string collect()
	{
		std::string text;
		for (const xenmm_extent &piece : memory.collect())
			text += " " +
				std::to_string((static_cast<char *>(piece.start) - page(0)) /
					       kPage) +
				"+" + std::to_string(piece.length / kPage);
		return text;
	}
	template <class F>
	void expect_error(int error, F &&call)
	{
		errno = 0;
		EXPECT_EQ(call(), -1);
		EXPECT_EQ(errno, error);
	}

	Memory memory{kLength, GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Each, Library, ::testing::ValuesIn(kinds()), [](const auto &info) {
	return info.param == XENMM_ARENA_ONLY ? "arena" : "ordinary";
});

TEST_P(Library, IsZeroAndWritable)
{
	EXPECT_EQ(memory.is_arena(), GetParam() == XENMM_ARENA_ONLY);
	EXPECT_EQ(memory.length(), kLength);
	EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.start()) % (2 << 20), 0u);
	expect_filled(0, kPages, 0);
	fill(0, kPages, 7);
	expect_filled(0, kPages, 7);
}

TEST_P(Library, PopulatesProtectsAndDiscards)
{
	memory.populate(page(10), 600 * kPage);
	fill(10, 600, 1);
	memory.protect(page(500), 100 * kPage, false);
	EXPECT_TRUE(can_write(499));
	EXPECT_FALSE(can_write(500));
	EXPECT_FALSE(can_write(599));
	EXPECT_TRUE(can_write(600));
	memory.discard(page(500), 50 * kPage);
	expect_filled(500, 50, 0);
	expect_filled(550, 60, 1);
	EXPECT_FALSE(can_write(500)) << "protection stays";
	memory.protect(true);
	EXPECT_TRUE(can_write(500));
	memory.populate();
}

TEST_P(Library, TellsOfEachWrittenPageOnce)
{
	fill(0, 900, 1);
	memory.track();
	EXPECT_EQ(collect(), "");
	for (char round = 2; round < 4; round++) {
		fill(3, 3, round);
		fill(511, 2, round);
		fill(1099, 1, round);
		EXPECT_EQ(collect(), " 3+3 511+2 1099+1");
		EXPECT_EQ(collect(), "");
	}
	expect_filled(6, 500, 1);
	EXPECT_EQ(memory.statistics().pages_collected, 12u);
	memory.untrack();
	fill(0, kPages, 5);
	EXPECT_EQ(collect(), "");
}

TEST_P(Library, ReadingIsNotWriting)
{
	fill(0, 20, 1);
	memory.track();
	expect_filled(0, 20, 1);
	expect_filled(20, 20, 0);
	EXPECT_EQ(collect(), "");
}

TEST_P(Library, ADiscardedPageCountsAsWritten)
{
	fill(0, 20, 1);
	memory.track();
	memory.discard(page(5), 2 * kPage);
	EXPECT_EQ(collect(), " 5+2");
	expect_filled(5, 2, 0);
	expect_filled(7, 13, 1);
}

TEST_P(Library, WhatDoesNotFitComesNext)
{
	xenmm_extent one = {};
	void *resume = nullptr;
	memory.track();
	fill(10, 2, 1);
	fill(700, 1, 1);
	ASSERT_EQ(xenmm_memory_collect(memory.get(), memory.start(), kLength, &one, 1, &resume), 1);
	EXPECT_EQ(one.start, page(10));
	EXPECT_EQ(one.length, 2 * kPage);
	EXPECT_EQ(resume, page(700));
	EXPECT_EQ(collect(), " 700+1");
}

TEST_P(Library, RefusesWhatIsWrongAndChangesNothing)
{
	xenmm_memory *m = memory.get();
	xenmm_extent room = {};
	for (auto call : {xenmm_memory_populate, xenmm_memory_discard, xenmm_memory_track,
			  xenmm_memory_untrack}) {
		expect_error(EINVAL, [&] { return call(m, page(0), 0); });
		expect_error(EINVAL, [&] { return call(m, page(0), kPage + 1); });
		expect_error(EINVAL, [&] { return call(m, page(0) + 1, kPage); });
		expect_error(EINVAL, [&] { return call(m, page(0), kLength + kPage); });
		expect_error(EINVAL, [&] { return call(m, page(0) - kPage, kPage); });
		expect_error(EINVAL, [&] { return call(m, page(1), ~size_t{0} / kPage * kPage); });
	}
	expect_error(EINVAL,
		     [&] { return xenmm_memory_collect(m, page(0), kPage, &room, 0, nullptr); });
	expect_error(EINVAL,
		     [&] { return xenmm_memory_collect(m, page(0), kPage, nullptr, 1, nullptr); });
	EXPECT_GE(memory.statistics().failures, 26u);
	EXPECT_EQ(xenmm_memory_create(kPage + 1, GetParam()), nullptr);
	EXPECT_EQ(xenmm_memory_create(0, GetParam()), nullptr);
	EXPECT_EQ(xenmm_memory_create(kPage, 4), nullptr);
	xenmm_memory_destroy(nullptr);
}

TEST_P(Library, TrackingAndProtectionKeepApart)
{
	memory.track(page(100), 10 * kPage);
	expect_error(EBUSY,
		     [&] { return xenmm_memory_protect(memory.get(), page(0), kLength, 0); });
	memory.protect(page(0), 100 * kPage, false);
	expect_error(EACCES, [&] { return xenmm_memory_track(memory.get(), page(99), 2 * kPage); });
	expect_error(EACCES,
		     [&] { return xenmm_memory_untrack(memory.get(), page(99), 2 * kPage); });
	EXPECT_FALSE(can_write(99));
	EXPECT_TRUE(can_write(100));
	EXPECT_EQ(collect(), " 100+1");
}

// A copy that only collects what was written ends as the memory does.
TEST_P(Library, NoWriteIsMissed)
{
	constexpr size_t kShared = 32;
	std::vector<uint64_t> copy(kShared);
	std::atomic<bool> is_over = false;
	auto word = [&](size_t number) {
		return reinterpret_cast<volatile uint64_t *>(page(number));
	};
	auto save = [&] {
		for (const xenmm_extent &piece : memory.collect())
			for (size_t at = 0; at < piece.length; at += kPage) {
				size_t number =
					(static_cast<char *>(piece.start) + at - page(0)) / kPage;
				copy[number] = *word(number);
			}
	};

	memory.track();
	std::thread writer([&] {
		for (uint64_t value = 1; !is_over; value++)
			for (size_t number = 0; number < kShared; number++)
				*word(number) = value;
	});
	for (int round = 0; round < 200; round++)
		save();
	is_over = true;
	writer.join();
	save();
	for (size_t number = 0; number < kShared; number++)
		EXPECT_EQ(copy[number], *word(number)) << number;
}

TEST_P(Library, AChildHasNoPartInIt)
{
	fill(0, 1, 1);
	pid_t child = fork();
	if (!child) {
		std::signal(SIGSEGV, SIG_DFL);
		_exit(*const_cast<volatile char *>(page(0)));
	}
	int status = 0;
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(WTERMSIG(status), SIGSEGV);
	expect_filled(0, 1, 1);
}

// Faults that are nobody's go to the handler that was there before.
TEST_P(Library, OtherFaultsArePassedOn)
{
	memory.track();
	fill(0, 1, 1);
	EXPECT_NE(sigsetjmp(after_fault, 1) ? 1 : *reinterpret_cast<volatile int *>(8) + 1, 0);
	EXPECT_EQ(collect(), " 0+1");
}

TEST(Errors, AreThrownWithTheirNumber)
{
	Memory memory(kPage);
	try {
		memory.discard(memory.start(), 1);
		FAIL();
	} catch (const std::system_error &error) {
		EXPECT_EQ(error.code().value(), EINVAL);
	}
}

class TapPrinter : public ::testing::EmptyTestEventListener
{
	void OnTestProgramStart(const ::testing::UnitTest &unit) override
	{
		std::printf("TAP version 13\n1..%d\n", unit.test_to_run_count());
	}
	void OnTestPartResult(const ::testing::TestPartResult &result) override
	{
		if (result.failed())
			std::printf("# %s:%d: %s\n", result.file_name(), result.line_number(),
				    result.summary());
	}
	void OnTestEnd(const ::testing::TestInfo &info) override
	{
		std::printf("%s %d %s.%s\n", info.result()->Passed() ? "ok" : "not ok", ++number_,
			    info.test_suite_name(), info.name());
		std::fflush(stdout);
	}
	int number_ = 0;
};

} // namespace

} // namespace xenmm

int main(int argc, char **argv)
{
	testing::InitGoogleTest(&argc, argv);
	testing::TestEventListeners &listeners = testing::UnitTest::GetInstance()->listeners();
	if (argc < 2 || std::strcmp(argv[1], "--plain") != 0) {
		delete listeners.Release(listeners.default_result_printer());
		listeners.Append(new xenmm::TapPrinter);
	}
	return RUN_ALL_TESTS();
}
