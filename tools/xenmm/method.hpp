// SPDX-License-Identifier: GPL-2.0
// The methods' names and the pair (method, batch size) that an operation takes.
// The words are the same in debugfs, in results and in the documents.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "uapi/xenmm.h"

namespace xenmm
{

struct NamedMethod {
	xenmm_method method;
	std::string_view name;
};

// In the order of the ABI, which is also the order of every table.
inline constexpr NamedMethod kMethods[] = {
	{XENMM_METHOD_TRAP, "trap"},
	{XENMM_METHOD_HYPERCALL, "hypercall"},
	{XENMM_METHOD_VA_MAPPING, "va_mapping"},
	{XENMM_METHOD_MULTICALL, "multicall"},
	{XENMM_METHOD_LAZY, "lazy"},
	{XENMM_METHOD_BATCH, "batch"},
	{XENMM_METHOD_NATIVE, "native"},
};

std::string_view method_name(xenmm_method method);
std::vector<std::string> all_method_names();

// Names of the methods in a mask of struct xenmm_info, "trap, batch".
std::vector<std::string> method_names(uint32_t mask);
std::string join(const std::vector<std::string> &words, std::string_view separator = ", ");

// How an operation changes entries. batch is 0 unless method is `batch`.
struct Way {
	xenmm_method method;
	uint32_t batch;
};

// The way for set-up work that nobody measures: the cheapest on offer.
Way quick_way(const xenmm_info &info);

} // namespace xenmm
