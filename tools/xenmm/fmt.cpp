// SPDX-License-Identifier: GPL-2.0
// fmt's own code, compiled once: Debian has no static library of it, and with FMT_HEADER_ONLY
// each file that prints takes twice as long to compile. What fmt declares without a body in its
// headers is instantiated here, as its library does.
#include <fmt/format-inl.h>

namespace fmt::detail
{

template auto thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;
template auto decimal_point_impl<char>(locale_ref) -> char;
template auto dragonbox::to_decimal(float) noexcept -> dragonbox::decimal_fp<float>;
template auto dragonbox::to_decimal(double) noexcept -> dragonbox::decimal_fp<double>;

} // namespace fmt::detail
