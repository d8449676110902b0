// SPDX-License-Identifier: GPL-2.0
// The page size; x86-64 has one for page-table entries of the lowest level.
#pragma once

#include <cstdint>

namespace xenmm
{

constexpr uint64_t kPageBytes = 4096;

} // namespace xenmm
