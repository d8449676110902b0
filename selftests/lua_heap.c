// SPDX-License-Identifier: GPL-2.0
/*
 * Lua, whose heap lies in memory of libxenmm: a program builds a large structure, then changes
 * a little of it again and again. After each change the pages that were written are copied,
 * which is a checkpoint, and the pause of a collector that copies. In the end the copy is the heap.
 *
 *	lua_heap arena|ordinary     prints "WAY PAGES COST": instructions (or cycles) of
 *	                            arming and all checkpoints, and of all writes between
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "libxenmm.h"

#define HEAP (48UL << 20)
#define PAGE 4096UL
#define ROUNDS 10
#define MAX_PIECES 4096

/* ------------------------------------------------------------- the heap */

/* Blocks of a power of two, each with a list of those that are free. */
#define CLASSES 28

static struct heap {
	xenmm_memory *memory;
	char *start, *next, *end;
	void *free[CLASSES];
} heap;

static unsigned int class_of(size_t size)
{
	return size <= 16 ? 4 : 64 - __builtin_clzl(size - 1);
}

static void *take(size_t size)
{
	const unsigned int class = class_of(size);
	char *block = heap.free[class];

	if (block) {
		memcpy(&heap.free[class], block, sizeof(void *));
		return block;
	}
	if (heap.next + (1UL << class) > heap.end)
		return NULL;
	block = heap.next;
	heap.next += 1UL << class;
	return block;
}

static void give(void *block, size_t size)
{
	const unsigned int class = class_of(size);

	memcpy(block, &heap.free[class], sizeof(void *));
	heap.free[class] = block;
}

/* What Lua wants of an allocator (lua_Alloc). */
static void *reallocate(void *unused, void *block, size_t old_size, size_t size)
{
	void *other;

	(void)unused;
	if (block && size && class_of(old_size) == class_of(size))
		return block;
	other = size ? take(size) : NULL;
	if (block && other)
		memcpy(other, block, old_size < size ? old_size : size);
	if (block && (other || !size))
		give(block, old_size);
	return other;
}

static void make_heap(const char *way)
{
	const unsigned int flags = strcmp(way, "arena") ? XENMM_ORDINARY_ONLY : XENMM_ARENA_ONLY;

	heap.memory = xenmm_memory_create(HEAP, flags);
	if (!heap.memory) {
		perror("xenmm_memory_create");
		exit(1);
	}
	heap.start = xenmm_memory_start(heap.memory);
	heap.next = heap.start;
	heap.end = heap.start + HEAP;
}

/* ---------------------------------------------------------- checkpoints */

static char *copy;

/* The pages written since the last one; how many. */
static size_t checkpoint(void)
{
	static struct xenmm_extent written[MAX_PIECES];
	void *at = heap.start, *resume = at;
	size_t pages = 0;

	while (at != heap.end) {
		const ssize_t pieces = xenmm_memory_collect(heap.memory, at,
							    heap.end - (char *)at, written,
							    MAX_PIECES, &resume);
		if (pieces < 0) {
			perror("xenmm_memory_collect");
			exit(1);
		}
		for (ssize_t i = 0; i < pieces; i++) {
			const size_t offset = (char *)written[i].start - heap.start;

			memcpy(copy + offset, written[i].start, written[i].length);
			pages += written[i].length / PAGE;
		}
		at = resume;
	}
	return pages;
}

/* -------------------------------------------------------------- the program */

static const char *const program =
	"local all = {}\n"
	"for i = 1, 100000 do all[i] = {number = i, name = 'node ' .. i} end\n"
	"function change(round)\n"
	"  for i = round, #all, 997 do all[i].number = all[i].number + round end\n"
	"end\n"
	"function sum()\n"
	"  local s = 0\n"
	"  for i = 1, #all do s = s + all[i].number end\n"
	"  return s\n"
	"end\n"
	"collectgarbage('stop')\n";

static lua_Integer call(lua_State *lua, const char *function, lua_Integer argument)
{
	lua_Integer result;

	lua_getglobal(lua, function);
	lua_pushinteger(lua, argument);
	if (lua_pcall(lua, 1, 1, 0) != LUA_OK) {
		fprintf(stderr, "%s\n", lua_tostring(lua, -1));
		exit(1);
	}
	result = lua_tointeger(lua, -1);
	lua_pop(lua, 1);
	return result;
}

static void require(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "lua_heap: %s\n", what);
	exit(1);
}

static void run(lua_State *lua, const char *way)
{
	uint64_t writing = 0, checking = 0, begin = __rdtsc();
	const lua_Integer before = call(lua, "sum", 0);
	lua_Integer added = 0;
	size_t pages = 0;

	begin = __rdtsc();
	require(!xenmm_memory_track(heap.memory, heap.start, HEAP), "track failed");
	checking += __rdtsc() - begin;
	memcpy(copy, heap.start, HEAP); /* the first checkpoint is all of it */
	for (int round = 1; round <= ROUNDS; round++) {
		begin = __rdtsc();
		call(lua, "change", round);
		writing += __rdtsc() - begin;
		added += (lua_Integer)round * ((100000 - round) / 997 + 1);
		begin = __rdtsc();
		pages += checkpoint();
		checking += __rdtsc() - begin;
	}
	require(call(lua, "sum", 0) == before + added, "Lua has lost a write");
	pages += checkpoint();
	require(!memcmp(copy, heap.start, HEAP), "the copy is not the heap");
	require(pages < ROUNDS * HEAP / PAGE / 4, "nearly all pages were told");
	printf("%s %zu %lu %lu\n", way, pages, (unsigned long)checking, (unsigned long)writing);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "arena";
	lua_State *lua;

	make_heap(way);
	copy = malloc(HEAP);
	require(copy && !xenmm_memory_populate(heap.memory, heap.start, HEAP), "no memory");
	lua = lua_newstate(reallocate, NULL);
	require(lua != NULL, "no Lua");
	luaL_openlibs(lua);
	require(luaL_dostring(lua, program) == LUA_OK, "the program does not run");
	run(lua, way);
	lua_close(lua);
	xenmm_memory_destroy(heap.memory);
	return 0;
}
