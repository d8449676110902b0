// SPDX-License-Identifier: GPL-2.0
/*
 * A rogue guest's attempts that are no matter of an entry's value: pins, base pointers and
 * copies, domains that are not ours, addresses that are nobody's. As isolation_kunit.c.
 */
#include <linux/pgtable.h>
#include <linux/uaccess.h>
#include <xen/interface/xen.h>
#include <xen/interface/memory.h>
#include <asm/asm.h>
#include <asm/xen/hypercall.h>

#include "attempt.h"
#include "glue.h"
#include "suites.h"

static struct xenmm_raw xenmm_court;

/* Of do_mmuext_op, with a frame. */
struct xenmm_deed_row {
	const char *name;
	unsigned int command;
	unsigned int frame;
	int error;
};

#define XENMM_NO_COMMAND 99

static const struct xenmm_deed_row xenmm_deeds[] = {
	/* get_page_from_gfn: not ours */
	{"pin_another_domain's", MMUEXT_PIN_L1_TABLE, XENMM_FOREIGN, -EINVAL},
	{"pin_xen's", MMUEXT_PIN_L1_TABLE, XENMM_XENS, -EINVAL},
	{"pin_apic", MMUEXT_PIN_L1_TABLE, XENMM_IO, -EINVAL},
	{"pin_beyond_memory", MMUEXT_PIN_L1_TABLE, XENMM_BEYOND, -EINVAL},
	{"pin_another_domain's_as_l4", MMUEXT_PIN_L4_TABLE, XENMM_FOREIGN, -EINVAL},
	{"unpin_another_domain's", MMUEXT_UNPIN_TABLE, XENMM_FOREIGN, -EINVAL},
	{"unpin_xen's", MMUEXT_UNPIN_TABLE, XENMM_XENS, -EINVAL},
	/* _get_page_type: in use as something else */
	{"pin_writable_page", MMUEXT_PIN_L1_TABLE, XENMM_PAGE, -EINVAL},
	{"pin_writable_page_as_l4", MMUEXT_PIN_L4_TABLE, XENMM_PAGE, -EINVAL},
	{"pin_l1_as_l2", MMUEXT_PIN_L2_TABLE, XENMM_TABLE, -EINVAL},
	{"pin_l1_as_l4", MMUEXT_PIN_L4_TABLE, XENMM_TABLE, -EINVAL},
	{"pin_l2_as_l1", MMUEXT_PIN_L1_TABLE, XENMM_L2, -EINVAL},
	{"pin_l4_as_l1", MMUEXT_PIN_L1_TABLE, XENMM_RAW_L4, -EINVAL},
	/* test_and_set_bit(_PGT_pinned), test_and_clear_bit */
	{"pin_twice", MMUEXT_PIN_L1_TABLE, XENMM_TABLE, -EINVAL},
	{"unpin_page", MMUEXT_UNPIN_TABLE, XENMM_PAGE, -EINVAL},
	{"unpin_l2", MMUEXT_UNPIN_TABLE, XENMM_L2, -EINVAL},
	/* new_guest_cr3, get_page_and_type_from_mfn */
	{"run_on_page", MMUEXT_NEW_BASEPTR, XENMM_PAGE, -EINVAL},
	{"run_on_l1", MMUEXT_NEW_BASEPTR, XENMM_TABLE, -EINVAL},
	{"run_on_l3", MMUEXT_NEW_BASEPTR, XENMM_RAW_L3, -EINVAL},
	{"run_on_another_domain's", MMUEXT_NEW_BASEPTR, XENMM_FOREIGN, -EINVAL},
	{"run_on_xen's", MMUEXT_NEW_BASEPTR, XENMM_XENS, -EINVAL},
	{"user_on_page", MMUEXT_NEW_USER_BASEPTR, XENMM_PAGE, -EINVAL},
	{"user_on_l1", MMUEXT_NEW_USER_BASEPTR, XENMM_TABLE, -EINVAL},
	{"user_on_another_domain's", MMUEXT_NEW_USER_BASEPTR, XENMM_FOREIGN, -EINVAL},
	/* get_page_type(PGT_writable_page) */
	{"clear_l1", MMUEXT_CLEAR_PAGE, XENMM_TABLE, -EINVAL},
	{"clear_l2", MMUEXT_CLEAR_PAGE, XENMM_L2, -EINVAL},
	{"clear_l4", MMUEXT_CLEAR_PAGE, XENMM_RAW_L4, -EINVAL},
	{"clear_another_domain's", MMUEXT_CLEAR_PAGE, XENMM_FOREIGN, -EINVAL},
	{"clear_xen's", MMUEXT_CLEAR_PAGE, XENMM_XENS, -EINVAL},
	{"copy_to_l1", MMUEXT_COPY_PAGE, XENMM_TABLE, -EINVAL},
	{"copy_to_l2", MMUEXT_COPY_PAGE, XENMM_L2, -EINVAL},
	{"copy_to_another_domain's", MMUEXT_COPY_PAGE, XENMM_FOREIGN, -EINVAL},
	{"no_command", XENMM_NO_COMMAND, XENMM_TABLE, -ENOSYS},
};

