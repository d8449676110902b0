// SPDX-License-Identifier: GPL-2.0
// A key that is missing is as good as null: files of older tools lack some.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

namespace xenmm
{

template <typename Value>
std::optional<Value> maybe(const nlohmann::json &object, const char *key)
{
	auto found = object.find(key);
	return found == object.end() || found->is_null() ? std::nullopt
							 : std::optional(found->get<Value>());
}

} // namespace xenmm
