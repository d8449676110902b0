// SPDX-License-Identifier: GPL-2.0
// The ways to change page-table entries, by name and by what they need.
#pragma once

#include "uapi/xenmm_methods.h"
#include "xenmm/result.hpp"
#include "xenmm/support.hpp"
#include "xenmm/types.hpp"

namespace xenmm
{

#define XENMM_METHOD(number, NAME, name, Name) k##Name = (number),
enum class Method : uint32_t { XENMM_METHODS(XENMM_METHOD) };
#undef XENMM_METHOD

inline constexpr uint32_t kMaxBatch = 2048; // XENMM_MAX_BATCH
// Singles per multicall: as many as Linux' own queue holds (MC_BATCH in
// arch/x86/xen/multicalls.c), so that the two compare.
inline constexpr uint32_t kMulticallEntries = 32;

// How an operation writes: a method and its number.
struct How {
	Method method;
	// With kBatch updates per hypercall, 1..kMaxBatch; with kRebuild the least pages
	// of a table for which it is rebuilt, 0 standing for all; else 0.
	uint32_t batch;
};

inline constexpr uint32_t method_bit(Method method)
{
	return 1U << static_cast<uint32_t>(method);
}

// As masks, by guest.
#define XENMM_METHOD_BIT(number, NAME, name, Name) | method_bit(Method::k##Name)
inline constexpr uint32_t kAllMethods = 0 XENMM_METHODS(XENMM_METHOD_BIT);
#undef XENMM_METHOD_BIT
inline constexpr uint32_t kPvMethods = kAllMethods & ~method_bit(Method::kNative);
inline constexpr uint32_t kNativeMethods = method_bit(Method::kAuto) | method_bit(Method::kNative);

// What serves demand faults, which hold the mmap lock for reading only.
constexpr How fault_how(bool is_pv)
{
	return is_pv ? How{Method::kBatch, 512} : How{Method::kNative, 0};
}

// Is this a method, does the guest offer it, does the batch size fit?
// kInval, kNotSupported.
Result<How> check_how(uint32_t method, uint32_t batch, uint32_t offered);

} // namespace xenmm
