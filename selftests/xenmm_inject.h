/* SPDX-License-Identifier: GPL-2.0 */
/* Makes Xen refuse steps of this process, with a module built for it (src/glue/inject.c). */
#ifndef XENMM_INJECT_H
#define XENMM_INJECT_H

#include "xenmm_test.h"

#define INJECT_PATH "/sys/kernel/debug/xenmm/inject"

/* Skips the test where the module was built without. */
void need_injection(void);
/* The next `after` steps work, the `times` behind them do not; errno 0: as Xen says. */
void refuse(unsigned int after, unsigned int times, int answer);

#endif /* XENMM_INJECT_H */
