// SPDX-License-Identifier: GPL-2.0
/*
 * What a rogue guest would try, tried on Xen itself: it refuses each, with the errno that
 * the tables say, no entry changes, and the guest goes on. The names behind the errnos are
 * the functions of Xen 4.17 that give them, where not said otherwise in
 * xen/arch/x86/mm.c.
 *
 * Left out: absent entries with address bits. On a CPU with L1TF Xen crashes the domain for
 * them (pv_l1tf_check), on others it takes them.
 */
#include <linux/pgtable.h>
#include <linux/uaccess.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>

#include "attempt.h"
#include "glue.h"
#include "suites.h"

static struct xenmm_raw xenmm_prison;

/* The entry under attack. */
struct xenmm_victim {
	xenmm_u64 *entry;
	xenmm_u64 maddr;
	unsigned long address; /* that an L1 entry maps */
};

static int xenmm_by_update(const struct xenmm_victim *victim, xenmm_u64 value)
{
	return xenmm_raw_update(victim->maddr, value);
}

static int xenmm_by_preserving(const struct xenmm_victim *victim, xenmm_u64 value)
{
	return xenmm_raw_update(victim->maddr | MMU_PT_UPDATE_PRESERVE_AD, value);
}

static int xenmm_by_mapping(const struct xenmm_victim *victim, xenmm_u64 value)
{
	return xenmm_k_update_va_mapping(victim->address, value, UVMF_NONE);
}

static int xenmm_by_multicall(const struct xenmm_victim *victim, xenmm_u64 value)
{
	struct mmu_update update = {.ptr = victim->maddr, .val = value};
	struct multicall_entry call = {
		.op = __HYPERVISOR_mmu_update,
		.args = {(unsigned long)&update, 1, 0, DOMID_SELF},
	};

	return xenmm_k_multicall(&call, 1) ?: (int)call.result;
}

/* A refused store comes back as a page fault: the errno is the glue's. */
static int xenmm_by_store(const struct xenmm_victim *victim, xenmm_u64 value)
{
	return xenmm_k_store(victim->entry, value);
}

struct xenmm_means {
	const char *name;
	int (*write)(const struct xenmm_victim *victim, xenmm_u64 value);
};

/* The first three write an entry of any level. */
static const struct xenmm_means xenmm_means[] = {
	{"mmu_update", xenmm_by_update},  {"multicall", xenmm_by_multicall},
	{"store", xenmm_by_store},	  {"preserving", xenmm_by_preserving},
	{"va_mapping", xenmm_by_mapping},
};

#define XENMM_NR_MEANS_OF_ANY_LEVEL 3

/* What is to be written, and what Xen says to it. */
struct xenmm_breach {
	const char *name;
	unsigned int frame;
	xenmm_u64 flags;
	int error;
};

static const struct xenmm_breach xenmm_l1_breaches[] = {
	/* get_page_from_l1e: the owner is not we, "could_not_pin" */
	{"another_domain_ro", XENMM_FOREIGN, XENMM_RO, -EBUSY},
	{"another_domain_rw", XENMM_FOREIGN, XENMM_RW, -EBUSY},
	{"xen_ro", XENMM_XENS, XENMM_RO, -EBUSY},
	{"xen_rw", XENMM_XENS, XENMM_RW, -EBUSY},
	/* get_page_from_l1e: iomem_access_permitted() says no */
	{"apic_ro", XENMM_IO, XENMM_RO, -EPERM},
	{"apic_rw", XENMM_IO, XENMM_RW, -EPERM},
	{"vga_rw", XENMM_RAW_VGA, XENMM_RW, -EPERM},
	{"beyond_memory", XENMM_BEYOND, XENMM_RW, -EPERM},
	/* the same for INVALID_MFN */
	{"all_ones", XENMM_ALL_ONES, XENMM_RW, -EINVAL},
	/* get_page_from_l1e: get_page_type(PGT_writable_page) fails */
	{"own_l1_rw", XENMM_TABLE, XENMM_RW, -EBUSY},
	{"itself_rw", XENMM_TABLE + 1, XENMM_RW, -EBUSY},
	{"own_l2_rw", XENMM_L2, XENMM_RW, -EBUSY},
	{"own_l3_rw", XENMM_RAW_L3, XENMM_RW, -EBUSY},
	{"own_l4_rw", XENMM_RAW_L4, XENMM_RW, -EBUSY},
	/* mod_l1_entry, get_page_from_l1e: L1_DISALLOW_MASK */
	{"write_through", XENMM_PAGE + 1, XENMM_RO | _PAGE_PWT, -EINVAL},
	{"uncached", XENMM_PAGE + 1, XENMM_RO | _PAGE_PCD, -EINVAL},
	{"pat", XENMM_PAGE + 1, XENMM_RO | _PAGE_PAT, -EINVAL},
};

