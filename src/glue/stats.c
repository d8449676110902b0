// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU counters. A reset moves a baseline instead of writing other CPUs'
 * counters, so no count is ever lost.
 */
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/timex.h>

#include "glue.h"

static DEFINE_PER_CPU(struct xenmm_counts, xenmm_cpu_counts);
static struct xenmm_counts xenmm_baseline;
static DEFINE_SPINLOCK(xenmm_baseline_lock); /* xenmm_baseline */

/* A struct of u64 counters, seen as an array. Of another CPU's it may be read meanwhile. */
static void xenmm_counts_add(struct xenmm_counts *to, const struct xenmm_counts *from, int sign)
{
	u64 *sum = (u64 *)to;
	const u64 *term = (const u64 *)from;
	size_t i;

	for (i = 0; i < sizeof(*to) / sizeof(u64); i++)
		WRITE_ONCE(sum[i], sum[i] + sign * READ_ONCE(term[i]));
}

void xenmm_k_count(const struct xenmm_counts *counts)
{
	xenmm_counts_add(get_cpu_ptr(&xenmm_cpu_counts), counts, 1);
	put_cpu_ptr(&xenmm_cpu_counts);
}

xenmm_u64 xenmm_k_cycles(void)
{
	return get_cycles();
}

static void xenmm_stats_sum(struct xenmm_counts *sum)
{
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu)
		xenmm_counts_add(sum, per_cpu_ptr(&xenmm_cpu_counts, cpu), 1);
}

void xenmm_stats_read(struct xenmm_counts *sum)
{
	spin_lock(&xenmm_baseline_lock);
	xenmm_stats_sum(sum);
	xenmm_counts_add(sum, &xenmm_baseline, -1);
	spin_unlock(&xenmm_baseline_lock);
}

void xenmm_stats_reset(void)
{
	spin_lock(&xenmm_baseline_lock);
	xenmm_stats_sum(&xenmm_baseline);
	spin_unlock(&xenmm_baseline_lock);
}
