/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * How page-table entries are changed: a line for each method, from which the module, the
 * tools and the tests make their constants, names and lists.
 *
 * X(number, NAME, Name, name): what programs pass, which never changes and is never used
 * again; the name in XENMM_METHOD_NAME, in the module's Method::kName, and for people.
 */
#ifndef _UAPI_XENMM_METHODS_H
#define _UAPI_XENMM_METHODS_H

/* PV guests; entry by entry, with nothing to choose. */
#define XENMM_ENTRY_METHODS(X)                                                          \
	X(1, TRAP, Trap, trap)			/* plain store, emulated by Xen */      \
	X(2, HYPERCALL, Hypercall, hypercall)	/* one mmu_update each */               \
	X(3, VA_MAPPING, VaMapping, va_mapping) /* one update_va_mapping each */        \
	X(4, MULTICALL, Multicall, multicall)	/* a multicall of single mmu_updates */ \
	X(5, LAZY, Lazy, lazy)			/* the kernel's lazy MMU mode */

/* All, in the order of every table: by entries, by whole tables, by choice. */
#define XENMM_METHODS(X)                                                                   \
	XENMM_ENTRY_METHODS(X)                                                             \
	X(6, BATCH, Batch, batch)	/* mmu_update x xenmm_op.batch */                  \
	X(7, NATIVE, Native, native)	/* plain store where no hypervisor owns tables */  \
	X(8, REBUILD, Rebuild, rebuild) /* table unhooked, rewritten and validated anew */ \
	X(9, FLIP, Flip, flip)		/* PROTECT alone: table exchanged with its twin */ \
	X(0, AUTO, Auto, auto)		/* the planner's choice */

#endif /* _UAPI_XENMM_METHODS_H */
