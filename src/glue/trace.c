// SPDX-License-Identifier: GPL-2.0
/* Makes the trace events, and lets the core tell what only it knows. */
#include "glue.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

void xenmm_k_trace_batch_begin(xenmm_u64 address, xenmm_u32 updates)
{
	trace_xenmm_batch_begin(address, updates);
}

void xenmm_k_trace_batch_end(xenmm_u64 address, xenmm_u32 updates, xenmm_u32 done, int error)
{
	trace_xenmm_batch_commit(address, updates, done, error);
	if (error && done)
		trace_xenmm_batch_partial(address, updates, done, error);
}

void xenmm_k_trace_rebuilt(xenmm_u64 address, xenmm_u32 changed)
{
	trace_xenmm_table_rebuilt(address, changed);
}

void xenmm_k_trace_flipped(xenmm_u64 address, xenmm_u32 tables)
{
	trace_xenmm_tables_flipped(address, tables);
}
