// SPDX-License-Identifier: GPL-2.0
/*
 * Coverage by KCOV: the kernel writes down where this thread was, in code that is built for
 * it, which is the module alone (Kbuild). A pair of places is worth more than a place: it
 * tells in which order. Their set is a bitmap of hashes, shared by all threads.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kcov.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <threads.h>
#include <unistd.h>

#include "xenmm_fuzz.h"

#define KCOV_PATH "/sys/kernel/debug/kcov"
#define NR_PLACES_KEPT (64UL << 10)
#define NR_BITS (1U << 18)

static uint8_t seen[NR_BITS / 8];
static unsigned int total;
static thread_local unsigned long *trace; /* [0]: how many follow */
static thread_local int trace_fd;

bool cover_begin(void)
{
	int fd = open(KCOV_PATH, O_RDWR | O_CLOEXEC);
	void *mapped;

	if (fd < 0)
		return false;
	ASSERT_EQ(ioctl(fd, KCOV_INIT_TRACE, NR_PLACES_KEPT), 0);
	mapped = mmap(NULL, NR_PLACES_KEPT * sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      0);
	ASSERT_NE(mapped, MAP_FAILED);
	ASSERT_EQ(ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC), 0);
	trace = mapped;
	trace_fd = fd;
	return true;
}

void cover_end(void)
{
	if (!trace)
		return;
	ASSERT_EQ(ioctl(trace_fd, KCOV_DISABLE, 0), 0);
	munmap(trace, NR_PLACES_KEPT * sizeof(long));
	close(trace_fd);
	trace = NULL;
}

void cover_start(void)
{
	if (trace)
		__atomic_store_n(&trace[0], 0, __ATOMIC_RELAXED);
}

static bool is_new(unsigned long hash)
{
	const unsigned int bit = hash % NR_BITS;
	const uint8_t mask = 1U << bit % 8;

	return !(__atomic_fetch_or(&seen[bit / 8], mask, __ATOMIC_RELAXED) & mask);
}

unsigned int cover_stop(void)
{
	unsigned long length, last = 0;
	unsigned int found = 0;

	if (!trace)
		return 0;
	length = __atomic_load_n(&trace[0], __ATOMIC_RELAXED);
	for (unsigned long i = 1; i <= length && i < NR_PLACES_KEPT; i++) {
		found += is_new((trace[i] ^ last << 1) * 0x9e3779b97f4a7c15 >> 40);
		last = trace[i];
	}
	__atomic_add_fetch(&total, found, __ATOMIC_RELAXED);
	return found;
}

unsigned int cover_total(void)
{
	return total;
}
