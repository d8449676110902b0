/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ways to change a page, and what each answers at one of an arena that is read-only.
 */
#ifndef XENMM_READONLY_H
#define XENMM_READONLY_H

#include "xenmm_test.h"

#define WAY_UNKNOWN (-1)

struct way {
	const char *name;
	long (*run)(unsigned char *page); /* 0, errno, or WAY_UNKNOWN to this kernel */
	int error;
	bool writes; /* at a page that may be written */
};

extern const struct way ways[];
extern const size_t nr_ways;

#endif /* XENMM_READONLY_H */
