// SPDX-License-Identifier: GPL-2.0
// What follows from the counts of the kernel's tracepoints.
#include "xenmm/abi.h"

namespace
{

xenmm_u64 minus(xenmm_u64 from, xenmm_u64 less)
{
	return from > less ? from - less : 0;
}

} // namespace

extern "C" void xenmm_kernel_complete(struct xenmm_kernel_counts *counts)
{
	xenmm_u64 *counter = counts->counter;
	xenmm_u64 no_set_pte = counter[XENMM_KERNEL_modify_prot] + counts->upper_queued;
	xenmm_u64 queued = minus(counter[XENMM_KERNEL_mmu_updates], no_set_pte);
	xenmm_u64 direct = minus(counter[XENMM_KERNEL_set_pte], queued);
	counter[XENMM_KERNEL_set_pte_direct] = direct;
	counter[XENMM_KERNEL_hypercalls] = counter[XENMM_KERNEL_batches] + direct;
	counter[XENMM_KERNEL_mmu_update_calls] += direct;
	counter[XENMM_KERNEL_mmu_updates] += direct;

	counter[XENMM_KERNEL_traps] =
		counter[XENMM_KERNEL_traps_fork] + counter[XENMM_KERNEL_traps_unmap] +
		counter[XENMM_KERNEL_traps_copy] + counter[XENMM_KERNEL_traps_move] +
		counter[XENMM_KERNEL_traps_advice];
}