static void xenmm_try(struct xenmm_attempt *attempt, const struct xenmm_victim *victim,
		      const struct xenmm_means *means, xenmm_u64 value)
{
	xenmm_attempt_begin(attempt, &xenmm_prison, victim->entry);
	xenmm_attempt_end(attempt, means->write(victim, value));
}

static int xenmm_error_by(const struct xenmm_means *means, int error)
{
	return means->write == xenmm_by_store ? -EFAULT : error;
}

/* Into an empty entry, and in the place of a page of our own. */
static void xenmm_l1_is_safe(struct kunit *test)
{
	const struct xenmm_breach *breach = xenmm_row(test);
	const struct xenmm_means *means = xenmm_column(test);
	struct xenmm_raw *world = &xenmm_prison;
	const xenmm_u64 value = xenmm_raw_value(world, breach->frame, breach->flags);
	const struct xenmm_victim victim = {
		.entry = &world->tables[1][2],
		.maddr = xenmm_raw_maddr(world, XENMM_TABLE + 1, 2),
		.address = xenmm_raw_address(world, 1, 2),
	};
	struct xenmm_attempt empty, present;

	xenmm_raw_enter(world);
	xenmm_try(&empty, &victim, means, value);
	(void)xenmm_raw_update(victim.maddr, xenmm_raw_value(world, XENMM_PAGE, XENMM_RW));
	xenmm_try(&present, &victim, means, value);
	present.aftermath = xenmm_raw_reset(world) ?: present.aftermath;
	xenmm_raw_leave(world);
	xenmm_attempt_judge(test, "empty", &empty, xenmm_error_by(means, breach->error));
	xenmm_attempt_judge(test, "present", &present, xenmm_error_by(means, breach->error));
}

#define XENMM_HOOK XENMM_HOOK_FLAGS
#define XENMM_LARGE (XENMM_HOOK_FLAGS | _PAGE_PSE)

static const struct xenmm_breach xenmm_l2_breaches[] = {
	/* get_page_and_type_from_mfn: not ours, or in use as something else */
	{"data_page", XENMM_PAGE, XENMM_HOOK, -EINVAL},
	{"another_domain", XENMM_FOREIGN, XENMM_HOOK, -EINVAL},
	{"xen", XENMM_XENS, XENMM_HOOK, -EINVAL},
	{"apic", XENMM_IO, XENMM_HOOK, -EINVAL},
	{"beyond_memory", XENMM_BEYOND, XENMM_HOOK, -EINVAL},
	{"l3_as_l1", XENMM_RAW_L3, XENMM_HOOK, -EINVAL},
	{"l4_as_l1", XENMM_RAW_L4, XENMM_HOOK, -EINVAL},
	/* get_l2_linear_pagetable: a table may see itself, but not write */
	{"itself_rw", XENMM_L2, XENMM_HOOK, -EINVAL},
	/* mod_l2_entry: L2_DISALLOW_MASK; a large page would map memory unseen */
	{"large_page", XENMM_PAGE, XENMM_LARGE, -EINVAL},
	{"large_page_of_xen", XENMM_XENS, XENMM_LARGE, -EINVAL},
	{"write_through", XENMM_TABLE, XENMM_HOOK | _PAGE_PWT, -EINVAL},
	{"uncached", XENMM_TABLE, XENMM_HOOK | _PAGE_PCD, -EINVAL},
	{"global", XENMM_TABLE, XENMM_HOOK | _PAGE_GLOBAL, -EINVAL},
};

