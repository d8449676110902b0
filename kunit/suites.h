/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XENMM_SUITES_H
#define XENMM_SUITES_H

struct kunit_suite;

extern struct kunit_suite xenmm_request_suite;

#endif /* XENMM_SUITES_H */
