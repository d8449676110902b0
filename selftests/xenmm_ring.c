// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring by bare system calls: one request at a time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "xenmm_ring.h"
#include "xenmm_test.h"

int ring_make(struct ring *ring)
{
	size_t length;

	*ring = (struct ring){.params = {}};
	ring->fd = syscall(SYS_io_uring_setup, 1, &ring->params);
	if (ring->fd < 0)
		return -errno;
	length = ring->params.cq_off.cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe) +
		 PAGE;
	ring->rings = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
			   IORING_OFF_SQ_RING);
	ring->requests =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
	ASSERT_NE(ring->rings, MAP_FAILED);
	ASSERT_NE(ring->requests, MAP_FAILED);
	return 0;
}

static unsigned int *ring_word(const struct ring *ring, __u32 offset)
{
	return (unsigned int *)(ring->rings + offset);
}

int ring_read(struct ring *ring, int opcode, int flags, int fd, void *buffer)
{
	const struct io_cqring_offsets *done = &ring->params.cq_off;
	unsigned int *head = ring_word(ring, done->head);
	struct io_uring_cqe *events = (struct io_uring_cqe *)(ring->rings + done->cqes);
	int result;

	*ring->requests = (struct io_uring_sqe){
		.opcode = opcode, .flags = flags, .fd = fd, .addr = (uintptr_t)buffer, .len = PAGE};
	*ring_word(ring, ring->params.sq_off.array) = 0;
	__atomic_add_fetch(ring_word(ring, ring->params.sq_off.tail), 1, __ATOMIC_RELEASE);
	ASSERT_EQ(syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0), 1);
	ASSERT_EQ(__atomic_load_n(ring_word(ring, done->tail), __ATOMIC_ACQUIRE), *head + 1);
	result = events[*head & *ring_word(ring, done->ring_mask)].res;
	__atomic_add_fetch(head, 1, __ATOMIC_RELEASE);
	return result;
}

int read_by_worker(struct ring *ring, int fd, void *buffer)
{
	return ring_read(ring, IORING_OP_READ, IOSQE_ASYNC, fd, buffer);
}
