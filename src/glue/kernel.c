// SPDX-License-Identifier: GPL-2.0
/*
 * Counting what the kernel itself does to page tables: off at load, switched by debugfs
 * `kernel` and by XENMM_IOC_KERNEL. While it is off no probe is attached.
 */
#include <linux/capability.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>

#include "glue.h"
#include "kernel_probes.h"

static DEFINE_MUTEX(xenmm_kernel_lock); /* all below */
static struct xenmm_kernel_counts xenmm_kernel_baseline;
static bool xenmm_kernel_is_on;
static bool xenmm_kernel_estimates; /* when it was on last */

static int xenmm_kernel_start(void)
{
	int error;

	if (xenmm_guest_kind() != XENMM_KIND_XEN_PV)
		return -EOPNOTSUPP;
	error = xenmm_probes_attach();
	if (!error)
		xenmm_kernel_estimates = !xenmm_traps_attach();
	return error;
}

static int xenmm_kernel_switch(bool on)
{
	int error = 0;

	if (on == xenmm_kernel_is_on)
		return 0;
	if (on) {
		error = xenmm_kernel_start();
	} else {
		xenmm_traps_detach();
		xenmm_probes_detach();
	}
	if (!error)
		xenmm_kernel_is_on = on;
	return error;
}

int xenmm_kernel_set(int counting, bool resets)
{
	int error = 0;

	mutex_lock(&xenmm_kernel_lock);
	if (counting != XENMM_KERNEL_LEAVE)
		error = xenmm_kernel_switch(counting == XENMM_KERNEL_ON);
	if (!error && resets)
		xenmm_probes_sum(&xenmm_kernel_baseline);
	mutex_unlock(&xenmm_kernel_lock);
	return error;
}

bool xenmm_kernel_read(struct xenmm_kernel_counts *counts, bool *estimates)
{
	bool is_on;

	mutex_lock(&xenmm_kernel_lock);
	is_on = xenmm_kernel_is_on;
	*estimates = xenmm_kernel_estimates;
	xenmm_probes_sum(counts);
	xenmm_kernel_counts_add(counts, &xenmm_kernel_baseline, -1);
	mutex_unlock(&xenmm_kernel_lock);
	xenmm_kernel_complete(counts);
	return is_on;
}

static bool xenmm_kernel_is_wrong(const struct xenmm_kernel *kernel)
{
	return kernel->counting > XENMM_KERNEL_LEAVE || kernel->flags & ~XENMM_KERNEL_RESET ||
	       kernel->reserved_word || memchr_inv(kernel->reserved, 0, sizeof(kernel->reserved));
}

static void xenmm_kernel_tell(struct xenmm_kernel *kernel)
{
	struct xenmm_kernel_counts counts;
	bool estimates;

#define XENMM_CHECK_ORDER(name)                                \
	static_assert(offsetof(struct xenmm_kernel, name) ==   \
		      offsetof(struct xenmm_kernel, batches) + \
			      sizeof(__u64) * XENMM_KERNEL_##name);
	XENMM_KERNEL_COUNTERS(XENMM_CHECK_ORDER)
#undef XENMM_CHECK_ORDER

	kernel->counting = xenmm_kernel_read(&counts, &estimates);
	kernel->estimating = estimates;
	memcpy((void *)kernel + offsetof(struct xenmm_kernel, batches), counts.counter,
	       sizeof(counts.counter));
}

long xenmm_ioctl_kernel(struct xenmm_kernel __user *argument)
{
	struct xenmm_kernel kernel;
	int error;

	if (copy_from_user(&kernel, argument, sizeof(kernel)))
		return -EFAULT;
	if (xenmm_kernel_is_wrong(&kernel))
		return -EINVAL;
	if (kernel.counting != XENMM_KERNEL_LEAVE || kernel.flags) {
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		error = xenmm_kernel_set(kernel.counting, kernel.flags & XENMM_KERNEL_RESET);
		if (error)
			return error;
	}
	xenmm_kernel_tell(&kernel);
	return copy_to_user(argument, &kernel, sizeof(kernel)) ? -EFAULT : 0;
}

void xenmm_kernel_exit(void)
{
	xenmm_kernel_set(XENMM_KERNEL_OFF, false);
	xenmm_traps_exit();
}
