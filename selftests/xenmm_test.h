/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small harness that prints KTAP, and what the xenmm kselftests share.
 *
 * Names, output and exit codes (0 pass, 1 fail, 4 skip) are kselftest's. Not its
 * kselftest_harness.h: there nobody hears of what fails in a thread or a forked child of
 * a test, of which these have many (its verdict lives in the memory of one process, its
 * ASSERT jumps out of one stack); variants are fixed when the program is built, while the
 * methods depend on the guest; and the kernel's sources (130 MB to fetch, 1.3 GB) would
 * have to be there before the first test could be compiled.
 * Each test runs in a child of its own that SIGALRM ends after 60 s (XENMM_TIMEOUT in the
 * environment), or when the body itself has called alarm() for more; what it left mapped,
 * open or forked is gone before the next one starts.
 */
#ifndef XENMM_TEST_H
#define XENMM_TEST_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "uapi/xenmm.h"

#define PAGE 4096UL
#define SPAN_PAGES (XENMM_SPAN_BYTES / PAGE)
#define ARENA_PAGES 4096UL /* 16 MiB: eight tables */

#define STATS_PATH "/sys/kernel/debug/xenmm/stats"
#define HISTOGRAM_PATH "/sys/kernel/debug/xenmm/histogram"
#define SECTIONS_PATH "/sys/kernel/debug/xenmm/sections"
#define RESET_PATH "/sys/kernel/debug/xenmm/reset"
#define FAULT_WINDOW_PATH "/sys/module/xenmm/parameters/fault_window"

/* A way to call: method and batch size. */
struct method {
	const char *name;
	__u32 number; /* enum xenmm_method */
	__u32 batch;
};

struct arena {
	int fd;
	unsigned char *base;
	size_t pages;
};

/* --------------------------------------------------------------- harness */

struct test {
	const char *name;
	void (*body)(struct arena *self, const struct method *method);
	bool needs_arena; /* self: a fresh arena of ARENA_PAGES */
	enum { ONCE, EACH_METHOD, EACH_BATCH } times;
	struct test *next;
};

void test_register(struct test *test);
void test_fail(bool fatal, const char *file, int line, const char *text, long long left,
	       long long right);