static const struct xenmm_breach xenmm_l3_breaches[] = {
	/* get_page_from_l3e: the same for PGT_l2_page_table */
	{"data_page", XENMM_PAGE, XENMM_HOOK, -EINVAL},
	{"another_domain", XENMM_FOREIGN, XENMM_HOOK, -EINVAL},
	{"xen", XENMM_XENS, XENMM_HOOK, -EINVAL},
	{"l1_as_l2", XENMM_TABLE, XENMM_HOOK, -EINVAL},
	{"itself_rw", XENMM_RAW_L3, XENMM_HOOK, -EINVAL},
	/* mod_l3_entry: l3_disallow_mask */
	{"huge_page", XENMM_PAGE, XENMM_LARGE, -EINVAL},
};

static const struct xenmm_breach xenmm_l4_breaches[] = {
	/* get_page_from_l4e: the same for PGT_l3_page_table */
	{"data_page", XENMM_PAGE, XENMM_HOOK, -EINVAL},
	{"another_domain", XENMM_FOREIGN, XENMM_HOOK, -EINVAL},
	{"xen", XENMM_XENS, XENMM_HOOK, -EINVAL},
	{"l1_as_l3", XENMM_TABLE, XENMM_HOOK, -EINVAL},
	{"itself_rw", XENMM_RAW_L4, XENMM_HOOK, -EINVAL},
};

static void xenmm_upper_is_safe(struct kunit *test, xenmm_u64 *entry, xenmm_u64 maddr)
{
	const struct xenmm_breach *breach = xenmm_row(test);
	const struct xenmm_means *means = xenmm_column(test);
	struct xenmm_raw *world = &xenmm_prison;
	const struct xenmm_victim victim = {.entry = entry, .maddr = maddr};
	struct xenmm_attempt attempt;

	xenmm_raw_enter(world);
	xenmm_try(&attempt, &victim, means, xenmm_raw_value(world, breach->frame, breach->flags));
	attempt.aftermath = xenmm_raw_reset(world) ?: attempt.aftermath;
	xenmm_raw_leave(world);
	xenmm_attempt_judge(test, "entry", &attempt, xenmm_error_by(means, breach->error));
}

static void xenmm_l2_is_safe(struct kunit *test)
{
	struct xenmm_raw *world = &xenmm_prison;

	xenmm_upper_is_safe(test, &world->l2[1], xenmm_raw_maddr(world, XENMM_L2, 1));
	xenmm_upper_is_safe(test, &world->l2[6], xenmm_raw_maddr(world, XENMM_L2, 6));
}

/* In an entry that nobody uses: were it taken, the guest would live to tell. */
static void xenmm_unused_is_safe(struct kunit *test, xenmm_u64 *table, unsigned int symbol)
{
	unsigned int slot = 0;

	while (slot < PTRS_PER_PGD / 2 && READ_ONCE(table[slot]))
		slot++;
	xenmm_upper_is_safe(test, &table[slot], xenmm_raw_maddr(&xenmm_prison, symbol, slot));
}

static void xenmm_l3_is_safe(struct kunit *test)
{
	xenmm_unused_is_safe(test, xenmm_prison.l3, XENMM_RAW_L3);
}

static void xenmm_l4_is_safe(struct kunit *test)
{
	xenmm_unused_is_safe(test, xenmm_prison.l4, XENMM_RAW_L4);
}

