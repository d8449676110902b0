// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel's own tracepoints xen_mc_* and xen_mmu_* tell: one probe each, which counts
 * on this CPU and does nothing else, as it runs within the work that it counts. They run with
 * preemption off; those of the queue with interrupts off, too.
 */
#include <linux/percpu.h>
#include <linux/tracepoint.h>
#include <trace/events/xen.h>
#include <xen/interface/xen.h>

#include "compat.h"
#include "kernel_probes.h"

/* Of this CPU: its counts, and what has come into the queue since that was sent. */
struct xenmm_kernel_cpu {
	struct xenmm_kernel_counts counts;
	u32 nr_update_calls;
	u32 other_bytes; /* of arguments that are not mmu_update's */
	u32 entry_bytes; /* of arguments of the call that comes next */
};

static DEFINE_PER_CPU(struct xenmm_kernel_cpu, xenmm_kernel_cpu);

#define xenmm_kernel_inc(name) this_cpu_inc(xenmm_kernel_cpu.counts.counter[XENMM_KERNEL_##name])

/*
 * A queued entry is not counted one by one, which would be a probe more for each: the queue's
 * arguments are sent with it, and all those of mmu_update calls are entries.
 */
static void probe_flush(void *unused, unsigned int calls, unsigned int argument_bytes,
			unsigned int callbacks)
{
	struct xenmm_kernel_cpu *cpu = this_cpu_ptr(&xenmm_kernel_cpu);
	xenmm_u64 *counter = cpu->counts.counter;
	u32 updates = 0;

	if (!calls)
		return;
	counter[XENMM_KERNEL_batches]++;
	if (cpu->nr_update_calls)
		updates = (argument_bytes - cpu->other_bytes) / sizeof(struct mmu_update);
	if (updates) {
		counter[XENMM_KERNEL_mmu_updates] += updates;
		counter[XENMM_KERNEL_batch_1 + min_t(u32, order_base_2(updates), 5)]++;
	}
	cpu->nr_update_calls = 0;
	cpu->other_bytes = 0;
}

/* Room for a call's arguments is asked for. If there is none the queue is sent first. */
static void probe_entry_alloc(void *unused, size_t bytes)
{
	this_cpu_write(xenmm_kernel_cpu.entry_bytes, bytes);
}

/* The call is in the queue. Its arguments begin at a multiple of 8. */
static void probe_entry(void *unused, struct multicall_entry *call, unsigned int nr_arguments)
{
	struct xenmm_kernel_cpu *cpu = this_cpu_ptr(&xenmm_kernel_cpu);
	xenmm_u64 *counter = cpu->counts.counter;

	if (call->op == __HYPERVISOR_mmu_update) {
		counter[XENMM_KERNEL_mmu_update_calls]++;
		cpu->nr_update_calls++;
		return;
	}
	cpu->other_bytes += round_up(cpu->entry_bytes, sizeof(u64));
	if (call->op == __HYPERVISOR_mmuext_op)
		counter[XENMM_KERNEL_mmuext_calls]++;
	else if (call->op == __HYPERVISOR_update_va_mapping)
		counter[XENMM_KERNEL_va_mapping_calls]++;
	else
		counter[XENMM_KERNEL_other_calls]++;
}

static void probe_flush_reason(void *unused, enum xen_mc_flush_reason reason)
{
	switch (reason) {
	case XEN_MC_FL_BATCH:
		xenmm_kernel_inc(flush_full);
		break;
	case XEN_MC_FL_ARGS:
		xenmm_kernel_inc(flush_arguments);
		break;
	case XEN_MC_FL_CALLBACK:
		xenmm_kernel_inc(flush_callback);
		break;
	case XEN_MC_FL_NONE:
		break;
	}
}

/* Entries of upper tables go into the queue if Xen has validated the table, else are stored. */
static void xenmm_count_upper(void *entry, u32 nr_entries)
{
	if (PagePinned(virt_to_page(entry)))
		this_cpu_add(xenmm_kernel_cpu.counts.upper_queued, nr_entries);
}

static void probe_set_pmd(void *unused, pmd_t *entry, pmd_t value)
{
	xenmm_kernel_inc(set_pmd);
	xenmm_count_upper(entry, 1);
}

static void probe_set_pud(void *unused, pud_t *entry, pud_t value)
{
	xenmm_kernel_inc(set_pud);
	xenmm_count_upper(entry, 1);
}

/* The half of the address space that user mode sees has an L4 table of its own. */
static void probe_set_p4d(void *unused, p4d_t *entry, p4d_t *user_entry, p4d_t value)
{
	xenmm_kernel_inc(set_p4d);
	xenmm_count_upper(entry, user_entry ? 2 : 1);
}

#define XENMM_PROBE(name, ...)                              \
	static void probe_##name(void *unused, __VA_ARGS__) \
	{                                                   \
		xenmm_kernel_inc(name);                     \
	}