/* What is copied from is a page of our own. */
static int xenmm_do_deed(struct xenmm_raw *world, const struct xenmm_deed_row *row)
{
	struct mmuext_op op = {.cmd = row->command, .arg1.mfn = world->mfns[row->frame]};

	if (row->command == MMUEXT_COPY_PAGE)
		op.arg2.src_mfn = world->mfns[XENMM_PAGE];
	return xenmm_k_mmuext_op(&op, 1);
}

/* The other way round: our memory would show what is in theirs. */
static int xenmm_copy_from(struct xenmm_raw *world, unsigned int frame)
{
	struct mmuext_op op = {.cmd = MMUEXT_COPY_PAGE, .arg1.mfn = world->mfns[XENMM_PAGE]};

	op.arg2.src_mfn = world->mfns[frame];
	return xenmm_k_mmuext_op(&op, 1);
}

#define XENMM_DOM0 0
#define XENMM_NO_DOMAIN 0x7eee
#define XENMM_DOMID_IO 0x7ff1
#define XENMM_DOMID_XEN 0x7ff2
#define XENMM_DOMID_INVALID 0x7ff4
#define XENMM_TABLES_OF(domain) (((domain) + 1) << 16)

/* The domain that frames, or tables, are said to belong to. */
struct xenmm_domain_row {
	const char *name;
	unsigned int domain;
	unsigned int frame; /* that is to be mapped, or pinned */
	int update;	    /* what do_mmu_update answers, and the others */
	int extended;
	int mapping;
};

static const struct xenmm_domain_row xenmm_domains[] = {
	/* xsm_mmu_update and its like (xsm/dummy.h): XSM_TARGET */
	{"dom0's", XENMM_DOM0, XENMM_FOREIGN, -EPERM, -EPERM, -EPERM},
	{"dom0's,_our_frame", XENMM_DOM0, XENMM_PAGE, -EPERM, -EPERM, -EPERM},
	{"xen's", XENMM_DOMID_XEN, XENMM_XENS, -EPERM, -EPERM, -EPERM},
	/* DOMID_IO passes there for an mmu_update, then get_page_from_l1e looks */
	{"devices'", XENMM_DOMID_IO, XENMM_IO, -EPERM, -EPERM, -EPERM},
	{"devices',_another_domain's_frame", XENMM_DOMID_IO, XENMM_FOREIGN, -EBUSY, -EPERM, -EPERM},
	/* get_pg_owner (common/page_alloc.c) */
	{"nobody's", XENMM_NO_DOMAIN, XENMM_PAGE, -ESRCH, -ESRCH, -ESRCH},
	{"invalid", XENMM_DOMID_INVALID, XENMM_PAGE, -ESRCH, -ESRCH, -ESRCH},
};

/* By a multicall: Linux' own function has no place for the domain of the tables. */
static int xenmm_update_of(struct xenmm_raw *world, unsigned int domain, unsigned int frame)
{
	struct mmu_update update = {
		.ptr = xenmm_raw_maddr(world, XENMM_TABLE, 1),
		.val = xenmm_raw_value(world, frame, XENMM_RO),
	};
	struct multicall_entry call = {
		.op = __HYPERVISOR_mmu_update,
		.args = {(unsigned long)&update, 1, 0, domain},
	};

	return xenmm_k_multicall(&call, 1) ?: (int)call.result;
}

static int xenmm_mapping_of(struct xenmm_raw *world, unsigned int domain, unsigned int frame)
{
	struct multicall_entry call = {
		.op = __HYPERVISOR_update_va_mapping_otherdomain,
		.args = {xenmm_raw_address(world, 0, 1), xenmm_raw_value(world, frame, XENMM_RO),
			 UVMF_NONE, domain},
	};

	return xenmm_k_multicall(&call, 1) ?: (int)call.result;
}

#define XENMM_NOT_CANONICAL 0x0000800000000000UL
#define XENMM_OF_XEN 0xffff830000000000UL /* Xen's map of all memory */

/* asm: the kernel's own helpers warn of what is not canonical. */
static int xenmm_store_not_canonical(struct xenmm_raw *world)
{
	int error = -EFAULT;

	asm volatile("1: movq %[value], (%[address])\n"
		     "xorl %[error], %[error]\n"
		     "2:\n" _ASM_EXTABLE(1b, 2b)
		     : [error] "+r"(error)
		     : [value] "r"(0UL), [address] "r"(XENMM_NOT_CANONICAL)
		     : "memory");
	return error;
}

