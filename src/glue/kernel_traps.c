// SPDX-License-Identifier: GPL-2.0
/*
 * Stores to entries of validated tables, which Xen traps: the kernel makes them by atomic
 * instructions that no tracepoint shows. They are estimated at the entry of the functions that
 * make them, by the function tracer, which costs nothing while it is off. What a function
 * would do must be told beforehand, and not all that stores has a function to watch: these are
 * estimates.
 */
#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/pagewalk.h>
#include <linux/percpu.h>
#include <linux/pgtable.h>

#include "compat.h"
#include "glue.h"
#include "kernel_probes.h"

/* A walk runs in the function that it watches and cannot sleep: larger areas are sampled. */
#define XENMM_SAMPLED_TABLES 32

/* Xen has validated the tables of this address space: not of a new one, nor of one that ends. */
static bool xenmm_is_pinned(const struct mm_struct *mm)
{
	return PagePinned(virt_to_page(mm->pgd));
}

/* A choice of entries. */
typedef bool xenmm_entry_test(pte_t entry);

static bool xenmm_is_writable(pte_t entry)
{
	return pte_present(entry) && pte_write(entry);
}

static bool xenmm_is_there(pte_t entry)
{
	return !pte_none(entry);
}

static bool xenmm_is_used(pte_t entry)
{
	return pte_present(entry) && (pte_young(entry) || pte_dirty(entry));
}

static bool xenmm_is_young(pte_t entry)
{
	return pte_present(entry) && pte_young(entry);
}

static bool xenmm_is_zero_page(pte_t entry)
{
	return pte_present(entry) && is_zero_pfn(pte_pfn(entry));
}

static unsigned long xenmm_count_in_table(struct mm_struct *mm, unsigned long from,
					  unsigned long to, xenmm_entry_test *test)
{
	pmd_t *pmd = xenmm_walk_to_pmd(mm, from);
	unsigned long found = 0;
	pte_t *entry;

	if (!pmd || !xenmm_is_table(READ_ONCE(*pmd)))
		return 0;
	for (entry = pte_offset_kernel(pmd, from); from < to; entry++, from += PAGE_SIZE)
		found += test(READ_ONCE(*entry));
	return found;
}

/* Of areas whose tables stay: who calls the watched function holds a lock that keeps them. */
static unsigned long xenmm_count_entries(struct mm_struct *mm, unsigned long from, unsigned long to,
					 xenmm_entry_test *test)
{
	unsigned long nr_tables = DIV_ROUND_UP(to - (from & PMD_MASK), PMD_SIZE);
	unsigned long stride = DIV_ROUND_UP(nr_tables, XENMM_SAMPLED_TABLES);
	unsigned long found = 0;

	while (from < to) {
		found += xenmm_count_in_table(mm, from, pmd_addr_end(from, to), test);
		from = (from & PMD_MASK) + stride * PMD_SIZE;
	}
	return found * stride;
}

#define XENMM_WATCH(name)                                                   \
	static void watch_##name(unsigned long ip, unsigned long parent_ip, \
				 struct ftrace_ops *ops, struct ftrace_regs *regs)

#define XENMM_ARGUMENT(regs, n) ((void *)xenmm_compat_argument(regs, n))

/* copy_page_range(to, from): fork makes the entries of an area read-only, and copies them. */
XENMM_WATCH(copy)
{
	struct vm_area_struct *from = XENMM_ARGUMENT(regs, 1);

	if (from->anon_vma && is_cow_mapping(from->vm_flags) && xenmm_is_pinned(from->vm_mm))
		xenmm_probes_count(XENMM_KERNEL_traps_fork,
				   xenmm_count_entries(from->vm_mm, from->vm_start, from->vm_end,
						       xenmm_is_writable));
}

/* move_page_tables(vma, from, new_vma, to, length, ...); L2 entries move where they can. */
XENMM_WATCH(move)
{
	struct vm_area_struct *vma = XENMM_ARGUMENT(regs, 0);
	unsigned long from = xenmm_compat_argument(regs, 1);
	unsigned long to = xenmm_compat_argument(regs, 3);
	unsigned long length = xenmm_compat_argument(regs, 4);

	if (((from ^ to) & ~PMD_MASK) && xenmm_is_pinned(vma->vm_mm))
		xenmm_probes_count(
			XENMM_KERNEL_traps_move,
			xenmm_count_entries(vma->vm_mm, from, from + length, xenmm_is_there));
}

/*
 * The page whose entry has just been cleared to put another one in, until that is seen to be
 * removed, too: it is one trap. Both are under the table's lock, and so on one CPU.
 */
static DEFINE_PER_CPU(unsigned long, xenmm_replaced_pfn);

