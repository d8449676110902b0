/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * How page-table entries are changed: a line for each method, from which the module, the
 * tools and the tests make their constants, names and lists.
 *
 * X(number, NAME, name, Name): what programs pass, which never changes and is never used
 * again; the name in XENMM_METHOD_NAME, for people, and in the module's Method::kName.
 */
#ifndef _UAPI_XENMM_METHODS_H
#define _UAPI_XENMM_METHODS_H

/* PV guests; entry by entry, with nothing to choose. */
#define XENMM_ENTRY_METHODS(X)                                                          \
	X(1, TRAP, trap, Trap)			/* plain store, emulated by Xen */      \
	X(2, HYPERCALL, hypercall, Hypercall)	/* one mmu_update each */               \
	X(3, VA_MAPPING, va_mapping, VaMapping) /* one update_va_mapping each */        \
	X(4, MULTICALL, multicall, Multicall)	/* a multicall of single mmu_updates */ \
	X(5, LAZY, lazy, Lazy)			/* the kernel's lazy MMU mode */

/* All, in the order of every table: by entries, by whole tables, by choice. */
#define XENMM_METHODS(X)                                                                   \
	XENMM_ENTRY_METHODS(X)                                                             \
	X(6, BATCH, batch, Batch)	/* mmu_update x xenmm_op.batch */                  \
	X(7, NATIVE, native, Native)	/* plain store where no hypervisor owns tables */  \
	X(8, REBUILD, rebuild, Rebuild) /* table unhooked, rewritten and validated anew */ \
	X(9, FLIP, flip, Flip)		/* PROTECT alone: table exchanged with its twin */ \
	X(0, AUTO, auto, Auto)		/* the planner's choice */

#endif /* _UAPI_XENMM_METHODS_H */
