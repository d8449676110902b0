/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Probes: the core's pure logic, callable from C, for the suites alone. As in abi.h
 * plain C types; no probe allocates, locks or sleeps.
 */
#ifndef XENMM_PROBE_H
#define XENMM_PROBE_H

#include "xenmm/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A part of one table, as the cursor cuts it. */
struct xenmm_probe_part {
	xenmm_u64 start;
	xenmm_u32 pages;
};

/* A critical section: so many pages in so many parts of so many tables. */
struct xenmm_probe_section {
	xenmm_u32 parts;
	xenmm_u32 tables;
	xenmm_u32 pages;
	xenmm_u32 look; /* XENMM_LOOK_* */
};

/* What a planner is asked. */
struct xenmm_probe_plan {
	xenmm_u32 method;
	xenmm_u32 batch;
	int is_pv;
	int exclusive;
	enum xenmm_action action;
	const struct xenmm_cost *cost;
};

enum xenmm_look { XENMM_LOOK_NONE, XENMM_LOOK_SURVEY, XENMM_LOOK_REBUILD };

/* Ranges: how many there are; the first `most` are written. */
xenmm_u32 xenmm_probe_parts(const struct xenmm_piece *pieces, xenmm_u32 count,
			    struct xenmm_probe_part *parts, xenmm_u32 most);
xenmm_u32 xenmm_probe_sections(const struct xenmm_probe_plan *plan,
			       const struct xenmm_piece *pieces, xenmm_u32 count,
			       struct xenmm_probe_section *sections, xenmm_u32 most);
int xenmm_probe_check_shape(const struct xenmm_piece *pieces, xenmm_u32 count);
xenmm_u64 xenmm_probe_pages_below(const struct xenmm_piece *pieces, xenmm_u32 count,
				  xenmm_u64 limit);

/* The planner. */
xenmm_u32 xenmm_probe_tables_per_section(const struct xenmm_probe_plan *plan);
enum xenmm_look xenmm_probe_look(const struct xenmm_probe_plan *plan, xenmm_u32 asked);
int xenmm_probe_rebuilds(const struct xenmm_probe_plan *plan, xenmm_u32 changed, xenmm_u32 present);
int xenmm_probe_flips(const struct xenmm_probe_plan *plan, int matched, xenmm_u32 present);

/* Entries. */
xenmm_u64 xenmm_probe_pte(xenmm_u64 mfn, xenmm_u64 flags);
xenmm_u64 xenmm_probe_pte_frame(xenmm_u64 entry);
int xenmm_probe_pte_is_writable(xenmm_u64 entry);
xenmm_u64 xenmm_probe_pte_with_flags(xenmm_u64 entry, xenmm_u64 flags);
int xenmm_probe_ptes_agree(xenmm_u64 one, xenmm_u64 other);
xenmm_u32 xenmm_probe_slot(xenmm_u64 address);
xenmm_u64 xenmm_probe_table_base(xenmm_u64 address);

/* An errno on its way through the core and back; the histogram's bucket of a size. */
int xenmm_probe_errno(int error);
xenmm_u32 xenmm_probe_bucket(xenmm_u32 size);

#ifdef __cplusplus
}
#endif

#endif /* XENMM_PROBE_H */
