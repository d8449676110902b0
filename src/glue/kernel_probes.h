/* SPDX-License-Identifier: GPL-2.0 */
/* The probes on the kernel's tracepoints, as kernel.c switches them. */
#ifndef XENMM_KERNEL_PROBES_H
#define XENMM_KERNEL_PROBES_H

#include "xenmm/abi.h"

/*
 * Both are called one at a time, and may sleep. Attach: all or none; -ENOENT: this kernel has
 * not got one of the tracepoints. After detach no probe runs any more.
 */
int xenmm_probes_attach(void);
void xenmm_probes_detach(void);

/*
 * The estimate of trapping stores, the same way. -EOPNOTSUPP: this kernel has not got the function
 * tracer; -EINVAL: it has not got one of the functions. At exit, after detach.
 */
#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
int xenmm_traps_attach(void);
void xenmm_traps_detach(void);
void xenmm_traps_exit(void);
#else
static inline int xenmm_traps_attach(void)
{
	return -EOPNOTSUPP;
}

static inline void xenmm_traps_detach(void) {}
static inline void xenmm_traps_exit(void) {}
#endif

/* Called by the estimate on the CPU where it happens; any context. */
void xenmm_probes_count(enum xenmm_kernel_counter counter, unsigned long n);

/* Since load, of all CPUs; any context. */
void xenmm_probes_sum(struct xenmm_kernel_counts *sum);
void xenmm_kernel_counts_add(struct xenmm_kernel_counts *to, const struct xenmm_kernel_counts *from,
			     int sign);

#endif /* XENMM_KERNEL_PROBES_H */
