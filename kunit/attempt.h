/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An attempt at something that Xen must refuse: no entry may change by it, and ordinary
 * work must go on behind it. Inside a raw world but for the judgement.
 */
#ifndef XENMM_ATTEMPT_H
#define XENMM_ATTEMPT_H

#include "raw_world.h"
#include "rows.h"

struct xenmm_attempt {
	struct xenmm_raw *world;
	const xenmm_u64 *entry; /* looked at besides what is watched; may be NULL */
	xenmm_u64 before[XENMM_NR_WATCHED + 1];
	int error;
	bool has_changed; /* any entry */
	int aftermath;	  /* the errno of ordinary work, and of the tables' reset */
};

#define XENMM_RO 0x8000000000000225ULL /* as xenmm writes: no execution, special, user */
#define XENMM_RW 0x8000000000000227ULL

void xenmm_attempt_begin(struct xenmm_attempt *attempt, struct xenmm_raw *world,
			 const xenmm_u64 *entry);
/* error: what came of it. */
void xenmm_attempt_end(struct xenmm_attempt *attempt, int error);
/* Fails the test unless it came to this error, and to nothing else. */
void xenmm_attempt_judge(struct kunit *test, const char *what, const struct xenmm_attempt *attempt,
			 int error);

#endif /* XENMM_ATTEMPT_H */
