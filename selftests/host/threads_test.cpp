// SPDX-License-Identifier: GPL-2.0
// What several CPUs do at once. The core has no state but its arenas', each under a
// lock of its own; shared are the glue's counters, which are per CPU, and its price
// list, which is read without a lock. Built with ThreadSanitizer by `make tsan`: there
// a race fails, not only a wrong sum.
#include <errno.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "border.hpp"
#include "life.hpp"

namespace xenmm::test
{

namespace
{

constexpr unsigned kThreads = 4;
constexpr uint64_t kPages = 600; // a table, and a part of one

// One thread a CPU, and what the test does meanwhile on one that is left.
template <class Body>
class OnEachCpu
{
public:
	explicit OnEachCpu(Body body)
	{
		for (unsigned cpu = 0; cpu < kThreads; cpu++)
			threads_.emplace_back([this, body, cpu] {
				xenmm_shim_cpu = cpu;
				body(cpu);
				left_--;
			});
		xenmm_shim_cpu = kThreads;
	}
	~OnEachCpu() { join(); }

	bool are_busy() const { return left_; }
	void join()
	{
		for (std::thread &thread : threads_)
			thread.join();
		threads_.clear();
	}

private:
	std::atomic<unsigned> left_ = kThreads;
	std::vector<std::thread> threads_;
};

uint64_t counted(xenmm_counter counter)
{
	xenmm_counts counts;
	xenmm_stats_read(&counts);
	return counts.counter[counter];
}

class Threads : public ::testing::Test
{
public:
	Threads() { xenmm_stats_reset(); }
	~Threads() override
	{
		char text[] = "default";
		EXPECT_EQ(xenmm_cost_write(text), 0);
	}
};

constexpr How kHows[] = {{Method::kAuto, 0},	  {Method::kBatch, 512}, {Method::kTrap, 0},
			 {Method::kMulticall, 0}, {Method::kRebuild, 0}, {Method::kLazy, 0}};
constexpr Op kRound[] = {Op::kPopulate, Op::kProtectRo, Op::kProtectRw,
			 Op::kUnmap,	Op::kMap,	Op::kDiscard};

// All operations by all methods: maps each page twice a method.
void use(Border &border)
{
	for (How how : kHows)
		for (Op op : kRound)
			ASSERT_EQ(border.run(how, op, {piece(0, border.nr_pages)}), 0);
}

TEST_F(Threads, OnArenasOfTheirOwnCountEveryPageOnce)
{
	OnEachCpu cpus([](unsigned) {
		Border border(XENMM_KIND_XEN_PV, kPages);
		use(border);
	});
	uint64_t last = 0;
	while (cpus.are_busy()) {
		uint64_t now = counted(XENMM_COUNTER_pages_mapped);
		ASSERT_LE(last, now) << "a sum of counters that only grow";
		last = now;
	}
	cpus.join();
	constexpr uint64_t kMapped = 2 * std::size(kHows) * kPages * kThreads;
	EXPECT_EQ(counted(XENMM_COUNTER_pages_mapped), kMapped);
	EXPECT_EQ(counted(XENMM_COUNTER_pages_unmapped), kMapped);
	EXPECT_EQ(counted(XENMM_COUNTER_pages_allocated), counted(XENMM_COUNTER_pages_freed));
}

TEST_F(Threads, CountWhileOthersResetAndNothingIsLost)
{
	constexpr uint64_t kEach = 20000;
	std::atomic<bool> may_go_on = false;
	uint64_t before = 0;
	OnEachCpu cpus([&](unsigned) {
		Counters counters;
		counters.add(XENMM_COUNTER_faults);
		for (uint64_t i = 0; i < kEach; i++)
			xenmm_k_count(&counters.counts());
		while (!may_go_on)
			std::this_thread::yield();
		for (uint64_t i = 0; i < kEach; i++)
			xenmm_k_count(&counters.counts());
	});
	for (int i = 0; i < 50; i++) {
		xenmm_stats_reset();
		ASSERT_LE(counted(XENMM_COUNTER_faults), kThreads * kEach) << "never negative";
	}
	before = counted(XENMM_COUNTER_faults);
	EXPECT_LE(before, kThreads * kEach);
	may_go_on = true;
	cpus.join();
	EXPECT_GE(counted(XENMM_COUNTER_faults), before + kThreads * kEach);
	EXPECT_LE(counted(XENMM_COUNTER_faults), 2 * kThreads * kEach);
	xenmm_stats_reset();
	EXPECT_EQ(counted(XENMM_COUNTER_faults), 0u);
}

TEST_F(Threads, ReadPricesWhileTheyAreWritten)
{
	const xenmm_u32 flip = default_cost().ticks[XENMM_COST_flip];
	OnEachCpu cpus([flip](unsigned) {
		for (int i = 0; i < 5000; i++) {
			xenmm_cost cost;
			xenmm_k_cost(&cost);
			xenmm_u32 read = cost.ticks[XENMM_COST_flip];
			ASSERT_TRUE(read == flip || read == 7 || read == 8 || !read) << read;
		}
		Border border(XENMM_KIND_XEN_PV, kPages);
		use(border);
	});
	for (unsigned i = 0; cpus.are_busy(); i++) {
		char seven[] = "flip 7\n", eight[] = "flip 8\nrebuild 20\n";
		ASSERT_EQ(xenmm_cost_write(i % 2 ? seven : eight), 0);
	}
}

TEST_F(Threads, LiveTheirLivesAlone)
{
	std::vector<How> hows = short_hows();
	std::erase_if(hows, [](How how) { return how.method == Method::kNative; });
	OnEachCpu cpus([hows](unsigned cpu) {
		Choices choices(1000 + cpu);
		Life({hows, true}, choices).run(10);
		Life({hows, false}, choices).run(10);
	});
}

// As the glue does: operations and faults of an arena under its lock, the checks in
// front of them without.
TEST_F(Threads, ShareAnArenaUnderItsLock)
{
	Border border(XENMM_KIND_XEN_PV, kPages);
	std::mutex lock;
	OnEachCpu cpus([&](unsigned cpu) {
		for (unsigned i = 0; i < 12; i++) {
			How how = kHows[(cpu + i) % std::size(kHows)];
			Pieces pieces = {piece(0, i % 2 ? kPages : 100 * (cpu + 1))};
			xenmm_request request = request_of(how, kRound[(2 * cpu + i) % 6], pieces);
			ASSERT_EQ(xenmm_request_check(&request, border.kind), 0);
			(void)xenmm_request_is_exclusive(&request, pieces.data(), border.kind);
			std::lock_guard guard(lock);
			ASSERT_EQ(border.run(how, kRound[(2 * cpu + i) % 6], pieces), 0);
			ASSERT_EQ(border.fault(cpu, false, 16), 0);
		}
	});
	cpus.join();
	EXPECT_EQ(border.host.xen.violations.text(), "");
	EXPECT_EQ(counted(XENMM_COUNTER_errors), 0u);
}

} // namespace

} // namespace xenmm::test