/* Says with each later failure of this thread which row of a table was at work. */
void test_context(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* End this test as skipped. */
void test_skip(const char *reason) __attribute__((noreturn));

#define DEFINE_TEST(test_name, with_arena, how_often)                           \
	static void test_name(struct arena *self, const struct method *method); \
	static struct test test_##test_name = {                                 \
		.name = #test_name,                                             \
		.body = test_name,                                              \
		.needs_arena = with_arena,                                      \
		.times = how_often,                                             \
	};                                                                      \
	__attribute__((constructor)) static void register_##test_name(void)     \
	{                                                                       \
		test_register(&test_##test_name);                               \
	}                                                                       \
	static void test_name(__attribute__((unused)) struct arena *self,       \
			      __attribute__((unused)) const struct method *method)

/*
 * TEST has no fixture, the others have self. TEST_METHODS runs once for each method
 * that this guest offers (batch: 512), TEST_BATCHES for each batch size, too.
 */
#define TEST(name) DEFINE_TEST(name, false, ONCE)
#define TEST_ARENA(name) DEFINE_TEST(name, true, ONCE)
#define TEST_METHODS(name) DEFINE_TEST(name, true, EACH_METHOD)
#define TEST_BATCHES(name) DEFINE_TEST(name, true, EACH_BATCH)

#define COMPARE(fatal, left, op, right)                                                       \
	do {                                                                                  \
		const long long left_ = (long long)(left), right_ = (long long)(right);       \
		if (!(left_ op right_))                                                       \
			test_fail(fatal, __FILE__, __LINE__, #left " " #op " " #right, left_, \
				  right_);                                                    \
	} while (0)

#define EXPECT_EQ(left, right) COMPARE(false, left, ==, right)
#define EXPECT_NE(left, right) COMPARE(false, left, !=, right)
#define EXPECT_LE(left, right) COMPARE(false, left, <=, right)
#define EXPECT_GE(left, right) COMPARE(false, left, >=, right)
#define EXPECT_TRUE(value) COMPARE(false, !!(value), ==, true)
#define ASSERT_EQ(left, right) COMPARE(true, left, ==, right)
#define ASSERT_NE(left, right) COMPARE(true, left, !=, right)
#define ASSERT_LE(left, right) COMPARE(true, left, <=, right)
#define ASSERT_GE(left, right) COMPARE(true, left, >=, right)
#define ASSERT_TRUE(value) COMPARE(true, !!(value), ==, true)

/* A number in the environment. */
unsigned long setting(const char *name, unsigned long otherwise);

/*
 * Waits until no other test runs beside this one, and keeps them out to its end: before it reads or
 * changes what is the module's, not an arena's. read_stats() and set_fault_window() call it.
 */
void be_alone(void);

/* How long a test may take. */
unsigned int timeout_seconds(void);

/* errno of a call that must fail, 0 when it does not. Include <errno.h>. */
#define ERROR_OF(call) ((long)(call) == -1 ? errno : 0)

/* Run body in a forked child; what waitpid says, 0 when all is well. */
int run_child(void (*body)(struct arena *self), struct arena *self);

/* --------------------------------------------------------------- methods */

extern const struct method methods[];
extern const size_t nr_methods;
bool is_offered(__u32 number);
/* Some method that this guest offers: batch 512 or native. */
const struct method *any_method(void);
bool is_native(const struct method *method);
bool may_flip(const struct method *method);
/* Does it change protection alone, which is all that a flip can do? */
bool is_protection(unsigned long request);
/* What stands in for a method that does not know this request. */
const struct method *method_for(const struct method *method, unsigned long request);

/* ---------------------------------------------------------------- arenas */

int device_open(void);			 /* asserts success */
void *device_map(int fd, size_t length); /* as the uapi wants it; MAP_FAILED */
struct arena arena_make(size_t pages);	 /* asserts success */
void arena_close(struct arena *arena);
/* Address space with nothing in it, 2 MiB-aligned. */
unsigned char *free_space(size_t length);
unsigned char *page_at(const struct arena *arena, size_t page);

struct xenmm_op make_op(const struct method *method, const struct xenmm_range *ranges,
			size_t nr_ranges, __u32 prot);
/* All answer 0 or -errno. */
int op_raw(int fd, unsigned long request, struct xenmm_op *op);
int op_ranges(const struct arena *arena, unsigned long request, const struct method *method,
	      const struct xenmm_range *ranges, size_t nr_ranges, __u32 prot);
int op_pages(const struct arena *arena, unsigned long request, const struct method *method,
	     size_t first, size_t pages, __u32 prot);

struct xenmm_range range_of(const struct arena *arena, size_t first, size_t pages);

/* Pages first to first + pages - 1; assert success and its out fields. */
void populate(const struct arena *arena, const struct method *method, size_t first, size_t pages);
void discard(const struct arena *arena, const struct method *method, size_t first, size_t pages);
void map(const struct arena *arena, const struct method *method, size_t first, size_t pages);
void unmap(const struct arena *arena, const struct method *method, size_t first, size_t pages);
void protect(const struct arena *arena, const struct method *method, size_t first, size_t pages,
	     __u32 prot);

/* Give up all privileges, for good; the device can still be asked what it offers. */
void become_nobody(void);
/* A memory cgroup with a limit in bytes, or "max"; skips the test where it cannot be had. */
void make_memory_group(const char *path, const char *limit);

/* The fork hint by a file of one's own; 0 or -errno. */
int hint_fork(struct xenmm_fork *fork);

/* --------------------------------------------------------------- content */

/* Words all over every page get a value that names seed, page and word. */
void fill_pages(const struct arena *arena, size_t first, size_t pages, unsigned int seed);
void check_pages(const struct arena *arena, size_t first, size_t pages, unsigned int seed);
void check_zero(const struct arena *arena, size_t first, size_t pages);
/* Fill all and make the first half read-only; nothing of that has changed. */
void prepare(const struct arena *arena);
void expect_intact(const struct arena *arena);
/* All pages can be written and read back. */
void use_all_pages(const struct arena *arena);

/* One access and the signal that it took; signal 0 when it took none. */
struct probe {
	int signal;
	int code;
	void *address;
};

struct probe probe_read(volatile unsigned char *address);
struct probe probe_write(volatile unsigned char *address, unsigned char value);
/* A write that changes nothing, in one step: other threads may write meanwhile. */
struct probe probe_rewrite(volatile unsigned char *address);
bool can_read(unsigned char *address);
bool can_write(unsigned char *address); /* changes nothing */
/* A write takes SIGSEGV at this address, twice, and changes nothing. */
void expect_read_only(unsigned char *address);

/* ------------------------------------------------------- what the kernel says */

/*
 * All entries of these pages are present, or none is. The kernel shows nothing of
 * a VM_PFNMAP area (pagemap, mincore, smaps), so unmap's counter tells; the entries
 * are put back afterwards.
 */
void expect_present(const struct arena *arena, size_t first, size_t pages);
void expect_absent(const struct arena *arena, size_t first, size_t pages);

struct xenmm_stats read_stats(int fd);
/* What all arenas hold now: pages, and tables that are twins. */
__u64 held_pages(const struct xenmm_stats *stats);
__u64 held_twins(const struct xenmm_stats *stats);
/* Xen has refused nothing in between. */
void expect_no_refusals(const struct xenmm_stats *before, const struct xenmm_stats *after);
struct xenmm_info read_info(void);
#define NR_COUNTERS 27
extern const char *const counter_names[NR_COUNTERS];
/* Each counter but the cycles grew by exactly this much since before. */
void expect_growth(int fd, const struct xenmm_stats *before, const struct xenmm_stats *growth);

int write_text(const char *path, const char *text);	      /* 0 or -errno */
ssize_t read_text(const char *path, char *text, size_t size); /* length or -errno */
int set_fault_window(unsigned int pages);
/* A field of /proc/self/status, in kB. */
long status_kb(const char *field);
/* The VmFlags line of the area that starts at an address, "" when there is none. */
void read_vm_flags(const void *start, char flags[512]);

#endif /* XENMM_TEST_H */
