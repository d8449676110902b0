// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A checkpoint of a program's data in a file, of which only what has changed is written:
 *
 *	cc checkpoint.c $(pkg-config --cflags --libs libxenmm)
 *	./a.out FILE
 *
 * The data is a table of counters that a made-up workload increments. At the end the file
 * is read back and compared.
 */
#include <libxenmm.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LENGTH (16UL << 20)
#define COUNTERS (LENGTH / sizeof(unsigned long))
#define ROUNDS 5

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* Few pages of many. */
static void work(unsigned long *counters, unsigned int round)
{
	for (unsigned int i = 0; i < 50; i++)
		counters[(i * 7919UL + round) * 512 % COUNTERS]++;
}

static size_t save(int file, char *data, const struct xenmm_extent *extent)
{
	if (pwrite(file, extent->start, extent->length, (char *)extent->start - data) !=
	    (ssize_t)extent->length)
		fail("writing the checkpoint");
	return extent->length;
}

/* Answers how many bytes it wrote. */
static size_t checkpoint(xenmm_memory *memory, int file)
{
	struct xenmm_extent written[64];
	char *data = xenmm_memory_start(memory);
	void *at = data;
	size_t bytes = 0;

	while (at != data + LENGTH) {
		ssize_t count = xenmm_memory_collect(memory, at, data + LENGTH - (char *)at,
						     written, 64, &at);

		if (count < 0)
			fail("collecting what was written");
		for (ssize_t i = 0; i < count; i++)
			bytes += save(file, data, &written[i]);
	}
	return bytes;
}

static int is_same(int file, const char *data)
{
	char *copy = malloc(LENGTH);
	int same = copy && pread(file, copy, LENGTH, 0) == (ssize_t)LENGTH &&
		   !memcmp(copy, data, LENGTH);

	free(copy);
	return same;
}

int main(int argc, char **argv)
{
	int file = argc == 2 ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;
	xenmm_memory *memory = xenmm_memory_create(LENGTH, 0);

	if (file < 0 || !memory || ftruncate(file, LENGTH))
		fail("checkpoint FILE");
	if (xenmm_memory_track(memory, xenmm_memory_start(memory), LENGTH))
		fail("tracking writes");
	printf("%s\n", xenmm_memory_is_arena(memory) ? "an arena of xenmm" : "ordinary memory");
	for (unsigned int round = 0; round < ROUNDS; round++) {
		work(xenmm_memory_start(memory), round);
		printf("checkpoint %u: %zu kB of %lu\n", round, checkpoint(memory, file) / 1024,
		       LENGTH / 1024);
	}
	if (!is_same(file, xenmm_memory_start(memory))) {
		fprintf(stderr, "the file is not what the memory is\n");
		return 1;
	}
	printf("the file is what the memory is\n");
	xenmm_memory_destroy(memory);
	return close(file);
}
