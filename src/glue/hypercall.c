// SPDX-License-Identifier: GPL-2.0
/* Hypercalls and the kernel's lazy MMU mode, one call each. */
#include <linux/pgtable.h>
#include <xen/interface/xen.h>
#include <asm/xen/hypercall.h>

#include "glue.h"
#include "inject.h"

int xenmm_k_mmu_update(void *updates, xenmm_u32 count, xenmm_u32 *done)
{
	xenmm_inject_updates(updates, count);
	return xenmm_inject_answer(HYPERVISOR_mmu_update(updates, count, (int *)done, DOMID_SELF));
}

int xenmm_k_update_va_mapping(xenmm_u64 address, xenmm_u64 value, xenmm_u64 flags)
{
	const pte_t pte = native_make_pte(xenmm_inject_value(value));

	return xenmm_inject_answer(HYPERVISOR_update_va_mapping(address, pte, flags));
}

int xenmm_k_multicall(void *calls, xenmm_u32 count)
{
	int error;

	xenmm_inject_calls(calls, count);
	error = HYPERVISOR_multicall(calls, count);
	xenmm_inject_answers(calls, count);
	return error;
}

int xenmm_k_mmuext_op(void *ops, xenmm_u32 count)
{
	return HYPERVISOR_mmuext_op(ops, count, NULL, DOMID_SELF);
}

void xenmm_k_lazy_enter(void)
{
	arch_enter_lazy_mmu_mode();
}

/* Preserving is what mprotect does: ptep_modify_prot_commit. */
void xenmm_k_lazy_set(const struct xenmm_table *table, xenmm_u64 address, xenmm_u64 value,
		      int preserve_ad)
{
	pte_t *ptep = (pte_t *)&table->entries[pte_index(address)];
	pte_t pte = native_make_pte(value);

	if (preserve_ad)
		ptep_modify_prot_commit(table->vma, address, ptep, *ptep, pte);
	else
		set_pte(ptep, pte);
}

void xenmm_k_lazy_leave(void)
{
	arch_leave_lazy_mmu_mode();
}
