// SPDX-License-Identifier: GPL-2.0
/*
 * What is in the pages of an arena, and single accesses that may be refused: the
 * signal is caught and handed back, in any thread.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <threads.h>

#include "xenmm_test.h"

#define PAGE_WORDS (PAGE / sizeof(uint64_t))
#define STRIDE 7 /* the last word, 511, is a multiple of it */

static uint64_t word_value(unsigned int seed, size_t page, size_t word)
{
	return ((uint64_t)seed << 48) + (page << 16) + word + 1;
}

void fill_pages(const struct arena *arena, size_t first, size_t pages, unsigned int seed)
{
	for (size_t page = first; page < first + pages; page++) {
		volatile uint64_t *words = (uint64_t *)page_at(arena, page);

		for (size_t i = 0; i < PAGE_WORDS; i += STRIDE)
			words[i] = word_value(seed, page, i);
	}
}

/* Seed 0 is for zeroed pages. One failure a page is enough. */
void check_pages(const struct arena *arena, size_t first, size_t pages, unsigned int seed)
{
	for (size_t page = first; page < first + pages; page++) {
		volatile uint64_t *words = (uint64_t *)page_at(arena, page);
		size_t i = 0;

		while (i < PAGE_WORDS && words[i] == (seed ? word_value(seed, page, i) : 0))
			i += seed ? STRIDE : 1;
		if (i >= PAGE_WORDS)
			continue;
		printf("# page %zu, word %zu, seed %u\n", page, i, seed);
		ASSERT_EQ(words[i], seed ? word_value(seed, page, i) : 0);
	}
}

void check_zero(const struct arena *arena, size_t first, size_t pages)
{
	check_pages(arena, first, pages, 0);
}

void prepare(const struct arena *arena)
{
	populate(arena, any_method(), 0, arena->pages);
	fill_pages(arena, 0, arena->pages, 1);
	protect(arena, any_method(), 0, arena->pages / 2, XENMM_PROT_READ);
}

void expect_intact(const struct arena *arena)
{
	size_t half = arena->pages / 2;

	check_pages(arena, 0, arena->pages, 1);
	expect_read_only(page_at(arena, 0));
	expect_read_only(page_at(arena, half - 1));
	EXPECT_TRUE(can_write(page_at(arena, half)));
	EXPECT_TRUE(can_write(page_at(arena, arena->pages - 1)));
	EXPECT_EQ(op_pages(arena, XENMM_IOC_MAP, any_method(), 0, arena->pages, 0), 0);
}

void use_all_pages(const struct arena *arena)
{
	fill_pages(arena, 0, arena->pages, 0x5a);
	check_pages(arena, 0, arena->pages, 0x5a);
}

static thread_local sigjmp_buf probe_return;
static thread_local volatile sig_atomic_t probe_armed;
static thread_local struct probe probe_seen;

static void note_signal(int number, siginfo_t *info, void *unused)
{
	(void)unused;
	if (!probe_armed) { /* a bug in the test: die of it */
		signal(number, SIG_DFL);
		return;
	}
	probe_seen = (struct probe){number, info->si_code, info->si_addr};
	siglongjmp(probe_return, 1);
}

/* Nothing to restore after the jump: tests make thousands of them. */
static void catch_signals(void)
{
	const int flags = SA_SIGINFO | SA_NODEFER;
	const struct sigaction action = {.sa_sigaction = note_signal, .sa_flags = flags};
	static bool caught;

	if (!caught) {
		sigaction(SIGSEGV, &action, NULL);
		sigaction(SIGBUS, &action, NULL);
		caught = true;
	}
	memset(&probe_seen, 0, sizeof(probe_seen));
}

static struct probe probe(void (*access)(volatile unsigned char *, unsigned char),
			  volatile unsigned char *address, unsigned char value)
{
	catch_signals();
	if (!sigsetjmp(probe_return, 0)) {
		probe_armed = 1;
		access(address, value);
	}
	probe_armed = 0;
	return probe_seen;
}

static void read_byte(volatile unsigned char *address, unsigned char unused)
{
	(void)unused;
	(void)*address;
}

static void write_byte(volatile unsigned char *address, unsigned char value)
{
	*address = value;
}

static void or_byte(volatile unsigned char *address, unsigned char value)
{
	__asm__ volatile("lock orb %1, %0" : "+m"(*address) : "q"(value));
}

struct probe probe_read(volatile unsigned char *address)
{
	return probe(read_byte, address, 0);
}

struct probe probe_write(volatile unsigned char *address, unsigned char value)
{
	return probe(write_byte, address, value);
}

struct probe probe_rewrite(volatile unsigned char *address)
{
	return probe(or_byte, address, 0);
}

bool can_read(unsigned char *address)
{
	return !probe_read(address).signal;
}

bool can_write(unsigned char *address)
{
	return can_read(address) &&
	       !probe_write(address, *(volatile unsigned char *)address).signal;
}

/* The kernel says MAPERR when a fault handler refuses, ACCERR when the area does. */
void expect_read_only(unsigned char *address)
{
	unsigned char before = *(volatile unsigned char *)address;

	for (int try = 0; try < 2; try++) {
		struct probe probe = probe_write(address, before ^ 0xff);

		ASSERT_EQ(probe.signal, SIGSEGV);
		EXPECT_EQ(probe.address, address);
		EXPECT_TRUE(probe.code == SEGV_MAPERR || probe.code == SEGV_ACCERR);
		EXPECT_EQ(*(volatile unsigned char *)address, before);
	}
}
