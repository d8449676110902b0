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
static_assert(sizeof(Update) == 16);
static_assert(MMU_PT_UPDATE_PRESERVE_AD <= kCommandMask);

} // namespace xenmm::xen
