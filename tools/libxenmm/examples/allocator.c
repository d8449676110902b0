// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A pool for requests: allocation is an addition, and all that a request has allocated is
 * given back at once, to be zero for the next one. What is used throughout is read-only
 * once it is made.
 *
 *	cc allocator.c $(pkg-config --cflags --libs libxenmm)
 */
#include <libxenmm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL (8UL << 20)
#define PAGE 4096UL

struct pool {
	xenmm_memory *memory;
	char *begin, *next, *end;
};

static int pool_open(struct pool *pool)
{
	pool->memory = xenmm_memory_create(POOL, 0);
	if (!pool->memory)
		return -1;
	pool->begin = xenmm_memory_start(pool->memory);
	pool->next = pool->begin;
	pool->end = pool->begin + POOL;
	return 0;
}

/* Zeroed, 16-byte aligned; NULL when there is no more room. */
static void *pool_allocate(struct pool *pool, size_t size)
{
	char *at = pool->next;

	size = (size + 15) & ~15UL;
	if (size > (size_t)(pool->end - at))
		return NULL;
	pool->next = at + size;
	return at;
}

/* Whole pages are given back, those behind the last one that is kept. */
static int pool_reset(struct pool *pool)
{
	size_t used = (pool->next - pool->begin + PAGE - 1) & -PAGE;

	pool->next = pool->begin;
	return used ? xenmm_memory_discard(pool->memory, pool->begin, used) : 0;
}

/* What is in it so far is for ever, and read-only. */
static int pool_seal(struct pool *pool)
{
	size_t used = (pool->next - pool->begin + PAGE - 1) & -PAGE;

	if (used && xenmm_memory_protect(pool->memory, pool->begin, used, 0))
		return -1;
	pool->begin += used;
	pool->next = pool->begin;
	return 0;
}

static int serve(struct pool *pool, unsigned int number)
{
	char *text = NULL;

	for (unsigned int i = 0; i < 1000; i++) {
		text = pool_allocate(pool, 100 + i);
		if (!text || text[0] || text[99 + i])
			return -1;
		memset(text, 'a' + number % 26, 100 + i);
	}
	return pool_reset(pool);
}

int main(void)
{
	struct pool pool;
	char *name;

	if (pool_open(&pool)) {
		perror("xenmm_memory_create");
		return 1;
	}
	name = strcpy(pool_allocate(&pool, 32), "a pool of its own");
	if (pool_seal(&pool)) {
		perror("xenmm_memory_protect");
		return 1;
	}
	for (unsigned int number = 0; number < 100; number++)
		if (serve(&pool, number)) {
			perror("serving a request");
			return 1;
		}
	printf("100 requests of 1000 allocations, %s, in %s\n", name,
	       xenmm_memory_is_arena(pool.memory) ? "an arena of xenmm" : "ordinary memory");
	xenmm_memory_destroy(pool.memory);
	return 0;
}
