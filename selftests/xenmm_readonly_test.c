// SPDX-License-Identifier: GPL-2.0
/*
 * A read-only page stays what it is: no mapping of the process, no call and no debugger
 * changes it, whichever method made it read-only. "# read-only:" lines tell what each way
 * answers; Documentation/design.rst has them as a table.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xenmm_readonly.h"

#define N ARENA_PAGES
#define PLACE 700 /* the page that is attacked: in the middle of a table */

/* Content, and read-only by this method at the second time: a flip then has its twins. */
static void make_read_only(const struct arena *arena, const struct method *method)
{
	populate(arena, any_method(), 0, N);
	fill_pages(arena, 0, N, 1);
	protect(arena, method, 0, N, XENMM_PROT_READ);
	protect(arena, method, 0, N, XENMM_PROT_READ_WRITE);
	protect(arena, method, 0, N, XENMM_PROT_READ);
}

/* ------------------------------------------------------------- every mapping */

static unsigned char seen[PAGE] __attribute__((aligned(4096)));
static uint64_t hidden[N]; /* the first words, inverted: not to be found themselves */

/* A copy by a pipe reads what the page tables show, of special mappings, too. */
static bool look_at(const int ends[2], uintptr_t address)
{
	return write(ends[1], (void *)address, PAGE) == PAGE && read(ends[0], seen, PAGE) == PAGE;
}

static long find_seen(void)
{
	uint64_t word;

	memcpy(&word, seen, sizeof(word));
	memset(seen, 0, sizeof(seen));
	for (size_t page = 0; page < N; page++)
		if (word == ~hidden[page])
			return page;
	return -1;
}

struct found {
	size_t own, elsewhere, mappings;
};

static bool is_own(const struct arena *arena, uintptr_t address)
{
	return address - (uintptr_t)arena->base < N * PAGE;
}

static void walk_mapping(const struct arena *arena, const int ends[2], uintptr_t start,
			 uintptr_t end, struct found *found)
{
	for (uintptr_t address = start; address < end; address += PAGE) {
		long page = look_at(ends, address) ? find_seen() : -1;

		if (page < 0)
			continue;
		if (is_own(arena, address)) {
			found->own++;
			continue;
		}
		found->elsewhere++;
		test_context("page %ld shows at %#lx", page, (unsigned long)address);
		probe_write((unsigned char *)address, 0x5a);
		check_pages(arena, page, 1, 1);
	}
}

static struct found walk_all(const struct arena *arena)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	struct found found = {};
	unsigned long start, end;
	char line[512], access;
	int ends[2];

	ASSERT_TRUE(maps);
	ASSERT_EQ(pipe(ends), 0);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %c", &start, &end, &access) != 3 || access != 'r')
			continue;
		found.mappings++;
		walk_mapping(arena, ends, start, end, &found);
	}
	fclose(maps);
	close(ends[0]);
	close(ends[1]);
	return found;
}

TEST_METHODS(no_other_mapping_shows_a_page)
{
	struct found found;

	make_read_only(self, method);
	for (size_t page = 0; page < N; page++) {
		memcpy(&hidden[page], page_at(self, page), sizeof(hidden[page]));
		hidden[page] = ~hidden[page];
	}
	found = walk_all(self);
	EXPECT_EQ(found.own, N); /* the search finds what is there */
	EXPECT_EQ(found.elsewhere, 0);
	EXPECT_GE(found.mappings, 4);
	for (size_t page = 0; page < N; page += 50)
		expect_read_only(page_at(self, page));
	check_pages(self, 0, N, 1);
}

/* ------------------------------------------------------------------ every way */

static void try_way(const struct arena *arena, const struct way *way)
{
	long error;

	test_context("%s", way->name);
	error = way->run(page_at(arena, PLACE));
	printf("# read-only: %-32s %s\n", way->name,
	       error == WAY_UNKNOWN ? "not in this kernel"
	       : error		    ? strerrorname_np(error)
				    : "0");
	if (error != WAY_UNKNOWN)
		EXPECT_EQ(error, way->error);
	check_pages(arena, PLACE - 1, 3, 1);
	expect_read_only(page_at(arena, PLACE));
}

TEST_METHODS(no_way_changes_a_page)
{
	make_read_only(self, method);
	for (size_t i = 0; i < nr_ways; i++)
		try_way(self, &ways[i]);
	EXPECT_EQ(ERROR_OF(device_map(self->fd, N * PAGE)), EBUSY);
	check_pages(self, 0, N, 1);
	protect(self, method, 0, N, XENMM_PROT_READ_WRITE);
	use_all_pages(self);
}

/* The same calls do write where they may: what they answer above is the page's doing. */
TEST_METHODS(the_ways_write_where_they_may)
{
	make_read_only(self, method);
	protect(self, method, 0, N, XENMM_PROT_READ_WRITE);
	for (size_t i = 0; i < nr_ways; i++) {
		long error;

		if (!ways[i].writes)
			continue;
		test_context("%s", ways[i].name);
		memset(page_at(self, PLACE), 0x5a, PAGE);
		error = ways[i].run(page_at(self, PLACE));
		if (error == WAY_UNKNOWN)
			continue;
		EXPECT_EQ(error, 0);
		EXPECT_EQ(*page_at(self, PLACE), 0);
	}
	check_pages(self, PLACE + 1, N - PLACE - 1, 1);
}
