// SPDX-License-Identifier: GPL-2.0
// Order of the plan: workload, pages, method, batch, which is the order of the table.
#include "plan.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "error.hpp"
#include "files.hpp"
#include "page.hpp"
#include "table.hpp"
#include "workload.hpp"

namespace xenmm
{

namespace
{

bool contains(const std::vector<std::string> &words, const std::string &word)
{
	return std::find(words.begin(), words.end(), word) != words.end();
}

template <typename Number>
std::vector<Number> sorted_once(std::vector<Number> numbers)
{
	std::sort(numbers.begin(), numbers.end());
	numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
	return numbers;
}

// Those that were asked for by name, by group or by "all".
WorkloadKinds chosen(const std::vector<std::string> &wished)
{
	WorkloadKinds result;
	for (const WorkloadKind &kind : workload_kinds())
		if (contains(wished, kind.name) || contains(wished, "all") ||
		    contains(wished, kind.on_arena ? "arena" : "stock"))
			result.push_back(kind);
	return result;
}

void require_methods(const std::vector<std::string> &wished, uint32_t offered)
{
	for (const std::string &name : wished)
		if (!contains(method_names(offered), name))
			throw Failure(
				ExitCode::kNotPossible,
				fmt::format("this guest does not offer the method '{}': it has {}",
					    name, join(method_names(offered))));
}

std::vector<uint32_t> batches_of(const Wishes &wishes, uint32_t max_batch)
{
	std::vector<uint32_t> batches = sorted_once(wishes.batches);
	if (!batches.empty() && batches.back() > max_batch)
		throw Failure(ExitCode::kNotPossible,
			      fmt::format("this module's largest batch is {}, not {}", max_batch,
					  batches.back()));
	if (batches.empty())
		for (uint32_t batch : kDefaultBatches)
			if (batch <= max_batch)
				batches.push_back(batch);
	return batches;
}

std::vector<Way> ways_of(const Wishes &wishes, const xenmm_info &info)
{
	require_methods(wishes.methods, info.methods);
	std::vector<Way> ways;
	for (const NamedMethod &known : kMethods) {
		std::string name(known.name);
		if (!contains(method_names(info.methods), name) ||
		    (!wishes.methods.empty() && !contains(wishes.methods, name)))
			continue;
		if (known.method != XENMM_METHOD_BATCH)
			ways.push_back({known.method, 0});
		else
			for (uint32_t batch : batches_of(wishes, info.max_batch))
				ways.push_back({known.method, batch});
	}
	return ways;
}

// A workload without a choice of method is measured once.
std::vector<std::optional<Way>> ways_for(const WorkloadKind &kind, const std::vector<Way> &ways)
{
	if (!kind.has_method)
		return {std::nullopt};
	return {ways.begin(), ways.end()};
}

// Running out of memory half way would end in the OOM killer, not in a message.
void require_memory(uint64_t pages)
{
	auto meminfo = read_text("/proc/meminfo").value_or("");
	size_t at = meminfo.find("MemAvailable:");
	if (at == std::string::npos)
		return;
	uint64_t available = std::strtoull(meminfo.c_str() + at + 13, nullptr, 10) << 10;
	if (pages * kPageBytes > available)
		throw Failure(ExitCode::kNotPossible,
			      fmt::format("{} pages are {}, and {} are available", pages,
					  mebibytes(pages * kPageBytes), mebibytes(available)));
}

} // namespace

std::vector<std::string> workload_words()
{
	std::vector<std::string> words = {"all", "arena", "stock"};
	for (const WorkloadKind &kind : workload_kinds())
		words.push_back(kind.name);
	return words;
}

bool needs_arena(const std::vector<std::string> &workloads)
{
	WorkloadKinds kinds = chosen(workloads);
	return std::any_of(kinds.begin(), kinds.end(),
			   [](const WorkloadKind &kind) { return kind.on_arena; });
}

std::vector<Job> make_plan(const Wishes &wishes, const xenmm_info *info)
{
	std::vector<uint64_t> all_pages = sorted_once(wishes.pages);
	require_memory(all_pages.back());

	std::vector<Way> ways = info ? ways_of(wishes, *info) : std::vector<Way>();
	std::vector<Job> jobs;
	for (const WorkloadKind &kind : chosen(wishes.workloads))
		for (uint64_t pages : all_pages)
			for (std::optional<Way> way : ways_for(kind, ways))
				jobs.push_back({kind.name, way, pages});
	return jobs;
}

} // namespace xenmm
