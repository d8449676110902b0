// SPDX-License-Identifier: GPL-2.0
// A kernel whose ordinary memory does not do as it should, for tests: so that the checks
// of the workloads on it can be seen to fail. Linked as fake_device.cpp is.
//
// XENMM_FAKE, more words:
//	eager          mappings are populated, so that there is nothing to fault in
//	late           MAP_POPULATE populates nothing
//	shared         private mappings are shared ones
//	private        shared mappings are private ones
//	no-mprotect    mprotect that changes nothing
//	stays          munmap that unmaps nothing
//	kept           the same, and the next mmap of that kind gives the pages again
//	lost           mremap that moves no content
//	exec-another   another program is executed
//	still          the clock stands
//	bad-child      processes that were forked end with a status of their own
#include <cstdarg>
#include <ctime>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "fake_arena.hpp"

// NOLINTBEGIN(bugprone-reserved-identifier): ld's --wrap makes these names
extern "C" {
int __real_mprotect(void *address, size_t length, int prot);
void *__real_mremap(void *address, size_t length, size_t new_length, int flags, ...);
int __real_execve(const char *path, char *const argv[], char *const environment[]);
void *__real_mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset);
int __real_clock_gettime(clockid_t clock, timespec *now);
int __wrap_clock_gettime(clockid_t clock, timespec *now);
int __real_munmap(void *address, size_t length);
int __wrap_mprotect(void *address, size_t length, int prot);
void *__wrap_mremap(void *address, size_t length, size_t new_length, int flags, ...);
int __wrap_execve(const char *path, char *const argv[], char *const environment[]);
}
// NOLINTEND(bugprone-reserved-identifier)

namespace xenmm::fake
{

namespace
{

struct Mapping {
	size_t length;
	int prot, flags, fd;
	void *base;
	bool is_free;

	bool is_like(const Mapping &other) const
	{
		return length == other.length && prot == other.prot && flags == other.flags &&
		       fd == other.fd;
	}
};

std::vector<Mapping> kept;

int mapping_flags(int flags)
{
	if ((told("shared") && (flags & MAP_PRIVATE)) || (told("private") && (flags & MAP_SHARED)))
		flags ^= MAP_PRIVATE | MAP_SHARED;
	if (told("late"))
		flags &= ~MAP_POPULATE;
	return told("eager") ? flags | MAP_POPULATE : flags;
}

} // namespace

void *map_memory(size_t length, int prot, int flags, int fd)
{
	Mapping wanted = {length, prot, flags, fd, nullptr, false};
	for (Mapping &mapping : kept)
		if (mapping.is_free && mapping.is_like(wanted)) {
			mapping.is_free = false;
			return mapping.base;
		}
	wanted.base = __real_mmap(nullptr, length, prot, mapping_flags(flags), fd, 0);
	if (told("kept"))
		kept.push_back(wanted);
	return wanted.base;
}

int unmap_memory(void *base, size_t length)
{
	for (Mapping &mapping : kept)
		if (mapping.base == base)
			mapping.is_free = true;
	return told("kept") || told("stays") ? 0 : __real_munmap(base, length);
}

} // namespace xenmm::fake

using namespace xenmm::fake;

int __wrap_mprotect(void *address, size_t length, int prot)
{
	return told("no-mprotect") ? 0 : __real_mprotect(address, length, prot);
}

void *__wrap_mremap(void *address, size_t length, size_t new_length, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	void *target = va_arg(arguments, void *);
	va_end(arguments);
	if (told("lost"))
		madvise(address, length, MADV_DONTNEED);
	return __real_mremap(address, length, new_length, flags, target);
}

int __wrap_clock_gettime(clockid_t clock, timespec *now)
{
	if (!told("still"))
		return __real_clock_gettime(clock, now);
	*now = {};
	return 0;
}

int __wrap_execve(const char *path, char *const argv[], char *const environment[])
{
	return __real_execve(told("exec-another") ? "/bin/true" : path, argv, environment);
}
