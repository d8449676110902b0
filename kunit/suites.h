/* SPDX-License-Identifier: GPL-2.0 */
/* Each suite xenmm_NAME is in NAME_kunit.c. */
#ifndef XENMM_SUITES_H
#define XENMM_SUITES_H

#include "rows.h"

extern struct xenmm_row_suite xenmm_request_suite;
extern struct xenmm_row_suite xenmm_ranges_suite;
extern struct xenmm_row_suite xenmm_planner_suite;
extern struct xenmm_row_suite xenmm_entry_suite;
extern struct xenmm_row_suite xenmm_method_suite;
extern struct xenmm_row_suite xenmm_access_suite;
extern struct xenmm_row_suite xenmm_twin_suite;
extern struct xenmm_row_suite xenmm_fault_suite;
extern struct xenmm_row_suite xenmm_refusal_suite;
extern struct xenmm_row_suite xenmm_teardown_suite;
extern struct xenmm_row_suite xenmm_replay_suite;
extern struct xenmm_row_suite xenmm_isolation_suite;
extern struct xenmm_row_suite xenmm_isolation_calls_suite;
extern struct xenmm_row_suite xenmm_isolation_methods_suite;

#endif /* XENMM_SUITES_H */
