// SPDX-License-Identifier: GPL-2.0
// What the core needs of a C++ library: integers, same_as, min. The kernel build
// has no libstdc++ headers, so these few lines stand in for them.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace xenmm
{

template <class T, class U>
inline constexpr bool kIsSame = false;
template <class T>
inline constexpr bool kIsSame<T, T> = true;
template <class T, class U>
concept SameAs = kIsSame<T, U>;

template <class T>
constexpr T min(T a, T b)
{
	return a < b ? a : b;
}
template <class T>
constexpr T max(T a, T b)
{
	return a > b ? a : b;
}

constexpr bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

} // namespace xenmm
