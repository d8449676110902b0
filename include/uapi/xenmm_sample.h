/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The user interface of /dev/xenmm_sample: the example of a driver that maps its own pages
 * (selftests/sample), for the tests and the benchmark. mmap() it shared, as many pages as
 * it has at most, and ask for its pages there.
 */
#ifndef _UAPI_XENMM_SAMPLE_H
#define _UAPI_XENMM_SAMPLE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define XENMM_SAMPLE_PATH "/dev/xenmm_sample"
/* How many pages the driver has. Each begins with its number, as a __u64. */
#define XENMM_SAMPLE_PAGES 8192U

enum xenmm_sample_way {
	XENMM_SAMPLE_BY_XENMM = 0,  /* xenmm_map_pages(), xenmm_unmap_pages() */
	XENMM_SAMPLE_BY_KERNEL = 1, /* privcmd's loop, 16 a hypercall; zap_vma_ptes() */
};

/**
 * struct xenmm_sample_op - map or unmap the pages that belong to some addresses
 * @start: in: first address, in a mapping of this device
 * @results: in: user address of room for @count __s32; out: of each page 0 or a negative
 *	errno. Not of XENMM_SAMPLE_UNMAP
 * @count: in: pages, 1 to XENMM_SAMPLE_PAGES
 * @way: in: enum xenmm_sample_way
 * @bad_every: in: each page of this number, from 0 on, is one that Xen refuses: a page
 *	table, writable; 0: none
 * @mapped: out: how many were mapped
 */
struct xenmm_sample_op {
	__u64 start;
	__u64 results;
	__u32 count;
	__u32 way;
	__u32 bad_every;
	__s32 mapped;
};

/*
 *   EFAULT      bad pointer
 *   EINVAL      a field is wrong, or the addresses are not in one mapping of this device
 *   EOPNOTSUPP  no Xen PV guest: the kernel has no such loop there, and refuses nothing
 *   ENOMEM, EINTR
 */
#define XENMM_SAMPLE_MAP _IOWR(0xBC, 0x40, struct xenmm_sample_op)
#define XENMM_SAMPLE_UNMAP _IOWR(0xBC, 0x41, struct xenmm_sample_op)

#endif /* _UAPI_XENMM_SAMPLE_H */
