// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/xenmm: an open file is an arena; ioctls are copied in, handed to the core
 * under the mmap lock and the arena lock, and copied out with no lock held,
 * because their arguments may lie in the arena.
 */
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <xen/xen.h>

#include "decode.h"
#include "glue.h"

static int xenmm_open(struct inode *inode, struct file *file)
{
	struct xenmm_host *host = kzalloc(sizeof(*host), GFP_KERNEL_ACCOUNT);
	int error;

	if (!host)
		return -ENOMEM;
	mutex_init(&host->lock);
	host->file = file;
	error = xenmm_arena_create(host, xenmm_guest_kind(), &host->arena);
	if (error) {
		kfree(host);
		return error;
	}
	file->private_data = host;
	return 0;
}

/* The last VMA, if there was one, is gone: it held the file. */
static int xenmm_release(struct inode *inode, struct file *file)
{
	struct xenmm_host *host = file->private_data;

	xenmm_arena_destroy(host->arena);
	if (host->notify)
		eventfd_ctx_put(host->notify);
	if (host->mm)
		mmdrop(host->mm);
	kfree(host);
	return 0;
}

static long xenmm_ioctl_info(void __user *argument)
{
	struct xenmm_info info = {
		.abi_version = XENMM_ABI_VERSION,
		.guest = xenmm_guest_kind(),
		.methods = xenmm_methods(xenmm_guest_kind()),
		.max_batch = XENMM_MAX_BATCH,
		.fault_window = READ_ONCE(xenmm_fault_window),
		.initial_domain = xen_initial_domain(),
		.features = XENMM_FEATURE_KERNEL | XENMM_FEATURE_TRACK | XENMM_FEATURE_FORK,
		.module_version = XENMM_VERSION,
	};

	return copy_to_user(argument, &info, sizeof(info)) ? -EFAULT : 0;
}

static long xenmm_ioctl_stats(void __user *argument)
{
	struct xenmm_counts counts;
	struct xenmm_stats stats = {};

#define XENMM_CHECK_ORDER(name) \
	static_assert(offsetof(struct xenmm_stats, name) == sizeof(__u64) * XENMM_COUNTER_##name);
	XENMM_COUNTERS(XENMM_CHECK_ORDER)
#undef XENMM_CHECK_ORDER

	xenmm_stats_read(&counts);
	memcpy(&stats, counts.counter, sizeof(counts.counter));
	return copy_to_user(argument, &stats, sizeof(stats)) ? -EFAULT : 0;
}

/* The pieces of most calls fit onto the stack. */
#define XENMM_FEW_PIECES 8

/* Into `few` where they fit, else into memory to be freed. An error pointer. */
static struct xenmm_piece *xenmm_copy_pieces(const struct xenmm_op *op, struct xenmm_piece *few)
{
	struct xenmm_piece *pieces = few;

	static_assert(sizeof(struct xenmm_piece) == sizeof(struct xenmm_range));
	static_assert(offsetof(struct xenmm_piece, length) == offsetof(struct xenmm_range, length));

	if (op->nr_ranges > XENMM_FEW_PIECES)
		pieces = kvmalloc_array(op->nr_ranges, sizeof(*pieces), XENMM_GFP);
	if (!pieces)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(pieces, u64_to_user_ptr(op->ranges), op->nr_ranges * sizeof(*pieces))) {
		if (pieces != few)
			kvfree(pieces);
		return ERR_PTR(-EFAULT);
	}
	return pieces;
}

/* The arena lock, and the mmap lock's hold noted; see xenmm_leave. */
static void xenmm_lock_arena(struct xenmm_host *host, enum xenmm_hold hold)
{
	mutex_lock(&host->lock);
	host->hold = hold;
	if (hold == XENMM_HOLD_WRITE)
		xenmm_lock_vmas(host);
}

static int xenmm_take_locks(struct xenmm_host *host, enum xenmm_hold hold)
{
	int error = hold == XENMM_HOLD_WRITE ? mmap_write_lock_killable(current->mm)
					     : mmap_read_lock_killable(current->mm);

	if (error)
		return -EINTR;
	xenmm_lock_arena(host, hold);
	return 0;
}

void xenmm_leave(struct xenmm_host *host)
{
	const enum xenmm_hold hold = host->hold;

	host->hold = XENMM_NO_HOLD;
	mutex_unlock(&host->lock);
	if (hold == XENMM_HOLD_WRITE)
		mmap_write_unlock(current->mm);
	else
		mmap_read_unlock(current->mm);
}

/* Not killable: the caller will release what it believes to hold. */
static void xenmm_yield_locks(struct xenmm_host *host)
{
	const enum xenmm_hold hold = host->hold;

	xenmm_leave(host);
	cond_resched();
	if (hold == XENMM_HOLD_WRITE)
		mmap_write_lock(current->mm);
	else
		mmap_read_lock(current->mm);
	xenmm_lock_arena(host, hold);
}

