// SPDX-License-Identifier: GPL-2.0
// The ways to change page-table entries, by name and by what they need. The
// numbers are those of enum xenmm_method in the uapi.
#pragma once

#include "xenmm/result.hpp"
#include "xenmm/support.hpp"
#include "xenmm/types.hpp"

namespace xenmm
{

enum class Method : uint32_t {
	kAuto = 0,
	kTrap = 1,
	kHypercall = 2,
	kVaMapping = 3,
	kMulticall = 4,
	kLazy = 5,
	kBatch = 6,
	kNative = 7,
	kRebuild = 8,
	kFlip = 9,
};

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

inline constexpr uint32_t kPvMethods =
	method_bit(Method::kAuto) | method_bit(Method::kTrap) | method_bit(Method::kHypercall) |
	method_bit(Method::kVaMapping) | method_bit(Method::kMulticall) |
	method_bit(Method::kLazy) | method_bit(Method::kBatch) | method_bit(Method::kRebuild) |
	method_bit(Method::kFlip);
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
