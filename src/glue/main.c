// SPDX-License-Identifier: GPL-2.0
/* Load, unload, and what kind of guest this is. */
#include <linux/module.h>
#include <linux/page_table_check.h>
#include <xen/xen.h>

#include "glue.h"
#include "kunit.h"

enum xenmm_guest_kind xenmm_guest_kind(void)
{
	if (xen_pv_domain())
		return XENMM_KIND_XEN_PV;
	return xen_domain() ? XENMM_KIND_XEN_HVM : XENMM_KIND_NATIVE;
}

/*
 * CONFIG_PAGE_TABLE_CHECK counts mappings in set_pte_at() and would BUG at munmap
 * over entries written behind its back.
 */
static bool xenmm_is_page_table_check_on(void)
{
#ifdef CONFIG_PAGE_TABLE_CHECK
	return !static_branch_likely(&page_table_check_disabled);
#else
	return false;
#endif
}

static int __init xenmm_init(void)
{
	int error;

	if (xenmm_is_page_table_check_on()) {
		pr_err("xenmm: page_table_check is on: boot with page_table_check=off\n");
		return -EOPNOTSUPP;
	}
	error = xenmm_chardev_register();
	if (error)
		return error;
	xenmm_debugfs_create();
	xenmm_kunit_run();
	return 0;
}
module_init(xenmm_init);

static void __exit xenmm_exit(void)
{
	xenmm_kunit_remove();
	xenmm_debugfs_remove();
	xenmm_chardev_unregister();
	xenmm_kernel_exit();
	xenmm_twin_exit();
}
module_exit(xenmm_exit);

MODULE_DESCRIPTION("Batched page-table updates for Xen PV guests");
MODULE_AUTHOR("The xenmm authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(XENMM_VERSION);
