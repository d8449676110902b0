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
//	lost           mremap that moves no content
//	exec-another   another program is executed
//	bad-child      processes end with a status of their own
#include <cstdarg>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_arena.hpp"

extern "C" {
int __real_mprotect(void *address, size_t length, int prot);
void *__real_mremap(void *address, size_t length, size_t new_length, int flags, ...);
int __real_execve(const char *path, char *const argv[], char *const environment[]);
int __wrap_mprotect(void *address, size_t length, int prot);
void *__wrap_mremap(void *address, size_t length, size_t new_length, int flags, ...);
int __wrap_execve(const char *path, char *const argv[], char *const environment[]);
}

namespace xenmm::fake
{

int mapping_flags(int flags)
{
	if (told("shared") && (flags & MAP_PRIVATE))
		flags ^= MAP_PRIVATE | MAP_SHARED;
	else if (told("private") && (flags & MAP_SHARED))
		flags ^= MAP_PRIVATE | MAP_SHARED;
	if (told("late"))
		flags &= ~MAP_POPULATE;
	return told("eager") ? flags | MAP_POPULATE : flags;
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

int __wrap_execve(const char *path, char *const argv[], char *const environment[])
{
	return __real_execve(told("exec-another") ? "/bin/true" : path, argv, environment);
}
