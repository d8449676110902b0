// SPDX-License-Identifier: GPL-2.0
/*
 * For how long preemption is off: a section reaches from before the first page-table lock
 * that is taken to behind the last one given back, with waiting for the lock and what Xen
 * does in it. Sections do not sleep, and interrupts take none of these locks, so a CPU is
 * in one at a time.
 */
#include <linux/log2.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/timex.h>

#include "glue.h"

/* Bucket i counts sections of more than half of 2^(i + first) cycles up to all of it. */
#define XENMM_FIRST_SECTION 10
#define XENMM_NR_SECTIONS 20

struct xenmm_sections {
	u64 count[XENMM_NR_SECTIONS];
	u64 longest;
	cycles_t begin;
	unsigned int depth;
};

static DEFINE_PER_CPU(struct xenmm_sections, xenmm_sections);
static u64 xenmm_sections_baseline[XENMM_NR_SECTIONS];
static DEFINE_SPINLOCK(xenmm_sections_lock); /* xenmm_sections_baseline */

void xenmm_section_begin(void)
{
	struct xenmm_sections *sections;

	preempt_disable();
	sections = this_cpu_ptr(&xenmm_sections);
	if (!sections->depth++)
		sections->begin = get_cycles();
}

static unsigned int xenmm_section_bucket(u64 cycles)
{
	const unsigned int bits = cycles > 1 ? ilog2(cycles - 1) + 1 : 0;

	return clamp(bits, (unsigned int)XENMM_FIRST_SECTION,
		     (unsigned int)XENMM_FIRST_SECTION + XENMM_NR_SECTIONS - 1) -
	       XENMM_FIRST_SECTION;
}

void xenmm_section_end(void)
{
	struct xenmm_sections *sections = this_cpu_ptr(&xenmm_sections);
	u64 cycles;

	if (!--sections->depth) {
		cycles = get_cycles() - sections->begin;
		sections->count[xenmm_section_bucket(cycles)]++;
		if (cycles > READ_ONCE(sections->longest))
			WRITE_ONCE(sections->longest, cycles);
	}
	preempt_enable();
}

/* Counts of other CPUs may grow meanwhile. */
static void xenmm_sections_sum(u64 *sum, u64 *longest)
{
	int cpu, i;

	memset(sum, 0, sizeof(*sum) * XENMM_NR_SECTIONS);
	*longest = 0;
	for_each_possible_cpu(cpu) {
		const struct xenmm_sections *sections = per_cpu_ptr(&xenmm_sections, cpu);

		for (i = 0; i < XENMM_NR_SECTIONS; i++)
			sum[i] += READ_ONCE(sections->count[i]);
		*longest = max(*longest, READ_ONCE(sections->longest));
	}
}

void xenmm_sections_show(struct seq_file *file)
{
	u64 sum[XENMM_NR_SECTIONS], longest;
	int i;

	spin_lock(&xenmm_sections_lock);
	xenmm_sections_sum(sum, &longest);
	for (i = 0; i < XENMM_NR_SECTIONS; i++)
		sum[i] -= xenmm_sections_baseline[i];
	spin_unlock(&xenmm_sections_lock);
	seq_printf(file, "longest %llu\n", longest);
	for (i = 0; i < XENMM_NR_SECTIONS; i++)
		seq_printf(file, "%lu %llu\n", 1UL << (i + XENMM_FIRST_SECTION), sum[i]);
}

/* A section that ends at this moment may still leave its length behind. */
void xenmm_sections_reset(void)
{
	u64 longest;
	int cpu;

	spin_lock(&xenmm_sections_lock);
	xenmm_sections_sum(xenmm_sections_baseline, &longest);
	for_each_possible_cpu(cpu)
		WRITE_ONCE(per_cpu_ptr(&xenmm_sections, cpu)->longest, 0);
	spin_unlock(&xenmm_sections_lock);
}
