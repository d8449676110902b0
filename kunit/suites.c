// SPDX-License-Identifier: GPL-2.0
/*
 * All suites, in the order in which they run. Not kunit_test_suites(): KUnit would run
 * them before the module's init function, so without a device.
 */
#include <kunit/test.h>

#include "kunit.h"
#include "suites.h"

static struct kunit_suite *xenmm_suites[] = {
	&xenmm_request_suite,
};

void xenmm_kunit_run(void)
{
	__kunit_test_suites_init(xenmm_suites, ARRAY_SIZE(xenmm_suites));
}

void xenmm_kunit_remove(void)
{
	__kunit_test_suites_exit(xenmm_suites, ARRAY_SIZE(xenmm_suites));
}
