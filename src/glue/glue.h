/* SPDX-License-Identifier: GPL-2.0 */
/* What the glue's files share. No C++ header, no policy. */
#ifndef XENMM_GLUE_H
#define XENMM_GLUE_H

#include <linux/mm.h>
#include <linux/mutex.h>

#include "uapi/xenmm.h"
#include "xenmm/abi.h"

#define XENMM_VERSION "0.1.0"

/*
 * Every allocation is charged to the caller's memory cgroup. A limit answers ENOMEM
 * or SIGBUS: an arena is no reason to wake the OOM killer.
 */
#define XENMM_GFP (GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/*
 * An open file of /dev/xenmm.
 *
 * Lock order: mm->mmap_lock, then lock, then the page-table locks of L1 tables in
 * ascending order of address.
 */
struct xenmm_host {
	struct mutex lock;	   /* the core's arena, nr_vmas, mm */
	struct xenmm_arena *arena; /* set at open, never changed */
	struct file *file;	   /* whose VMAs are ours; no reference held */
	struct mm_struct *mm;	   /* set at the first mmap, grabbed, never changed */
	unsigned int nr_vmas;	   /* VMAs of the arena; at 0 its pages go */
	unsigned long vm_flags;	   /* of its mapping; protection is a function of them */
};

enum xenmm_guest_kind xenmm_guest_kind(void);

/* chardev.c */
int xenmm_chardev_register(void);
void xenmm_chardev_unregister(void);

/* arena_vm.c */
int xenmm_arena_mmap(struct file *file, struct vm_area_struct *vma);
unsigned long xenmm_arena_unmapped_area(struct file *file, unsigned long address,
					unsigned long length, unsigned long pgoff,
					unsigned long flags);
bool xenmm_is_arena_vma(const struct xenmm_host *host, const struct vm_area_struct *vma);
extern unsigned int xenmm_fault_window;

/* debugfs.c */
void xenmm_debugfs_create(void);
void xenmm_debugfs_remove(void);

/* stats.c */
void xenmm_stats_read(struct xenmm_counts *sum);
void xenmm_stats_reset(void);

#endif /* XENMM_GLUE_H */
