/* SPDX-License-Identifier: GPL-2.0 */
/* What the glue's files share. No C++ header, no policy. */
#ifndef XENMM_GLUE_H
#define XENMM_GLUE_H

#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>

#include "uapi/xenmm.h"
#include "xenmm/abi.h"

struct eventfd_ctx;
struct seq_file;

#define XENMM_VERSION "0.1.0"

/*
 * Every allocation is charged to the caller's memory cgroup. A limit answers ENOMEM
 * or SIGBUS: an arena is no reason to wake the OOM killer.
 */
#define XENMM_GFP (GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/*
 * A lock that the core holds between two calls: sparse counts a function at a time, and is
 * told here that it went out, and where it comes back.
 */
#define xenmm_hand_out(lock) __release(lock)
#define xenmm_hand_back(lock) __acquire(lock)

/* The mapping of an arena. Partial munmap leaves several VMAs of it. */
struct xenmm_area {
	unsigned long start; /* where it was mapped; both 0 when it is not */
	unsigned long end;
	unsigned int nr_vmas;
	struct mmu_interval_notifier notifier; /* teardown.c; set while is_watched */
	bool is_watched;
};

/* How the ioctl under way holds the mmap lock; a fault or munmap has its own hold. */
enum xenmm_hold { XENMM_NO_HOLD, XENMM_HOLD_READ, XENMM_HOLD_WRITE };

/*
 * An open file of /dev/xenmm.
 *
 * Lock order: mm->mmap_lock, then lock, then the page-table locks of L1 tables in
 * ascending order of address; or the lock of an L2 table instead of those.
 */
struct xenmm_host {
	struct mutex lock;	   /* the core's arena, and all that changes below */
	struct xenmm_arena *arena; /* set at open, never changed */
	struct file *file;	   /* whose VMAs are ours; no reference held */
	struct mm_struct *mm;	   /* set at the first mmap, grabbed, never changed */
	struct xenmm_area area;	   /* when it has no VMA left, the pages go */
	unsigned long vm_flags;	   /* of its mapping; protection is a function of them */
	unsigned int nr_closed;	   /* VMAs closed in an area so far: has one gone meanwhile? */
	enum xenmm_hold hold;
	struct eventfd_ctx *notify; /* told of first writes to tracked pages; may be NULL */
	/* Tables of other memory are at work (fork.c, driver.c): of which? NULL: the arena's. */
	bool (*takes)(struct vm_area_struct *vma);
	bool is_leaving; /* munmap is at work: VMAs cannot be looked up */
};

enum xenmm_guest_kind xenmm_guest_kind(void);

/*
 * chardev.c. Enter: the mmap lock and the arena lock, for the process that mapped the arena:
 * -EINTR, -EINVAL nothing is mapped, -EPERM another process; then no lock is held.
 */
int xenmm_enter(struct xenmm_host *host, enum xenmm_hold hold);
void xenmm_leave(struct xenmm_host *host);
int xenmm_chardev_register(void);
void xenmm_chardev_unregister(void);

/* arena_vm.c */
int xenmm_arena_mmap(struct file *file, struct vm_area_struct *vma);
unsigned long xenmm_arena_unmapped_area(struct file *file, unsigned long address,
					unsigned long length, unsigned long pgoff,
					unsigned long flags);
void xenmm_lock_vmas(struct xenmm_host *host);
struct vm_area_struct *xenmm_find_vma(struct xenmm_host *host, unsigned long address);
extern unsigned int xenmm_fault_window;

/* track.c; may sleep */
long xenmm_ioctl_collect(struct xenmm_host *host, struct xenmm_collect __user *argument);
long xenmm_ioctl_notify(struct xenmm_host *host, const __s32 __user *argument);

/* fork.c; the ioctl may sleep */
long xenmm_ioctl_fork(struct xenmm_host *host, struct xenmm_fork __user *argument);

/* twin.c */
void xenmm_twin_exit(void);

/* teardown.c */
int xenmm_watch(struct xenmm_host *host);
void xenmm_unwatch(struct xenmm_host *host);

/* cost.c */
int xenmm_cost_write(char *text);
bool xenmm_cost_is_written(void);

/* pagetable.c */
pmd_t *xenmm_walk_to_pmd(struct mm_struct *mm, unsigned long address);
bool xenmm_is_table(pmd_t pmd);

/* preemption.c; process context, calls nest. Between the two nothing may sleep. */
void xenmm_section_begin(void);
void xenmm_section_end(void);
void xenmm_sections_show(struct seq_file *file);
void xenmm_sections_reset(void);

/* debugfs.c */
void xenmm_debugfs_create(void);
void xenmm_debugfs_remove(void);

/* stats.c */
void xenmm_stats_read(struct xenmm_counts *sum);
void xenmm_stats_reset(void);

/* kernel.c; all may sleep. Read: is it counting, and are the traps estimated? */
int xenmm_kernel_set(int counting, bool resets);
bool xenmm_kernel_read(struct xenmm_kernel_counts *counts, bool *estimates);
long xenmm_ioctl_kernel(struct xenmm_kernel __user *argument);
void xenmm_kernel_exit(void);

#endif /* XENMM_GLUE_H */
