// SPDX-License-Identifier: GPL-2.0
/*
 * All suites, in the order in which they run. Not kunit_test_suites(): KUnit would run
 * them before the module's init function, so without a device.
 */
#include "kunit.h"
#include "suites.h"

/* clang-format off */
static struct kunit_suite *xenmm_suites[] = {
	&xenmm_request_suite.suite,
	&xenmm_ranges_suite.suite,
	&xenmm_planner_suite.suite,
	&xenmm_entry_suite.suite,
	&xenmm_method_suite.suite,
	&xenmm_access_suite.suite,
	&xenmm_twin_suite.suite,
	&xenmm_fault_suite.suite,
	&xenmm_refusal_suite.suite,
	&xenmm_teardown_suite.suite,
	&xenmm_replay_suite.suite,
	&xenmm_isolation_suite.suite,
	&xenmm_isolation_calls_suite.suite,
	&xenmm_isolation_methods_suite.suite,
};

/* clang-format on */

/* Suites of rows come without cases. */
static struct xenmm_row_suite *xenmm_made[ARRAY_SIZE(xenmm_suites)];

static int xenmm_suite_make(size_t i)
{
	if (xenmm_suites[i]->test_cases)
		return 0;
	xenmm_made[i] = container_of(xenmm_suites[i], struct xenmm_row_suite, suite);
	return xenmm_row_suite_make(xenmm_made[i]);
}

/* All or none: what does not run leaves no results, which selftests/kunit misses. */
void xenmm_kunit_run(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(xenmm_suites); i++)
		if (xenmm_suite_make(i))
			return;
	__kunit_test_suites_init(xenmm_suites, ARRAY_SIZE(xenmm_suites));
}

void xenmm_kunit_remove(void)
{
	size_t i;

	if (xenmm_suites[ARRAY_SIZE(xenmm_suites) - 1]->debugfs)
		__kunit_test_suites_exit(xenmm_suites, ARRAY_SIZE(xenmm_suites));
	for (i = 0; i < ARRAY_SIZE(xenmm_suites); i++)
		if (xenmm_made[i])
			xenmm_row_suite_free(xenmm_made[i]);
}