int xenmm_k_breathe(struct xenmm_host *host, int yields)
{
	const unsigned int nr_closed = host->nr_closed;

	if (yields && host->hold && mmap_lock_is_contended(current->mm))
		xenmm_yield_locks(host);
	else
		cond_resched();
	if (host->nr_closed != nr_closed)
		return -EINVAL;
	return fatal_signal_pending(current) ? -EINTR : 0;
}

int xenmm_enter(struct xenmm_host *host, enum xenmm_hold hold)
{
	int error = xenmm_take_locks(host, hold);

	if (error)
		return error;
	if (!host->area.nr_vmas)
		error = -EINVAL;
	else if (host->mm != current->mm)
		error = -EPERM;
	if (error)
		xenmm_leave(host);
	return error;
}

static int xenmm_run_locked(struct xenmm_host *host, struct xenmm_request *request,
			    const struct xenmm_piece *pieces)
{
	int error = xenmm_enter(host, request->exclusive ? XENMM_HOLD_WRITE : XENMM_HOLD_READ);

	if (error)
		return error;
	error = xenmm_arena_run(host->arena, request, pieces);
	xenmm_leave(host);
	return error;
}

static int xenmm_run(struct xenmm_host *host, struct xenmm_request *request,
		     const struct xenmm_op *op)
{
	struct xenmm_piece few[XENMM_FEW_PIECES];
	struct xenmm_piece *pieces = xenmm_copy_pieces(op, few);
	int error;

	if (IS_ERR(pieces))
		return PTR_ERR(pieces);
	request->exclusive = xenmm_request_is_exclusive(request, pieces, xenmm_guest_kind());
	error = xenmm_run_locked(host, request, pieces);
	if (pieces != few)
		kvfree(pieces);
	return error;
}

static int xenmm_copy_out(struct xenmm_op __user *argument, struct xenmm_op *op,
			  const struct xenmm_request *request)
{
	xenmm_encode(op, request);
	return copy_to_user(argument, op, sizeof(*op)) ? -EFAULT : 0;
}

static long xenmm_ioctl_op(struct xenmm_host *host, enum xenmm_action action,
			   struct xenmm_op __user *argument)
{
	struct xenmm_op op;
	struct xenmm_request request;
	int error;

	if (copy_from_user(&op, argument, sizeof(op)))
		return -EFAULT;
	request = xenmm_decode(action, &op);
	error = xenmm_request_check(&request, xenmm_guest_kind());
	if (error)
		return error;
	/* Whether the outcome can be told is found out before anything is done. */
	error = xenmm_copy_out(argument, &op, &request);
	if (error)
		return error;
	/* cppcheck-suppress unreadVariable // it does not know ?: */
	error = xenmm_run(host, &request, &op);
	return xenmm_copy_out(argument, &op, &request) ?: error;
}

static long xenmm_ioctl(struct file *file, unsigned int command, unsigned long value)
{
	struct xenmm_host *host = file->private_data;
	void __user *argument = (void __user *)value;

	switch (command) {
	case XENMM_IOC_INFO:
		return xenmm_ioctl_info(argument);
	case XENMM_IOC_STATS:
		return xenmm_ioctl_stats(argument);
	case XENMM_IOC_KERNEL:
		return xenmm_ioctl_kernel(argument);
	case XENMM_IOC_POPULATE:
		return xenmm_ioctl_op(host, XENMM_POPULATE, argument);
	case XENMM_IOC_DISCARD:
		return xenmm_ioctl_op(host, XENMM_DISCARD, argument);
	case XENMM_IOC_PROTECT:
		return xenmm_ioctl_op(host, XENMM_PROTECT, argument);
	case XENMM_IOC_MAP:
		return xenmm_ioctl_op(host, XENMM_MAP, argument);
	case XENMM_IOC_UNMAP:
		return xenmm_ioctl_op(host, XENMM_UNMAP, argument);
	case XENMM_IOC_TRACK:
		return xenmm_ioctl_op(host, XENMM_TRACK, argument);
	case XENMM_IOC_UNTRACK:
		return xenmm_ioctl_op(host, XENMM_UNTRACK, argument);
	case XENMM_IOC_COLLECT:
		return xenmm_ioctl_collect(host, argument);
	case XENMM_IOC_FORK:
		return xenmm_ioctl_fork(host, argument);
	case XENMM_IOC_NOTIFY:
		return xenmm_ioctl_notify(host, argument);
	}
	return -ENOTTY;
}

static const struct file_operations xenmm_fops = {
	.owner = THIS_MODULE,
	.open = xenmm_open,
	.release = xenmm_release,
	.unlocked_ioctl = xenmm_ioctl,
	.mmap = xenmm_arena_mmap,
	.get_unmapped_area = xenmm_arena_unmapped_area,
	.llseek = noop_llseek,
};

static struct miscdevice xenmm_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "xenmm",
	.mode = 0600,
	.fops = &xenmm_fops,
};

int xenmm_chardev_register(void)
{
	return misc_register(&xenmm_device);
}

void xenmm_chardev_unregister(void)
{
	misc_deregister(&xenmm_device);
}
