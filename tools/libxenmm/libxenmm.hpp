// SPDX-License-Identifier: MIT OR GPL-2.0
// libxenmm.h for C++17 and later: memory that unmaps itself, errors as std::system_error.
//
//	xenmm::Memory memory(64 << 20);
//	memory.track();
//	...
//	for (const xenmm_extent &piece : memory.collect())
//		save(piece.start, piece.length);
#pragma once

#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

#include "libxenmm.h"

namespace xenmm
{

class Memory
{
public:
	explicit Memory(size_t length, unsigned flags = 0)
		: memory_(xenmm_memory_create(length, flags))
	{
		if (!memory_)
			throw_errno("xenmm_memory_create");
	}

	void *start() const { return xenmm_memory_start(get()); }
	size_t length() const { return xenmm_memory_length(get()); }
	bool is_arena() const { return xenmm_memory_is_arena(get()); }

	// Of a range, and of all.
	void populate(void *start, size_t length) { call(xenmm_memory_populate, start, length); }
	void populate() { populate(start(), length()); }
	void discard(void *start, size_t length) { call(xenmm_memory_discard, start, length); }
	void discard() { discard(start(), length()); }
	void track(void *start, size_t length) { call(xenmm_memory_track, start, length); }
	void track() { track(start(), length()); }
	void untrack(void *start, size_t length) { call(xenmm_memory_untrack, start, length); }
	void untrack() { untrack(start(), length()); }
	void protect(void *start, size_t length, bool writable)
	{
		if (xenmm_memory_protect(get(), start, length, writable) != 0)
			throw_errno("xenmm_memory_protect");
	}
	void protect(bool writable) { protect(start(), length(), writable); }

	// Everything written in a range, however much it is.
	std::vector<xenmm_extent> collect(void *start, size_t length)
	{
		std::vector<xenmm_extent> all;
		auto *end = static_cast<char *>(start) + length;
		for (void *at = start; at != end;)
			collect_some(all, at, static_cast<size_t>(end - static_cast<char *>(at)));
		return all;
	}
	std::vector<xenmm_extent> collect() { return collect(start(), length()); }

	xenmm_memory_statistics statistics() const
	{
		xenmm_memory_statistics statistics = {};
		xenmm_memory_read_statistics(get(), &statistics);
		return statistics;
	}

	// For what this class does not have.
	xenmm_memory *get() const { return memory_.get(); }

private:
	struct Destroy {
		void operator()(xenmm_memory *memory) const { xenmm_memory_destroy(memory); }
	};
	[[noreturn]] static void throw_errno(const char *what)
	{
		throw std::system_error(errno, std::generic_category(), what);
	}
	void call(int (*function)(xenmm_memory *, void *, size_t), void *start, size_t length)
	{
		if (function(get(), start, length) != 0)
			throw_errno("xenmm_memory");
	}
	void collect_some(std::vector<xenmm_extent> &all, void *&at, size_t length)
	{
		constexpr size_t kRoom = 256;
		size_t before = all.size();
		all.resize(before + kRoom);
		ssize_t found =
			xenmm_memory_collect(get(), at, length, all.data() + before, kRoom, &at);
		all.resize(before + static_cast<size_t>(found < 0 ? 0 : found));
		if (found < 0)
			throw_errno("xenmm_memory_collect");
	}

	std::unique_ptr<xenmm_memory, Destroy> memory_;
};

} // namespace xenmm