/* Xen's own half of our L4: mod_l4_entry, is_guest_l4_slot(), also for what is harmless. */
static const struct xenmm_breach xenmm_l4_of_xen[] = {
	{"emptied", XENMM_NO_FRAME, 0, -EINVAL},
	{"own_l3", XENMM_RAW_L3, XENMM_HOOK, -EINVAL},
};

static void xenmm_l4_of_xen_is_safe(struct kunit *test)
{
	const unsigned int slot = pgd_index(0xffff808000000000UL);

	xenmm_upper_is_safe(test, NULL, xenmm_raw_maddr(&xenmm_prison, XENMM_RAW_L4, slot));
}

/* The direct map's entry of a page table, made writable: get_page_from_l1e, as above. */
struct xenmm_alias_row {
	const char *name;
	unsigned int level;
};

static const struct xenmm_alias_row xenmm_aliases[] = {
	{"l1_alias_rw", 1},
	{"l2_alias_rw", 2},
	{"l3_alias_rw", 3},
	{"l4_alias_rw", 4},
};

static const void *xenmm_table_at(struct xenmm_raw *world, unsigned int level)
{
	const void *tables[] = {world->tables[0], world->l2, world->l3, world->l4};

	return tables[level - 1];
}

static void xenmm_alias_is_safe(struct kunit *test)
{
	const struct xenmm_alias_row *row = xenmm_row(test);
	const struct xenmm_means *means = xenmm_column(test);
	struct xenmm_raw *world = &xenmm_prison;
	const void *table = xenmm_table_at(world, row->level);
	unsigned int level;
	pte_t *alias = lookup_address((unsigned long)table, &level);
	struct xenmm_attempt attempt;
	struct xenmm_victim victim = {(xenmm_u64 *)alias, .address = (unsigned long)table};

	xenmm_raw_enter(world);
	victim.maddr = arbitrary_virt_to_machine(alias).maddr;
	xenmm_try(&attempt, &victim, means, xenmm_alias_value(table, true));
	xenmm_raw_leave(world);
	xenmm_attempt_judge(test, "entry", &attempt, xenmm_error_by(means, -EBUSY));
}

static int xenmm_prison_open(struct kunit_suite *suite)
{
	return xenmm_raw_open(&xenmm_prison);
}

static void xenmm_prison_close(struct kunit_suite *suite)
{
	xenmm_raw_close(&xenmm_prison);
}

#define XENMM_ANY_LEVEL                                                          \
	{                                                                        \
		xenmm_means, sizeof(xenmm_means[0]), XENMM_NR_MEANS_OF_ANY_LEVEL \
	}

static const struct xenmm_rows xenmm_isolation_rows[] = {
	{"l1", xenmm_l1_is_safe, XENMM_AXIS(xenmm_l1_breaches), XENMM_AXIS(xenmm_means)},
	{"l2", xenmm_l2_is_safe, XENMM_AXIS(xenmm_l2_breaches), XENMM_ANY_LEVEL},
	{"l3", xenmm_l3_is_safe, XENMM_AXIS(xenmm_l3_breaches), XENMM_ANY_LEVEL},
	{"l4", xenmm_l4_is_safe, XENMM_AXIS(xenmm_l4_breaches), XENMM_ANY_LEVEL},
	{"l4_of_xen",
	 xenmm_l4_of_xen_is_safe,
	 XENMM_AXIS(xenmm_l4_of_xen),
	 {xenmm_means, sizeof(xenmm_means[0]), 2}},
	{"alias", xenmm_alias_is_safe, XENMM_AXIS(xenmm_aliases), XENMM_AXIS(xenmm_means)},
	{},
};

struct xenmm_row_suite xenmm_isolation_suite = {
	.suite.name = "xenmm_isolation",
	.suite.suite_init = xenmm_prison_open,
	.suite.suite_exit = xenmm_prison_close,
	.rows = xenmm_isolation_rows,
};