XENMM_PROBE(set_pte, pte_t *entry, pte_t value)
XENMM_PROBE(modify_prot, struct mm_struct *mm, unsigned long address, pte_t *entry, pte_t value)
XENMM_PROBE(pgd_pin, struct mm_struct *mm, pgd_t *pgd)
XENMM_PROBE(pgd_unpin, struct mm_struct *mm, pgd_t *pgd)
XENMM_PROBE(table_alloc, struct mm_struct *mm, unsigned long pfn, unsigned int level, bool pinned)
XENMM_PROBE(table_release, unsigned long pfn, unsigned int level, bool pinned)
XENMM_PROBE(tlb_flush_one, unsigned long address)
XENMM_PROBE(tlb_flush_multi, const struct cpumask *cpus, struct mm_struct *mm, unsigned long start,
	    unsigned long end)
XENMM_PROBE(write_cr3, bool kernel, unsigned long cr3)

/* Tracepoints are found by name: none of them is exported. */
struct xenmm_probe {
	const char *name;
	void *function;
	struct tracepoint *tracepoint; /* set while it is being counted */
};

static struct xenmm_probe xenmm_probes[] = {
	{"xen_mc_flush", probe_flush},
	{"xen_mc_entry", probe_entry},
	{"xen_mc_entry_alloc", probe_entry_alloc},
	{"xen_mc_flush_reason", probe_flush_reason},
	{"xen_mmu_set_pte", probe_set_pte},
	{"xen_mmu_set_pmd", probe_set_pmd},
	{"xen_mmu_set_pud", probe_set_pud},
	{"xen_mmu_set_p4d", probe_set_p4d},
	{"xen_mmu_ptep_modify_prot_commit", probe_modify_prot},
	{"xen_mmu_pgd_pin", probe_pgd_pin},
	{"xen_mmu_pgd_unpin", probe_pgd_unpin},
	{"xen_mmu_alloc_ptpage", probe_table_alloc},
	{"xen_mmu_release_ptpage", probe_table_release},
	{"xen_mmu_flush_tlb_one_user", probe_tlb_flush_one},
	{"xen_mmu_flush_tlb_multi", probe_tlb_flush_multi},
	{"xen_mmu_write_cr3", probe_write_cr3},
};

static void xenmm_probe_find(struct tracepoint *tracepoint, void *data)
{
	struct xenmm_probe *probe = data;

	if (!strcmp(tracepoint->name, probe->name))
		probe->tracepoint = tracepoint;
}

static int xenmm_probe_attach(struct xenmm_probe *probe)
{
	int error;

	for_each_kernel_tracepoint(xenmm_probe_find, probe);
	if (!probe->tracepoint)
		return -ENOENT;
	error = tracepoint_probe_register(probe->tracepoint, probe->function, NULL);
	if (error)
		probe->tracepoint = NULL;
	return error;
}

void xenmm_probes_detach(void)
{
	struct xenmm_probe *probe;

	for (probe = xenmm_probes; probe < xenmm_probes + ARRAY_SIZE(xenmm_probes); probe++) {
		if (!probe->tracepoint)
			continue;
		tracepoint_probe_unregister(probe->tracepoint, probe->function, NULL);
		probe->tracepoint = NULL;
	}
	tracepoint_synchronize_unregister();
}

/* What was in the queues when counting last ended. */
static void xenmm_queues_forget(void)
{
	struct xenmm_kernel_cpu *one;
	int cpu;

	for_each_possible_cpu(cpu) {
		one = per_cpu_ptr(&xenmm_kernel_cpu, cpu);
		one->nr_update_calls = 0;
		one->other_bytes = 0;
	}
}

int xenmm_probes_attach(void)
{
	size_t i;
	int error;

	xenmm_queues_forget();
	for (i = 0; i < ARRAY_SIZE(xenmm_probes); i++) {
		error = xenmm_probe_attach(&xenmm_probes[i]);
		if (error) {
			xenmm_probes_detach();
			return error;
		}
	}
	return 0;
}

/* A struct of u64 counters, seen as an array. Of another CPU's it may be read meanwhile. */
void xenmm_kernel_counts_add(struct xenmm_kernel_counts *to, const struct xenmm_kernel_counts *from,
			     int sign)
{
	u64 *sum = (u64 *)to;
	const u64 *term = (const u64 *)from;
	size_t i;

	for (i = 0; i < sizeof(*to) / sizeof(u64); i++)
		sum[i] += sign * READ_ONCE(term[i]);
}

void xenmm_probes_count(enum xenmm_kernel_counter counter, unsigned long n)
{
	this_cpu_add(xenmm_kernel_cpu.counts.counter[counter], n);
}

void xenmm_probes_sum(struct xenmm_kernel_counts *sum)
{
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu)
		xenmm_kernel_counts_add(sum, &per_cpu(xenmm_kernel_cpu, cpu).counts, 1);
}
