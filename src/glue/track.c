// SPDX-License-Identifier: GPL-2.0
/* Write tracking: the written pages are told, and who wants to know of a write is. */
#include <linux/eventfd.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "glue.h"

static bool xenmm_is_collect_valid(const struct xenmm_collect *collect)
{
	return collect->max_ranges && collect->max_ranges <= XENMM_MAX_COLLECT && !collect->flags &&
	       !collect->reserved[0] && !collect->reserved[1];
}

/* What is found under one hold of the locks; kernel memory does not grow with the question. */
#define XENMM_CHUNK 256

static int xenmm_collect_locked(struct xenmm_host *host, struct xenmm_harvest *harvest)
{
	int error = xenmm_enter(host, XENMM_HOLD_READ);

	if (error)
		return error;
	error = xenmm_arena_collect(host->arena, harvest);
	xenmm_leave(host);
	return error;
}

static void xenmm_uncollect(struct xenmm_host *host, const struct xenmm_harvest *harvest)
{
	mutex_lock(&host->lock);
	if (host->area.nr_vmas)
		xenmm_arena_uncollect(host->arena, harvest);
	mutex_unlock(&host->lock);
}

/* The ranges, behind those of chunks before; then how many there are. -EFAULT: nothing is told. */
static int xenmm_tell(struct xenmm_collect __user *argument, struct xenmm_collect *collect,
		      const struct xenmm_harvest *harvest)
{
	struct xenmm_range __user *ranges = u64_to_user_ptr(collect->ranges);
	struct xenmm_collect told = *collect;

	static_assert(sizeof(struct xenmm_piece) == sizeof(struct xenmm_range));

	if (copy_to_user(ranges + collect->nr_ranges, harvest->found,
			 harvest->nr_found * sizeof(*harvest->found)))
		return -EFAULT;
	told.nr_ranges += harvest->nr_found;
	told.pages += harvest->pages;
	told.resume = harvest->resume;
	told.hypervisor_error = harvest->hypervisor_error;
	if (copy_to_user(argument, &told, sizeof(told)))
		return -EFAULT;
	*collect = told;
	return 0;
}

/* What could not be told stays written. */
static int xenmm_collect_chunk(struct xenmm_host *host, struct xenmm_harvest *harvest,
			       struct xenmm_collect *collect, struct xenmm_collect __user *argument)
{
	int error;

	harvest->range.start = collect->resume;
	harvest->range.length = collect->start + collect->length - collect->resume;
	harvest->max_found = min_t(u32, collect->max_ranges - collect->nr_ranges, XENMM_CHUNK);
	error = xenmm_collect_locked(host, harvest);
	if (error && error != -EIO)
		return error;
	if (!xenmm_tell(argument, collect, harvest))
		return error;
	xenmm_uncollect(host, harvest);
	return -EFAULT;
}

/* Once something was told it is no failure to have stopped; the next call says why. */
static int xenmm_collect_chunks(struct xenmm_host *host, struct xenmm_harvest *harvest,
				struct xenmm_collect *collect,
				struct xenmm_collect __user *argument)
{
	const u64 end = collect->start + collect->length;
	int error;

	collect->nr_ranges = 0;
	collect->pages = 0;
	collect->resume = collect->start;
	do {
		error = xenmm_collect_chunk(host, harvest, collect, argument);
		if (error)
			return error == -EIO || collect->resume == collect->start ? error : 0;
	} while (collect->resume < end && collect->nr_ranges < collect->max_ranges);
	return 0;
}

long xenmm_ioctl_collect(struct xenmm_host *host, struct xenmm_collect __user *argument)
{
	struct xenmm_harvest harvest = {};
	struct xenmm_collect collect;
	int error;

	if (copy_from_user(&collect, argument, sizeof(collect)))
		return -EFAULT;
	if (!xenmm_is_collect_valid(&collect))
		return -EINVAL;
	harvest.found = kmalloc_array(XENMM_CHUNK, sizeof(*harvest.found), XENMM_GFP);
	if (!harvest.found)
		return -ENOMEM;
	error = xenmm_collect_chunks(host, &harvest, &collect, argument);
	kfree(harvest.found);
	return error;
}

/* NULL: nobody wants to know. An error pointer. */
static struct eventfd_ctx *xenmm_eventfd(int fd)
{
	return fd == -1 ? NULL : eventfd_ctx_fdget(fd);
}

long xenmm_ioctl_notify(struct xenmm_host *host, const __s32 __user *argument)
{
	struct eventfd_ctx *notify;
	__s32 fd;
	int error;

	if (get_user(fd, argument))
		return -EFAULT;
	notify = xenmm_eventfd(fd);
	if (IS_ERR(notify))
		return PTR_ERR(notify);
	error = xenmm_enter(host, XENMM_HOLD_READ);
	if (!error) {
		swap(host->notify, notify);
		xenmm_leave(host);
	}
	if (notify)
		eventfd_ctx_put(notify);
	return error;
}

void xenmm_k_write_noted(struct xenmm_host *host)
{
	if (host->notify)
		xenmm_compat_eventfd_signal(host->notify);
}
