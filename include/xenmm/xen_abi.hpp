// SPDX-License-Identifier: GPL-2.0
// Xen's own public headers (package libxen-dev), the one source of the hypercall
// structures and constants for the core and for its tests.
#pragma once

#include <stddef.h>
#include <stdint.h>

extern "C" {
#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ 0x00040e00
#endif
#include <xen/xen.h>
}

namespace xenmm::xen
{

using Update = ::mmu_update_t;
using Call = ::multicall_entry_t;
using ExtendedOp = ::mmuext_op_t;

// The two lowest bits of Update::ptr say what is to be done.
inline constexpr uint64_t kCommandMask = 3;

// Entries of a multicall. What they point to must live until the call.
inline Call mmu_update_call(Update *first, uint32_t count, uint32_t *done)
{
	return {.op = __HYPERVISOR_mmu_update,
		.result = 0,
		.args = {reinterpret_cast<unsigned long>(first), count,
			 reinterpret_cast<unsigned long>(done), DOMID_SELF}};
}
inline Call extended_call(ExtendedOp *op)
{
	return {.op = __HYPERVISOR_mmuext_op,
		.result = 0,
		.args = {reinterpret_cast<unsigned long>(op), 1, 0, DOMID_SELF}};
}
inline Call va_mapping_call(uint64_t address, uint64_t value, unsigned long flags)
{
	return {.op = __HYPERVISOR_update_va_mapping, .result = 0, .args = {address, value, flags}};
}
inline ExtendedOp flush_all_op()
{
	ExtendedOp op = {};
	op.cmd = MMUEXT_TLB_FLUSH_ALL;
	return op;
}
// Xen's answer in a multicall entry: 0 or a negative errno.
inline int result_of(const Call &call)
{
	return static_cast<int>(call.result);
}
static_assert(sizeof(Update) == 16);
static_assert(MMU_PT_UPDATE_PRESERVE_AD <= kCommandMask);

} // namespace xenmm::xen
