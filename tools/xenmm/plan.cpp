// SPDX-License-Identifier: GPL-2.0
// Order of the plan: workload, pages, density, method, batch; so are the rows of the table.
#include "manners.hpp"
#include "plan.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "error.hpp"
#include "files.hpp"
#include "page.hpp"
#include "table.hpp"
#include "walk.hpp"
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
		if (contains(wished, kind.name) || contains(wished, kind.group) ||
		    (contains(wished, "all") && kind.in_all))
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

// What Way.batch takes with this method.
std::vector<uint32_t> sizes_of(xenmm_method method, const Wishes &wishes, const xenmm_info &info)
{
	switch (method) {
	case XENMM_METHOD_BATCH:
		return batches_of(wishes, info.max_batch);
	case XENMM_METHOD_REBUILD:
		return sorted_once(wishes.thresholds);
	default:
		return {0};
	}
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
		for (uint32_t size : sizes_of(known.method, wishes, info))
			ways.push_back({known.method, size});
	}
	return ways;
}

// A workload without a choice of method is measured once; flip is left out where it
// can do nothing.
std::vector<std::optional<Way>> ways_for(const WorkloadKind &kind, const std::vector<Way> &ways)
{
	if (!kind.has_method)
		return {std::nullopt};
	std::vector<std::optional<Way>> result;
	for (Way way : ways)
		if (kind.protects || way.method != XENMM_METHOD_FLIP)
			result.push_back(way);
	return result;
}

std::string names_of(bool WorkloadKind::*property)
{
	std::vector<std::string> names;
	for (const WorkloadKind &kind : workload_kinds())
		if (kind.*property)
			names.push_back(kind.name);
	return join(names);
}

void require_jobs(const std::vector<Job> &jobs)
{
	if (!jobs.empty())
		return;
	throw Failure(ExitCode::kUsage,
		      fmt::format("nothing is left to measure: the method flip is for {}; "
				  "--density is for {}",
				  names_of(&WorkloadKind::protects),
				  names_of(&WorkloadKind::has_density)));
}

std::vector<std::optional<uint32_t>> densities_for(const WorkloadKind &kind, const Wishes &wishes)
{
	if (wishes.densities.empty())
		return {std::nullopt};
	std::vector<std::optional<uint32_t>> result;
	if (kind.has_density)
		for (uint32_t density : sorted_once(wishes.densities))
			result.push_back(density);
	return result;
}

// Asked for by its name alone it is wanted, else it is one of many.
bool leaves_out(const WorkloadKind &kind, uint64_t pages, const Wishes &wishes)
{
	if (kind.name != kHugeWalk)
		return false;
	std::optional<std::string> reason = why_no_huge_pages(pages);
	if (!reason)
		return false;
	std::string message = fmt::format("{}: no huge pages here: {}", kind.name, *reason);
	if (wishes.workloads == std::vector<std::string>{kHugeWalk})
		throw Failure(ExitCode::kNotPossible, message);
	note(message);
	return true;
}

std::vector<uint64_t> pages_for(const WorkloadKind &kind, const Wishes &wishes)
{
	if (kind.fixed_pages)
		return {kind.fixed_pages};
	std::vector<uint64_t> result;
	for (uint64_t pages : sorted_once(wishes.pages))
		if (!leaves_out(kind, pages, wishes))
			result.push_back(pages);
	return result;
}

void require_tables(const Wishes &wishes)
{
	for (uint64_t pages : wishes.pages)
		if (!wishes.densities.empty() && pages % XENMM_SPAN_PAGES)
			throw Failure(
				ExitCode::kUsage,
				fmt::format("--density needs whole tables: --pages has to be a "
					    "multiple of {}, not {}",
					    XENMM_SPAN_PAGES, pages));
}

// Each touched page may be a range of its own; a full table is a part of one range.
void require_few_ranges(const std::vector<Job> &jobs)
{
	for (const Job &job : jobs)
		if (job.density.value_or(XENMM_SPAN_PAGES) < XENMM_SPAN_PAGES &&
		    job.touched() > XENMM_MAX_RANGES)
			throw Failure(ExitCode::kUsage,
				      fmt::format("{}: one call takes {} ranges; use fewer --pages "
						  "or a lower --density",
						  job.describe(), XENMM_MAX_RANGES));
}

// Running out of memory half way would end in the OOM killer, not in a message.
void require_memory(uint64_t pages)
{
	std::optional<uint64_t> kib = meminfo_kib("MemAvailable");
	if (kib && pages * kPageBytes > *kib << 10)
		throw Failure(ExitCode::kNotPossible,
			      fmt::format("{} pages are {}, and {} are available", pages,
					  mebibytes(pages * kPageBytes), mebibytes(*kib << 10)));
}

} // namespace

std::vector<std::string> workload_words()
{
	std::vector<std::string> words = {"all",       kArenaGroup, kStockGroup, kWalkGroup,
					  kTrackGroup, kHintGroup,  kDriverGroup};
	for (const WorkloadKind &kind : workload_kinds())
		words.push_back(kind.name);
	return words;
}

bool needs_arena(const std::vector<std::string> &workloads)
{
	WorkloadKinds kinds = chosen(workloads);
	return std::any_of(kinds.begin(), kinds.end(),
			   [](const WorkloadKind &kind) { return kind.group == kArenaGroup; });
}

void require_time(const std::vector<std::string> &workloads, Unit unit)
{
	WorkloadKinds kinds = chosen(workloads);
	bool walks = std::any_of(kinds.begin(), kinds.end(),
				 [](const WorkloadKind &kind) { return kind.group == kWalkGroup; });
	if (!walks || (unit != Unit::kInstructions && !environment_flag("XENMM_LAB_ICOUNT")))
		return;
	throw Failure(ExitCode::kNotPossible,
		      "a page walk is no instruction, only a time shows it: 'xenmm bench "
		      "--workload walk --unit ns', in the lab by 'selftests/lab/lab run KIND' "
		      "without --icount");
}

std::vector<Job> make_plan(const Wishes &wishes, const xenmm_info *info)
{
	require_tables(wishes);
	require_memory(*std::max_element(wishes.pages.begin(), wishes.pages.end()));

	std::vector<Way> ways = info ? ways_of(wishes, *info) : std::vector<Way>();
	std::vector<Job> jobs;
	for (const WorkloadKind &kind : chosen(wishes.workloads))
		for (uint64_t pages : pages_for(kind, wishes))
			for (std::optional<uint32_t> density : densities_for(kind, wishes))
				for (std::optional<Way> way : ways_for(kind, ways))
					jobs.push_back({kind.name, way, pages, density});
	require_jobs(jobs);
	require_few_ranges(jobs);
	return jobs;
}

} // namespace xenmm