/*
 * Not a store: it is refused likewise, but then Linux (spurious_kernel_fault) walks Xen's
 * entries in our L4 as if they were its own, and falls over.
 */
static int xenmm_read_xen(struct xenmm_raw *world)
{
	unsigned long value;

	__get_kernel_nofault(&value, (unsigned long *)XENMM_OF_XEN, unsigned long, refused);
	return 0;
refused:
	return -EFAULT;
}

static int xenmm_answer_into_xen(struct xenmm_raw *world)
{
	struct xen_machphys_mfn_list list = {.max_extents = 1};

	set_xen_guest_handle(list.extent_start, (xen_pfn_t *)XENMM_OF_XEN);
	return HYPERVISOR_memory_op(XENMEM_machphys_mfn_list, &list);
}

static int xenmm_map_at(struct xenmm_raw *world, unsigned long address)
{
	return xenmm_k_update_va_mapping(address, xenmm_raw_value(world, XENMM_PAGE, XENMM_RW),
					 UVMF_NONE);
}

static int xenmm_map_not_canonical(struct xenmm_raw *world)
{
	return xenmm_map_at(world, XENMM_NOT_CANONICAL);
}

static int xenmm_map_at_xen(struct xenmm_raw *world)
{
	return xenmm_map_at(world, XENMM_OF_XEN);
}

static int xenmm_map_in_hole(struct xenmm_raw *world)
{
	return xenmm_map_at(world, xenmm_raw_address(world, 5, 0));
}

static int xenmm_updates_in_xen(struct xenmm_raw *world)
{
	return xenmm_k_mmu_update((void *)XENMM_OF_XEN, 1, NULL);
}

static int xenmm_extended_in_xen(struct xenmm_raw *world)
{
	return xenmm_k_mmuext_op((void *)XENMM_OF_XEN, 1);
}

static int xenmm_calls_in_xen(struct xenmm_raw *world)
{
	return xenmm_k_multicall((void *)XENMM_OF_XEN, 1);
}

static int xenmm_update_dom0s_table(struct xenmm_raw *world)
{
	return xenmm_update_of(world, XENMM_TABLES_OF(XENMM_DOM0) | DOMID_SELF, XENMM_PAGE);
}

static int xenmm_update_nobodys_table(struct xenmm_raw *world)
{
	return xenmm_update_of(world, XENMM_TABLES_OF(XENMM_NO_DOMAIN) | DOMID_SELF, XENMM_PAGE);
}

static int xenmm_write_foreign(struct xenmm_raw *world)
{
	return xenmm_raw_update(xenmm_raw_maddr(world, XENMM_FOREIGN, 0), 0);
}

static int xenmm_write_xens(struct xenmm_raw *world)
{
	return xenmm_raw_update(xenmm_raw_maddr(world, XENMM_XENS, 0), 0);
}

static int xenmm_rename_foreign(struct xenmm_raw *world)
{
	return xenmm_raw_update(xenmm_raw_maddr(world, XENMM_FOREIGN, 0) | MMU_MACHPHYS_UPDATE, 1);
}

static int xenmm_command(struct xenmm_raw *world, unsigned int command)
{
	return xenmm_raw_update(xenmm_raw_maddr(world, XENMM_TABLE, 1) | command, 0);
}

static int xenmm_command_4(struct xenmm_raw *world)
{
	return xenmm_command(world, 4);
}

static int xenmm_command_7(struct xenmm_raw *world)
{
	return xenmm_command(world, 7);
}

static int xenmm_copy_foreign(struct xenmm_raw *world)
{
	return xenmm_copy_from(world, XENMM_FOREIGN);
}

static int xenmm_copy_xens(struct xenmm_raw *world)
{
	return xenmm_copy_from(world, XENMM_XENS);
}

struct xenmm_call_row {
	const char *name;
	int (*attempt)(struct xenmm_raw *world);
	int error;
};

