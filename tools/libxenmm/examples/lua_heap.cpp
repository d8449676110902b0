// SPDX-License-Identifier: GPL-2.0
// Lua, whose heap lies in memory of libxenmm: a program builds a large structure, then changes
// a little of it again and again. After each change the pages that were written are copied,
// which is a checkpoint, or the pause of a collector that copies. In the end the copy is the
// heap.
//
//	lua_heap arena|ordinary   prints the pages that were copied, and the instructions (or
//	                          cycles) of arming and all copies, and of the writes between
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <lua5.4/lua.hpp>
#include <stdexcept>
#include <string>
#include <x86intrin.h>

#include "libxenmm.hpp"

namespace
{

constexpr size_t kHeapBytes = 48 << 20;
constexpr size_t kPageBytes = 4096;
constexpr int kRounds = 10;

void require(bool holds, const char *what)
{
	if (!holds)
		throw std::runtime_error(what);
}

// Blocks of a power of two, each size with a list of those that are free.
class Heap
{
public:
	explicit Heap(unsigned flags) : memory_(kHeapBytes, flags)
	{
		memory_.populate();
		next_ = start();
	}
	char *start() const { return static_cast<char *>(memory_.start()); }
	xenmm::Memory &memory() { return memory_; }

	// What Lua wants of an allocator (lua_Alloc).
	static void *reallocate(void *heap, void *block, size_t old_size, size_t size)
	{
		return static_cast<Heap *>(heap)->reallocate(block, old_size, size);
	}

private:
	static constexpr unsigned kClasses = 28;

	static unsigned class_of(size_t size)
	{
		return size <= 16 ? 4 : 64 - static_cast<unsigned>(__builtin_clzl(size - 1));
	}
	void *reallocate(void *block, size_t old_size, size_t size)
	{
		if (block && size && class_of(old_size) == class_of(size))
			return block;
		void *other = size ? take(class_of(size)) : nullptr;
		if (block && other)
			std::memcpy(other, block, old_size < size ? old_size : size);
		if (block && (other || !size))
			give(block, class_of(old_size));
		return other;
	}
	void *take(unsigned size_class)
	{
		if (void *block = free_[size_class]) {
			std::memcpy(&free_[size_class], block, sizeof(void *));
			return block;
		}
		size_t bytes = size_t{1} << size_class;
		if (bytes > static_cast<size_t>(start() + kHeapBytes - next_))
			return nullptr;
		next_ += bytes;
		return next_ - bytes;
	}
	void give(void *block, unsigned size_class)
	{
		std::memcpy(block, &free_[size_class], sizeof(void *));
		free_[size_class] = block;
	}

	xenmm::Memory memory_;
	char *next_ = nullptr;
	void *free_[kClasses] = {};
};

constexpr const char *kProgram = R"(
	local all = {}
	for i = 1, 100000 do all[i] = {number = i, name = 'node ' .. i} end
	function change(round)
		local added = 0
		for i = round, #all, 997 do
			all[i].number = all[i].number + round
			added = added + round
		end
		return added
	end
	function sum()
		local s = 0
		for i = 1, #all do s = s + all[i].number end
		return s
	end
	collectgarbage('stop'))";

class Program
{
public:
	explicit Program(Heap &heap) : lua_(lua_newstate(Heap::reallocate, &heap))
	{
		require(lua_, "no Lua");
		luaL_openlibs(lua_);
		require(luaL_dostring(lua_, kProgram) == LUA_OK, "the program does not run");
	}
	~Program() { lua_close(lua_); }
	Program(const Program &) = delete;
	Program &operator=(const Program &) = delete;

	lua_Integer call(const char *function, lua_Integer argument = 0)
	{
		lua_getglobal(lua_, function);
		lua_pushinteger(lua_, argument);
		require(lua_pcall(lua_, 1, 1, 0) == LUA_OK, function);
		lua_Integer result = lua_tointeger(lua_, -1);
		lua_pop(lua_, 1);
		return result;
	}

private:
	lua_State *lua_;
};

// Adds what `body` takes.
template <class Body>
void measure(uint64_t &sum, Body body)
{
	uint64_t begin = __rdtsc();
	body();
	sum += __rdtsc() - begin;
}

class Copy
{
public:
	explicit Copy(Heap &heap) : heap_(heap), bytes_(heap.start(), kHeapBytes) {}

	void follow()
	{
		for (const xenmm_extent &piece : heap_.memory().collect()) {
			auto from = static_cast<const char *>(piece.start);
			std::memcpy(&bytes_[static_cast<size_t>(from - heap_.start())], from,
				    piece.length);
			pages_ += piece.length / kPageBytes;
		}
	}
	size_t pages() const { return pages_; }
	bool is_heap() const { return !std::memcmp(bytes_.data(), heap_.start(), kHeapBytes); }

private:
	Heap &heap_;
	std::string bytes_;
	size_t pages_ = 0;
};

void run(const std::string &way)
{
	Heap heap(way == "arena" ? XENMM_ARENA_ONLY : XENMM_ORDINARY_ONLY);
	Program program(heap);
	lua_Integer expected = program.call("sum");
	uint64_t copying = 0, writing = 0;

	measure(copying, [&] { heap.memory().track(); });
	Copy copy(heap);
	for (int round = 1; round <= kRounds; round++) {
		measure(writing, [&] { expected += program.call("change", round); });
		measure(copying, [&] { copy.follow(); });
	}
	require(program.call("sum") == expected, "Lua has lost a write");
	copy.follow();
	require(copy.is_heap(), "the copy is not the heap");
	require(copy.pages() < kRounds * kHeapBytes / kPageBytes / 4, "nearly all pages were told");
	std::printf("%s %zu %lu %lu\n", way.c_str(), copy.pages(), copying, writing);
}

} // namespace

int main(int argc, char **argv)
{
	try {
		run(argc > 1 ? argv[1] : "arena");
	} catch (const std::exception &error) {
		std::fprintf(stderr, "lua_heap: %s\n", error.what());
		return 1;
	}
	return 0;
}
