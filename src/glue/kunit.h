/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KUnit suites over the whole module, in modules built with XENMM_KUNIT=1 alone
 * (xenmm_kunit.ko): the loading process runs them once the device is there. Nothing at
 * all in the product.
 */
#ifndef XENMM_KUNIT_H
#define XENMM_KUNIT_H

#ifdef XENMM_KUNIT
void xenmm_kunit_run(void);
void xenmm_kunit_remove(void);
#else
static inline void xenmm_kunit_run(void) {}
static inline void xenmm_kunit_remove(void) {}
#endif

#endif /* XENMM_KUNIT_H */
