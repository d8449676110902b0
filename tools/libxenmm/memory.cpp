// SPDX-License-Identifier: MIT OR GPL-2.0
// The interface: checks what it is given and asks the one of the two that serves the memory.
// No exceptions and nothing of the C++ library, so that C programs need no more than libc.
#include "libxenmm.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "arena.hpp"
#include "ordinary.hpp"

struct xenmm_memory {
	bool is_arena = false;
	size_t length = 0;
	xenmm::Arena arena = {};
	xenmm::Ordinary ordinary = {};
	uint64_t calls = 0, failures = 0, pages_collected = 0; // atomic
};

namespace
{

bool is_aligned(uintptr_t value)
{
	return value % static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)) == 0;
}

void *start_of(const xenmm_memory &memory)
{
	return memory.is_arena ? memory.arena.start() : memory.ordinary.start();
}

bool is_inside(const xenmm_memory &memory, void *start, size_t length)
{
	uintptr_t offset =
		reinterpret_cast<uintptr_t>(start) - reinterpret_cast<uintptr_t>(start_of(memory));
	return length && is_aligned(offset) && is_aligned(length) && offset < memory.length &&
	       length <= memory.length - offset;
}

void count(uint64_t &counter, uint64_t by = 1)
{
	__atomic_fetch_add(&counter, by, __ATOMIC_RELAXED);
}

// Asks whoever serves it, once the range is right.
template <class Ask>
auto ask(xenmm_memory *memory, void *start, size_t length, Ask question)
{
	decltype(question(memory->arena)) answer = -1;
	count(memory->calls);
	if (!is_inside(*memory, start, length))
		errno = EINVAL;
	else
		answer = memory->is_arena ? question(memory->arena) : question(memory->ordinary);
	if (answer < 0)
		count(memory->failures);
	return answer;
}

bool create(xenmm_memory &memory, size_t length, unsigned flags)
{
	memory.length = length;
	memory.is_arena = !(flags & XENMM_ORDINARY_ONLY) && memory.arena.create(length);
	if (memory.is_arena)
		return true;
	return !(flags & XENMM_ARENA_ONLY) && memory.ordinary.create(length);
}

} // namespace

xenmm_memory *xenmm_memory_create(size_t length, unsigned int flags)
{
	bool is_known = flags == 0 || flags == XENMM_ARENA_ONLY || flags == XENMM_ORDINARY_ONLY;
	if (!length || !is_aligned(length) || !is_known) {
		errno = EINVAL;
		return nullptr;
	}
	auto memory = static_cast<xenmm_memory *>(malloc(sizeof(xenmm_memory)));
	if (!memory)
		return nullptr;
	*memory = xenmm_memory();
	if (create(*memory, length, flags))
		return memory;
	int error = errno;
	free(memory);
	errno = error;
	return nullptr;
}

void xenmm_memory_destroy(xenmm_memory *memory)
{
	if (!memory)
		return;
	if (memory->is_arena)
		memory->arena.destroy();
	else
		memory->ordinary.destroy();
	free(memory);
}

void *xenmm_memory_start(const xenmm_memory *memory)
{
	return start_of(*memory);
}

size_t xenmm_memory_length(const xenmm_memory *memory)
{
	return memory->length;
}

int xenmm_memory_is_arena(const xenmm_memory *memory)
{
	return memory->is_arena;
}

int xenmm_memory_populate(xenmm_memory *memory, void *start, size_t length)
{
	return ask(memory, start, length, [=](auto &by) { return by.populate(start, length); });
}

int xenmm_memory_discard(xenmm_memory *memory, void *start, size_t length)
{
	return ask(memory, start, length, [=](auto &by) { return by.discard(start, length); });
}

int xenmm_memory_protect(xenmm_memory *memory, void *start, size_t length, int writable)
{
	return ask(memory, start, length,
		   [=](auto &by) { return by.protect(start, length, writable != 0); });
}

int xenmm_memory_track(xenmm_memory *memory, void *start, size_t length)
{
	return ask(memory, start, length, [=](auto &by) { return by.track(start, length); });
}

int xenmm_memory_untrack(xenmm_memory *memory, void *start, size_t length)
{
	return ask(memory, start, length, [=](auto &by) { return by.untrack(start, length); });
}

ssize_t xenmm_memory_collect(xenmm_memory *memory, void *start, size_t length,
			     struct xenmm_extent *written, size_t max, void **resume)
{
	void *ignored = nullptr;
	ssize_t found = ask(memory, start, length, [&](auto &by) -> ssize_t {
		if (max && written)
			return by.collect(start, length, written, max, resume ? resume : &ignored);
		errno = EINVAL;
		return -1;
	});
	for (ssize_t i = 0; i < found; i++)
		count(memory->pages_collected,
		      written[i].length / static_cast<size_t>(sysconf(_SC_PAGESIZE)));
	return found;
}

void xenmm_memory_read_statistics(const xenmm_memory *memory,
				  struct xenmm_memory_statistics *statistics)
{
	statistics->calls = __atomic_load_n(&memory->calls, __ATOMIC_RELAXED);
	statistics->failures = __atomic_load_n(&memory->failures, __ATOMIC_RELAXED);
	statistics->pages_collected = __atomic_load_n(&memory->pages_collected, __ATOMIC_RELAXED);
}
