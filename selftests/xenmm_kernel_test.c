// SPDX-License-Identifier: GPL-2.0
/*
 * Counting what the kernel does to page tables: what 4096 ordinary pages cost it, by the
 * ioctl and by debugfs; nothing while it is off; who may switch it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xenmm_test.h"

#define KERNEL_PATH "/sys/kernel/debug/xenmm/kernel"
#define N 4096UL
#define SPAN (SPAN_PAGES * PAGE)
#define OTHERS 512 /* changes that the rest of the system may make meanwhile */

static unsigned char *shared; /* with a child */

static struct xenmm_kernel ask(__u32 counting, __u32 flags)
{
	struct xenmm_kernel kernel = {.counting = counting, .flags = flags};
	int fd = device_open();

	ASSERT_EQ(ioctl(fd, XENMM_IOC_KERNEL, &kernel), 0);
	close(fd);
	return kernel;
}

static long refusal(struct xenmm_kernel kernel)
{
	int fd = device_open();
	long error = ERROR_OF(ioctl(fd, XENMM_IOC_KERNEL, &kernel));

	close(fd);
	return error;
}

/* Counting from 0 on; ends a test where there is nothing to count. */
static void start(void)
{
	if (read_info().guest != XENMM_GUEST_XEN_PV)
		test_skip("the kernel asks no hypervisor here");
	ASSERT_EQ(ask(XENMM_KERNEL_ON, XENMM_KERNEL_RESET).counting, 1);
}

static struct xenmm_kernel stop(void)
{
	struct xenmm_kernel kernel = ask(XENMM_KERNEL_OFF, 0);

	EXPECT_EQ(kernel.counting, 0);
	return kernel;
}

