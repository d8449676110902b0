/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module's own trace events, described in Documentation/ABI/testing/tracefs-xenmm. An
 * event that is off costs a jump that is not taken. None holds a machine address.
 *
 * clang-format cannot lay these macros out.
 */
/* clang-format off */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xenmm

#if !defined(XENMM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define XENMM_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(xenmm_batch_begin,
	TP_PROTO(unsigned long address, unsigned int updates),
	TP_ARGS(address, updates),
	TP_STRUCT__entry(
		__field(unsigned long, address)
		__field(unsigned int, updates)
	),
	TP_fast_assign(
		__entry->address = address;
		__entry->updates = updates;
	),
	TP_printk("address=0x%lx updates=%u", __entry->address, __entry->updates)
);

DECLARE_EVENT_CLASS(xenmm_batch_end,
	TP_PROTO(unsigned long address, unsigned int updates, unsigned int done, int error),
	TP_ARGS(address, updates, done, error),
	TP_STRUCT__entry(
		__field(unsigned long, address)
		__field(unsigned int, updates)
		__field(unsigned int, done)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->address = address;
		__entry->updates = updates;
		__entry->done = done;
		__entry->error = error;
	),
	TP_printk("address=0x%lx updates=%u done=%u error=%d", __entry->address,
		  __entry->updates, __entry->done, __entry->error)
);

DEFINE_EVENT(xenmm_batch_end, xenmm_batch_commit,
	TP_PROTO(unsigned long address, unsigned int updates, unsigned int done, int error),
	TP_ARGS(address, updates, done, error)
);

DEFINE_EVENT(xenmm_batch_end, xenmm_batch_partial,
	TP_PROTO(unsigned long address, unsigned int updates, unsigned int done, int error),
	TP_ARGS(address, updates, done, error)
);

TRACE_EVENT(xenmm_table_rebuilt,
	TP_PROTO(unsigned long address, unsigned int changed),
	TP_ARGS(address, changed),
	TP_STRUCT__entry(
		__field(unsigned long, address)
		__field(unsigned int, changed)
	),
	TP_fast_assign(
		__entry->address = address;
		__entry->changed = changed;
	),
	TP_printk("address=0x%lx changed=%u", __entry->address, __entry->changed)
);

TRACE_EVENT(xenmm_tables_flipped,
	TP_PROTO(unsigned long address, unsigned int tables),
	TP_ARGS(address, tables),
	TP_STRUCT__entry(
		__field(unsigned long, address)
		__field(unsigned int, tables)
	),
	TP_fast_assign(
		__entry->address = address;
		__entry->tables = tables;
	),
	TP_printk("address=0x%lx tables=%u", __entry->address, __entry->tables)
);

TRACE_EVENT(xenmm_fault,
	TP_PROTO(unsigned long address, bool write, int error),
	TP_ARGS(address, write, error),
	TP_STRUCT__entry(
		__field(unsigned long, address)
		__field(bool, write)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->address = address;
		__entry->write = write;
		__entry->error = error;
	),
	TP_printk("address=0x%lx write=%d error=%d", __entry->address, __entry->write,
		  __entry->error)
);

#endif /* XENMM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
