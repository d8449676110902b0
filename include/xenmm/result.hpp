// SPDX-License-Identifier: GPL-2.0
// Errors of the core: Result<T> carries a value or an Errno. It becomes a plain
// int only at the C border. A result must be looked at.
#pragma once

#include "xenmm/support.hpp"

namespace xenmm
{

// Numbers as on every Linux architecture that Xen runs PV guests on (asm-generic/errno*.h).
enum class Errno : int {
	kOk = 0,
	kIntr = 4,
	kIo = 5,
	kAgain = 11,
	kNoMem = 12,
	kAccess = 13,
	kFault = 14,
	kBusy = 16,
	kInval = 22,
	kNoEntry = 2,
	kNotSupported = 95,
};

constexpr int to_int(Errno error)
{
	return -static_cast<int>(error);
}
// Of a negative errno (or 0) that came over the border.
constexpr Errno to_errno(int value)
{
	return static_cast<Errno>(-value);
}

template <class T>
class [[nodiscard]] Result
{
public:
	constexpr Result(T value) : value_(value), error_(Errno::kOk) {}
	constexpr Result(Errno error) : value_{}, error_(error) {}

	constexpr bool ok() const { return error_ == Errno::kOk; }
	constexpr Errno error() const { return error_; }
	constexpr T value() const { return value_; }

private:
	T value_;
	Errno error_;
};

template <>
class [[nodiscard]] Result<void>
{
public:
	constexpr Result() : error_(Errno::kOk) {}
	constexpr Result(Errno error) : error_(error) {}

	constexpr bool ok() const { return error_ == Errno::kOk; }
	constexpr Errno error() const { return error_; }

private:
	Errno error_;
};

// Leave the function with the error, if there is one.
#define XENMM_TRY(expression)                                       \
	do {                                                        \
		if (auto xenmm_try = (expression); !xenmm_try.ok()) \
			return xenmm_try.error();                   \
	} while (0)

} // namespace xenmm