static unsigned char *memory(void)
{
	unsigned char *base =
		mmap(NULL, N * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(base != MAP_FAILED);
	return base;
}

static void touch(unsigned char *base)
{
	for (size_t page = 0; page < N; page++)
		base[page * PAGE] = 1;
}

static void expect_near(__u64 seen, __u64 wanted)
{
	EXPECT_GE(seen, wanted);
	EXPECT_LE(seen, wanted + OTHERS);
}

TEST(a_touch_is_a_hypercall)
{
	unsigned char *base = memory();
	struct xenmm_kernel kernel;

	start();
	touch(base);
	kernel = stop();
	expect_near(kernel.set_pte, N);
	expect_near(kernel.set_pte_direct, N);
	expect_near(kernel.mmu_updates, N + N / SPAN_PAGES);
	EXPECT_EQ(kernel.hypercalls, kernel.batches + kernel.set_pte_direct);
	expect_near(kernel.table_alloc, N / SPAN_PAGES);
}

TEST(mprotect_goes_by_the_queue)
{
	unsigned char *base = memory();
	struct xenmm_kernel kernel;

	touch(base);
	start();
	ASSERT_EQ(mprotect(base, N * PAGE, PROT_READ), 0);
	kernel = stop();
	expect_near(kernel.modify_prot, N);
	expect_near(kernel.mmu_updates, N);
	EXPECT_GE(kernel.batch_32, N / 64);
	EXPECT_LE(kernel.batch_32, N / 16);
	EXPECT_GE(kernel.flush_arguments, N / 64);
	EXPECT_LE(kernel.mmu_update_calls, N / 16 + OTHERS);
	EXPECT_LE(kernel.set_pte, OTHERS);
}

static void nothing(struct arena *none)
{
	(void)none;
}

/* Ends a test where the kernel lacks what the estimate needs. */
static void start_estimating(void)
{
	start();
	if (!ask(XENMM_KERNEL_LEAVE, 0).estimating)
		test_skip("this kernel has not got the function tracer");
}

TEST(fork_traps_where_it_takes_write_permission)
{
	unsigned char *base = memory();
	struct xenmm_kernel kernel;

	touch(base);
	start_estimating();
	ASSERT_EQ(run_child(nothing, NULL), 0);
	kernel = ask(XENMM_KERNEL_LEAVE, 0);
	ask(XENMM_KERNEL_LEAVE, XENMM_KERNEL_RESET);
	ASSERT_EQ(run_child(nothing, NULL), 0);
	expect_near(kernel.traps_fork, N);
	EXPECT_LE(stop().traps_fork, OTHERS); /* the second fork finds them read-only */
}

TEST(a_large_fork_is_sampled)
{
	size_t length = 72UL << 20; /* 36 tables: of two one is looked at */
	unsigned char *base = mmap(NULL, length, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	ASSERT_TRUE(base != MAP_FAILED);
	start_estimating();
	ASSERT_EQ(run_child(nothing, NULL), 0);
	__u64 traps = stop().traps_fork;

	EXPECT_GE(traps, length / PAGE * 9 / 10);
	EXPECT_LE(traps, length / PAGE * 11 / 10 + OTHERS);
}

TEST(munmap_traps_for_each_page)
{
	unsigned char *base = memory();
	struct xenmm_kernel kernel;

	touch(base);
	start_estimating();
	ASSERT_EQ(munmap(base, N * PAGE), 0);
	kernel = stop();
	expect_near(kernel.traps_unmap, N);
	EXPECT_EQ(kernel.traps, kernel.traps_fork + kernel.traps_unmap + kernel.traps_copy +
					kernel.traps_move + kernel.traps_advice);
}

static void copy(struct arena *none)
{
	(void)none;
	touch(shared);
}

TEST(a_copy_on_write_traps)
{
	struct xenmm_kernel kernel;

	shared = memory();
	touch(shared);
	start_estimating();
	ASSERT_EQ(run_child(copy, NULL), 0);
	kernel = stop();
	expect_near(kernel.traps_copy, N);
	EXPECT_LE(kernel.traps_unmap, OTHERS); /* exit does not: the tables are no tables then */
}

/* The zero page everywhere. */
static unsigned char *zeroes(void)
{
	unsigned char *base = memory();

	for (size_t page = 0; page < N; page++)
		EXPECT_EQ(((volatile unsigned char *)base)[page * PAGE], 0);
	return base;
}

TEST(munmap_of_the_zero_page_traps)
{
	unsigned char *base = zeroes();

	start_estimating();
	ASSERT_EQ(munmap(base, N * PAGE), 0);
	expect_near(stop().traps_unmap, N);
}

TEST(a_copy_of_the_zero_page_traps)
{
	unsigned char *base = zeroes();
	struct xenmm_kernel kernel;

	start_estimating();
	touch(base);
	kernel = stop();
	expect_near(kernel.traps_copy, N);
	EXPECT_LE(kernel.traps_unmap, OTHERS);
}

TEST(advice_traps_where_entries_were_used)
{
	unsigned char *base = memory();

	touch(base);
	start_estimating();
	ASSERT_EQ(madvise(base, N * PAGE, MADV_FREE), 0);
	expect_near(ask(XENMM_KERNEL_LEAVE, 0).traps_advice, N);
	ASSERT_EQ(madvise(base, N * PAGE, MADV_FREE), 0); /* they are clean and old */
	expect_near(stop().traps_advice, N);
	touch(base);
	start_estimating();
	ASSERT_EQ(madvise(base, N * PAGE, MADV_COLD), 0);
	expect_near(stop().traps_advice, N);
}

TEST(mremap_traps_where_entries_move)
{
	unsigned char *base = memory();
	unsigned char *to =
		mmap(NULL, N * PAGE + SPAN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(to != MAP_FAILED);
	if (((unsigned long)base - (unsigned long)to) % SPAN == 0)
		to += PAGE;
	touch(base);
	start_estimating();
	ASSERT_TRUE(mremap(base, N * PAGE, N * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	expect_near(stop().traps_move, N);
}

TEST(an_address_space_is_pinned_and_unpinned)
{
	struct xenmm_kernel kernel;

	start();
	ASSERT_EQ(run_child(nothing, NULL), 0);
	kernel = stop();
	EXPECT_GE(kernel.pgd_pin, 1);
	EXPECT_GE(kernel.pgd_unpin, 1);
	EXPECT_GE(kernel.mmuext_calls, 2);
	EXPECT_GE(kernel.write_cr3, 1);
}

TEST(nothing_is_counted_while_it_is_off)
{
	struct xenmm_kernel before, after;

	start();
	before = stop();
	touch(memory());
	after = ask(XENMM_KERNEL_LEAVE, 0);
	EXPECT_EQ(memcmp(&before, &after, sizeof(before)), 0);
}

TEST(reset_begins_at_zero)
{
	struct xenmm_kernel kernel;

	start();
	touch(memory());
	stop();
	kernel = ask(XENMM_KERNEL_LEAVE, XENMM_KERNEL_RESET);
	for (const __u64 *counter = &kernel.batches; counter < kernel.reserved; counter++)
		EXPECT_EQ(*counter, 0);
}

TEST(debugfs_says_the_same)
{
	char text[4096], line[64];
	struct xenmm_kernel kernel;

	start();
	touch(memory());
	ASSERT_EQ(write_text(KERNEL_PATH, "0"), 0);
	kernel = ask(XENMM_KERNEL_LEAVE, 0);
	ASSERT_GE(read_text(KERNEL_PATH, text, sizeof(text)), 1);
	EXPECT_EQ(strncmp(text, "counting 0\nestimating ", 22), 0);
	snprintf(line, sizeof(line), "\nset_pte_direct %llu\n", kernel.set_pte_direct);
	EXPECT_TRUE(strstr(text, line));
	snprintf(line, sizeof(line), "\nbatch_32 %llu\n", kernel.batch_32);
	EXPECT_TRUE(strstr(text, line));
	ASSERT_EQ(write_text(KERNEL_PATH, "1\n"), 0);
	EXPECT_EQ(ask(XENMM_KERNEL_LEAVE, 0).counting, 1);
	ASSERT_EQ(write_text(KERNEL_PATH, "reset"), 0);
	EXPECT_LE(ask(XENMM_KERNEL_OFF, 0).set_pte, OTHERS);
}

TEST(a_wrong_request_changes_nothing)
{
	struct xenmm_kernel before = ask(XENMM_KERNEL_LEAVE, 0), after;

	EXPECT_EQ(refusal((struct xenmm_kernel){.counting = 3}), EINVAL);
	EXPECT_EQ(refusal((struct xenmm_kernel){.counting = 1, .flags = 2}), EINVAL);
	EXPECT_EQ(refusal((struct xenmm_kernel){.counting = 1, .reserved = {[7] = 1}}), EINVAL);
	EXPECT_EQ(refusal((struct xenmm_kernel){.counting = 1, .reserved_word = 1}), EINVAL);
	EXPECT_EQ(write_text(KERNEL_PATH, "2"), -EINVAL);
	EXPECT_EQ(write_text(KERNEL_PATH, "on"), -EINVAL);
	EXPECT_EQ(write_text(KERNEL_PATH, "resetting"), -EINVAL);
	after = ask(XENMM_KERNEL_LEAVE, 0);
	EXPECT_EQ(before.counting, after.counting);
}

TEST(only_where_there_is_something_to_count)
{
	if (read_info().guest == XENMM_GUEST_XEN_PV)
		test_skip("there is, here");
	EXPECT_EQ(refusal((struct xenmm_kernel){.counting = XENMM_KERNEL_ON}), EOPNOTSUPP);
	EXPECT_EQ(write_text(KERNEL_PATH, "1"), -EOPNOTSUPP);
	EXPECT_EQ(ask(XENMM_KERNEL_OFF, XENMM_KERNEL_RESET).counting, 0);
}

TEST(who_is_not_root_may_look_only)
{
	struct xenmm_kernel kernel = {.counting = XENMM_KERNEL_LEAVE};
	int fd = device_open();

	become_nobody();
	EXPECT_EQ(ioctl(fd, XENMM_IOC_KERNEL, &kernel), 0);
	kernel = (struct xenmm_kernel){.counting = XENMM_KERNEL_OFF};
	EXPECT_EQ(ERROR_OF(ioctl(fd, XENMM_IOC_KERNEL, &kernel)), EPERM);
	kernel = (struct xenmm_kernel){.counting = XENMM_KERNEL_LEAVE, .flags = 1};
	EXPECT_EQ(ERROR_OF(ioctl(fd, XENMM_IOC_KERNEL, &kernel)), EPERM);
}