/* ptep_clear_flush(vma, address, entry): copy on write and reclaim take one page out. */
XENMM_WATCH(replaced)
{
	struct vm_area_struct *vma = XENMM_ARGUMENT(regs, 0);
	pte_t *entry = XENMM_ARGUMENT(regs, 2);

	if (!xenmm_is_pinned(vma->vm_mm))
		return;
	xenmm_probes_count(XENMM_KERNEL_traps_copy, 1);
	this_cpu_write(xenmm_replaced_pfn, pte_pfn(READ_ONCE(*entry)));
}

/* A page no longer is mapped there: its entry has just been cleared. */
XENMM_WATCH(removed)
{
	struct page *page = XENMM_ARGUMENT(regs, XENMM_COMPAT_REMOVED_PAGE);
	struct vm_area_struct *vma = XENMM_ARGUMENT(regs, XENMM_COMPAT_REMOVED_VMA);

	if (!xenmm_is_pinned(vma->vm_mm))
		return;
	if (page_to_pfn(page) != this_cpu_xchg(xenmm_replaced_pfn, 0))
		xenmm_probes_count(XENMM_KERNEL_traps_unmap, xenmm_compat_nr_removed(regs));
}

/*
 * unmap_page_range(tlb, vma, from, to, ...): munmap and its like. Nobody is told that the zero
 * page no longer is mapped.
 */
XENMM_WATCH(unmap)
{
	struct vm_area_struct *vma = XENMM_ARGUMENT(regs, 1);
	unsigned long from = xenmm_compat_argument(regs, 2);
	unsigned long to = xenmm_compat_argument(regs, 3);

	if (vma_is_anonymous(vma) && xenmm_is_pinned(vma->vm_mm))
		xenmm_probes_count(XENMM_KERNEL_traps_unmap,
				   xenmm_count_entries(vma->vm_mm, from, to, xenmm_is_zero_page));
}

/* A walk of madvise comes to a table: (pmd, from, to, walk). */
static void xenmm_count_advice(struct ftrace_regs *regs, xenmm_entry_test *test)
{
	struct mm_walk *walk = XENMM_ARGUMENT(regs, 3);
	unsigned long from = xenmm_compat_argument(regs, 1);
	unsigned long to = xenmm_compat_argument(regs, 2);

	if (xenmm_is_pinned(walk->mm))
		xenmm_probes_count(XENMM_KERNEL_traps_advice,
				   xenmm_count_in_table(walk->mm, from, to, test));
}

/* madvise_free_pte_range: MADV_FREE makes entries clean and old. */
XENMM_WATCH(free)
{
	xenmm_count_advice(regs, xenmm_is_used);
}

/* madvise_cold_or_pageout_pte_range: those make them old. */
XENMM_WATCH(cold)
{
	xenmm_count_advice(regs, xenmm_is_young);
}

struct xenmm_watch {
	char function[40]; /* of the kernel */
	bool optional;
	struct ftrace_ops tracer;
	bool is_found, is_on;
};

static struct xenmm_watch xenmm_watches[] = {
	{"copy_page_range", false, {.func = watch_copy}},
	{"move_page_tables", false, {.func = watch_move}},
	{XENMM_COMPAT_REMOVED, false, {.func = watch_removed}},
	{"ptep_clear_flush", false, {.func = watch_replaced}},
	{"unmap_page_range", false, {.func = watch_unmap}},
	/* of their file alone, which a compiler may call otherwise */
	{"madvise_free_pte_range", true, {.func = watch_free}},
	{"madvise_cold_or_pageout_pte_range", true, {.func = watch_cold}},
};

/* All names of the kernel are looked through, which takes a while: once. */
static int xenmm_watch_find(struct xenmm_watch *watch)
{
	int error;

	if (watch->is_found)
		return 0;
	error = ftrace_set_filter(&watch->tracer, watch->function,
				  strnlen(watch->function, sizeof(watch->function)), 1);
	watch->is_found = !error;
	return error;
}

void xenmm_traps_detach(void)
{
	struct xenmm_watch *watch;

	for (watch = xenmm_watches; watch < xenmm_watches + ARRAY_SIZE(xenmm_watches); watch++) {
		if (watch->is_on)
			unregister_ftrace_function(&watch->tracer);
		watch->is_on = false;
	}
}

int xenmm_traps_attach(void)
{
	struct xenmm_watch *watch;
	int error;

	for (watch = xenmm_watches; watch < xenmm_watches + ARRAY_SIZE(xenmm_watches); watch++) {
		error = xenmm_watch_find(watch) ?: register_ftrace_function(&watch->tracer);
		watch->is_on = !error;
		if (error && !watch->optional) {
			xenmm_traps_detach();
			return error;
		}
	}
	return 0;
}

void xenmm_traps_exit(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(xenmm_watches); i++)
		ftrace_free_filter(&xenmm_watches[i].tracer);
}
