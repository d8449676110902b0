// SPDX-License-Identifier: GPL-2.0
// The methods' names and the pair (method, batch) that an operation takes.
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

#define XENMM_NAMED_METHOD(number, NAME, name, ...) {XENMM_METHOD_##NAME, #name},
inline constexpr NamedMethod kMethods[] = {XENMM_METHODS(XENMM_NAMED_METHOD)};
#undef XENMM_NAMED_METHOD

std::string_view method_name(xenmm_method method);
std::vector<std::string> all_method_names();

// Names of the methods in a mask of struct xenmm_info, "trap, batch".
std::vector<std::string> method_names(uint32_t mask);
std::string join(const std::vector<std::string> &words, std::string_view separator = ", ");

// How an operation changes entries. `batch` is what xenmm_op.batch says: updates per
// hypercall with the method batch; with rebuild the least number of pages in a table, or
// 0 for whole tables only; 0 with all others.
struct Way {
	xenmm_method method;
	uint32_t batch;

	bool operator==(const Way &) const = default;
};

// "batch 512", "flip"
std::string way_name(Way way);

// A workload and the way it is done, if there is a choice: "arena-map by batch 512", "fork"
std::string work_name(const std::string &workload, const std::optional<Way> &way);

// The way for set-up work that nobody measures. Only what keeps twin tables up to date
// itself is set up by a method that does: a twin left behind by another one would have
// to be cleared within the measured step.
Way setup_way(const xenmm_info &info, std::optional<Way> measured);

} // namespace xenmm
