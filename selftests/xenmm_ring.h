/* SPDX-License-Identifier: GPL-2.0 */
/*
 * io_uring by bare system calls: one request at a time.
 */
#ifndef XENMM_RING_H
#define XENMM_RING_H

#include <linux/io_uring.h>

struct ring {
	int fd;
	struct io_uring_params params;
	struct io_uring_sqe *requests;
	unsigned char *rings;
};

/* 0, or -errno where the kernel has none or lets nobody use it. */
int ring_make(struct ring *ring);
/* What one request to read a page answers. */
int ring_read(struct ring *ring, int opcode, int flags, int fd, void *buffer);
/* The same by a worker thread of the kernel. */
int read_by_worker(struct ring *ring, int fd, void *buffer);

#endif /* XENMM_RING_H */
