/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * libxenmm: memory whose page-table work is cheap where the module xenmm is loaded, and
 * that works everywhere else, too.
 *
 *	xenmm_memory *memory = xenmm_memory_create(64 << 20, 0);
 *	char *data = xenmm_memory_start(memory);
 *	...
 *	xenmm_memory_track(memory, data, 64 << 20);
 *	...					    the program writes
 *	struct xenmm_extent written[256];
 *	ssize_t n = xenmm_memory_collect(memory, data, 64 << 20, written, 256, NULL);
 *
 * In a Xen PV guest with the module it is an arena of /dev/xenmm: a change of 2 MiB is a
 * few instructions a page instead of a trap. Where there is no module, or no permission, it
 * is mmap, mprotect and a handler of SIGSEGV.
 *
 * Every function may be called by several threads at once, on the same memory, too;
 * none of them in a signal handler. start and length are multiples of the page size,
 * inside the memory, and length is not 0. What fails answers -1 (or NULL) and sets errno:
 *
 *	EINVAL   a bad range or argument; nothing was changed
 *	ENOMEM   no memory, or RLIMIT_MEMLOCK or the memory cgroup is exhausted
 *	EBUSY    protection of a tracked page: untrack it first
 *	EACCES   tracking of a page that is read-only
 *	EPERM    the memory was made by another process: it does not outlive fork
 *	EINTR    the process is being killed
 *	EIO      Xen refused an update, or has once: see /dev/xenmm in xenmm(4)
 *
 * After ENOMEM, EINTR and EIO a first part of the range may be as asked for; to call again
 * is allowed.
 */
#ifndef LIBXENMM_H
#define LIBXENMM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct xenmm_memory xenmm_memory;

/* A piece of memory. */
struct xenmm_extent {
	void *start;
	size_t length; /* bytes */
};

/* For create: no ordinary memory, but open(2)'s errno; or nothing but ordinary memory. */
#define XENMM_ARENA_ONLY 1U
#define XENMM_ORDINARY_ONLY 2U

/*
 * length bytes, a multiple of the page size, zero and writable; pages come with the first
 * touch. It starts at a multiple of 2 MiB. fork: the child must not touch it.
 */
xenmm_memory *xenmm_memory_create(size_t length, unsigned int flags);
/* Unmaps it. NULL is allowed. */
void xenmm_memory_destroy(xenmm_memory *memory);

void *xenmm_memory_start(const xenmm_memory *memory);
size_t xenmm_memory_length(const xenmm_memory *memory);
/* Is it an arena of the module? 0: it is ordinary memory. */
int xenmm_memory_is_arena(const xenmm_memory *memory);

/* Bring pages in now, so that no touch has to. */
int xenmm_memory_populate(xenmm_memory *memory, void *start, size_t length);
/* Give pages back: a later touch finds zeroes. Protection stays. */
int xenmm_memory_discard(xenmm_memory *memory, void *start, size_t length);
/* writable 0: a write is SIGSEGV. */
int xenmm_memory_protect(xenmm_memory *memory, void *start, size_t length, int writable);

/*
 * From now on the first write to each page is noted, until untrack. What is tracked
 * already stays so, with what was noted. In ordinary memory a write by a system call
 * (read(2) and its like) to a page not yet written is EFAULT; by the program it is not.
 */
int xenmm_memory_track(xenmm_memory *memory, void *start, size_t length);
int xenmm_memory_untrack(xenmm_memory *memory, void *start, size_t length);
/*
 * The pages of a range written since they were tracked, or collected last: up to max
 * extents, ascending and apart; how many is the answer. Their next writes are noted
 * again. A discarded page counts as written. *resume, unless resume is NULL: where a further
 * call has to begin, the end of the range when all is told.
 */
ssize_t xenmm_memory_collect(xenmm_memory *memory, void *start, size_t length,
			     struct xenmm_extent *written, size_t max, void **resume);

/* Since the memory was made. */
struct xenmm_memory_statistics {
	uint64_t calls;		  /* of the functions above that change something */
	uint64_t failures;	  /* of those, how many answered -1 */
	uint64_t pages_collected; /* told by collect */
};

void xenmm_memory_read_statistics(const xenmm_memory *memory,
				  struct xenmm_memory_statistics *statistics);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* LIBXENMM_H */
