/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Probes: the core's ways to write entries, callable from C, with entries that no
 * operation would ask for. For the suites alone.
 */
#ifndef XENMM_SUBMIT_PROBE_H
#define XENMM_SUBMIT_PROBE_H

#include "xenmm/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define XENMM_PROBE_TABLES 2
#define XENMM_PROBE_UPDATES 8

/* Updates of tables that are locked: the first `split` of the first table. */
struct xenmm_probe_updates {
	struct xenmm_table tables[XENMM_PROBE_TABLES];
	xenmm_u64 bases[XENMM_PROBE_TABLES]; /* addresses that their first entries map */
	xenmm_u32 split;
	xenmm_u32 count;
	struct {
		xenmm_u32 slot;
		xenmm_u64 value;
	} update[XENMM_PROBE_UPDATES];
};

/* struct Outcome of batch.hpp. */
struct xenmm_probe_outcome {
	xenmm_u32 applied;
	xenmm_u32 changed;
	int error;
	int flushed;
};

/* Memory for xenmm_probe_submit; to be zeroed. */
xenmm_u64 xenmm_probe_space(void);
/* submit() of methods.hpp. Atomic. */
void xenmm_probe_submit(void *space, const struct xenmm_probe_updates *updates, xenmm_u32 method,
			xenmm_u32 batch, int flush, struct xenmm_probe_outcome *outcome);

/* What DetachedTable (detached_table.hpp) says of a table. */
struct xenmm_probe_rebuilt {
	int taken; /* the error of take_out(), and of put_back() */
	int put_back;
	int is_whole;
};

/* Takes a table out, stores one entry, puts it back. As xenmm_probe_submit. */
struct xenmm_probe_rebuilt xenmm_probe_rebuild(void *space, xenmm_u64 *entries,
					       const struct xenmm_hooks *hooks, xenmm_u32 slot,
					       xenmm_u64 value);

#ifdef __cplusplus
}
#endif

#endif /* XENMM_SUBMIT_PROBE_H */