static const struct xenmm_call_row xenmm_calls[] = {
	/* map_guest_l1e (pv/mm.c): __addr_ok, or no table there */
	{"map_not_canonical", xenmm_map_not_canonical, -EINVAL},
	{"map_at_xen", xenmm_map_at_xen, -EINVAL},
	{"map_in_hole", xenmm_map_in_hole, -EINVAL},
	/* by a fault in the guest */
	{"store_not_canonical", xenmm_store_not_canonical, -EFAULT},
	{"read_xen", xenmm_read_xen, -EFAULT},
	/* guest_handle_okay; copy_to_guest */
	{"updates_in_xen", xenmm_updates_in_xen, -EFAULT},
	{"mmuext_ops_in_xen", xenmm_extended_in_xen, -EFAULT},
	{"multicall_in_xen", xenmm_calls_in_xen, -EFAULT},
	{"answer_into_xen", xenmm_answer_into_xen, -EFAULT},
	/* xsm_mmu_update; rcu_lock_domain_by_id */
	{"table_of_dom0", xenmm_update_dom0s_table, -EPERM},
	{"table_of_nobody", xenmm_update_nobodys_table, -ESRCH},
	/* get_page_from_gfn; get_page_from_mfn */
	{"write_another_domain's", xenmm_write_foreign, -EINVAL},
	{"write_xen's", xenmm_write_xens, -EINVAL},
	{"rename_another_domain's", xenmm_rename_foreign, -EINVAL},
	{"copy_another_domain's", xenmm_copy_foreign, -EINVAL},
	{"copy_xen's", xenmm_copy_xens, -EINVAL},
	/* do_mmu_update */
	{"command_4", xenmm_command_4, -ENOSYS},
	{"command_7", xenmm_command_7, -ENOSYS},
};

/* So that an emptied table would be seen. */
static void xenmm_enter_court(struct xenmm_attempt *attempt)
{
	xenmm_raw_enter(&xenmm_court);
	(void)xenmm_raw_update(xenmm_raw_maddr(&xenmm_court, XENMM_TABLE, 0),
			       xenmm_raw_value(&xenmm_court, XENMM_PAGE + 1, XENMM_RW));
	xenmm_attempt_begin(attempt, &xenmm_court, NULL);
}

static void xenmm_leave_court(struct xenmm_attempt *attempt)
{
	attempt->aftermath = xenmm_raw_reset(&xenmm_court) ?: attempt->aftermath;
	xenmm_raw_leave(&xenmm_court);
}

static void xenmm_deed_is_refused(struct kunit *test)
{
	const struct xenmm_deed_row *row = xenmm_row(test);
	struct xenmm_attempt attempt;

	xenmm_enter_court(&attempt);
	xenmm_attempt_end(&attempt, xenmm_do_deed(&xenmm_court, row));
	xenmm_leave_court(&attempt);
	xenmm_attempt_judge(test, "mmuext_op", &attempt, row->error);
}

static void xenmm_call_is_refused(struct kunit *test)
{
	const struct xenmm_call_row *row = xenmm_row(test);
	struct xenmm_attempt attempt;

	xenmm_enter_court(&attempt);
	xenmm_attempt_end(&attempt, row->attempt(&xenmm_court));
	xenmm_leave_court(&attempt);
	xenmm_attempt_judge(test, "call", &attempt, row->error);
}

static void xenmm_domain_is_refused(struct kunit *test)
{
	const struct xenmm_domain_row *row = xenmm_row(test);
	const unsigned long mfn = xenmm_court.mfns[row->frame];
	struct xenmm_attempt update, extended, mapping;

	xenmm_enter_court(&update);
	xenmm_attempt_end(&update, xenmm_update_of(&xenmm_court, row->domain, row->frame));
	xenmm_attempt_begin(&extended, &xenmm_court, NULL);
	xenmm_attempt_end(&extended, xenmm_raw_extended(MMUEXT_PIN_L1_TABLE, mfn, row->domain));
	xenmm_attempt_begin(&mapping, &xenmm_court, NULL);
	xenmm_attempt_end(&mapping, xenmm_mapping_of(&xenmm_court, row->domain, row->frame));
	xenmm_leave_court(&mapping);
	xenmm_attempt_judge(test, "mmu_update", &update, row->update);
	xenmm_attempt_judge(test, "mmuext_op", &extended, row->extended);
	xenmm_attempt_judge(test, "va_mapping", &mapping, row->mapping);
}

static int xenmm_court_open(struct kunit_suite *suite)
{
	return xenmm_raw_open(&xenmm_court);
}

static void xenmm_court_close(struct kunit_suite *suite)
{
	xenmm_raw_close(&xenmm_court);
}

static const struct xenmm_rows xenmm_isolation_calls_rows[] = {
	{"mmuext", xenmm_deed_is_refused, XENMM_AXIS(xenmm_deeds)},
	{"domain", xenmm_domain_is_refused, XENMM_AXIS(xenmm_domains)},
	{"call", xenmm_call_is_refused, XENMM_AXIS(xenmm_calls)},
	{},
};

struct xenmm_row_suite xenmm_isolation_calls_suite = {
	.suite.name = "xenmm_isolation_calls",
	.suite.suite_init = xenmm_court_open,
	.suite.suite_exit = xenmm_court_close,
	.rows = xenmm_isolation_calls_rows,
};
