// SPDX-License-Identifier: GPL-2.0
// Methods by name and by mask.
#include "method.hpp"

#include <algorithm>

namespace xenmm
{

namespace
{

// From here on longer batches gain nothing (Documentation: results).
constexpr uint32_t kQuickBatch = 512;

bool offers(uint32_t mask, xenmm_method method)
{
	return mask & (1U << method);
}

} // namespace

std::string_view method_name(xenmm_method method)
{
	for (const NamedMethod &known : kMethods)
		if (known.method == method)
			return known.name;
	return "unknown";
}

std::vector<std::string> method_names(uint32_t mask)
{
	std::vector<std::string> names;
	for (const NamedMethod &known : kMethods)
		if (offers(mask, known.method))
			names.emplace_back(known.name);
	return names;
}

std::vector<std::string> all_method_names()
{
	return method_names(~0U);
}

std::string join(const std::vector<std::string> &words, std::string_view separator)
{
	std::string text;
	for (const std::string &word : words)
		text.append(text.empty() ? "" : separator).append(word);
	return text;
}

std::string way_name(Way way)
{
	std::string name(method_name(way.method));
	return way.batch ? name + " " + std::to_string(way.batch) : name;
}

std::string work_name(const std::string &workload, const std::optional<Way> &way)
{
	return way ? workload + " by " + way_name(*way) : workload;
}

Way setup_way(const xenmm_info &info, std::optional<Way> measured)
{
	bool keeps_twins = measured && (measured->method == XENMM_METHOD_AUTO ||
					measured->method == XENMM_METHOD_FLIP);
	if (keeps_twins && offers(info.methods, XENMM_METHOD_AUTO))
		return {XENMM_METHOD_AUTO, 0};
	if (offers(info.methods, XENMM_METHOD_BATCH))
		return {XENMM_METHOD_BATCH, std::min(kQuickBatch, info.max_batch)};
	return {XENMM_METHOD_NATIVE, 0};
}

} // namespace xenmm
