// SPDX-License-Identifier: GPL-2.0
// Presence is judged by this process's minor faults while all pages are read:
// mincore and pagemap say nothing about special entries.
#include "scene.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sys/resource.h>

#include "error.hpp"
#include "guard.hpp"

namespace xenmm
{

namespace
{

constexpr uint64_t kWords = kPageBytes / sizeof(uint64_t);
constexpr uint64_t kSamples = 16;
// A page of this program's own text may come back while we read.
constexpr uint64_t kStrayFaults = 1;

// Differs from page to page, so that a mapping of the wrong page shows.
uint64_t stamp_of(uint64_t page)
{
	return 0x78656e6d6d000000 + page; // "xenmm"
}

uint64_t minor_faults()
{
	rusage usage = {};
	getrusage(RUSAGE_SELF, &usage);
	return static_cast<uint64_t>(usage.ru_minflt);
}

[[noreturn]] void fail(const std::string &message)
{
	throw Failure(ExitCode::kFailed, "wrong outcome: " + message);
}

template <typename Visit>
void for_samples(const Part &part, Visit visit)
{
	size_t count = part.pages.size();
	size_t step = std::max<size_t>(1, count / kSamples);
	for (size_t i = 0; i < count; i += step)
		visit(part.pages[i]);
	visit(part.pages.back());
}

// The least number of faults that map all of them, when one maps an aligned window.
uint64_t windows_of(const Part &part, uint64_t window)
{
	uint64_t count = 0;
	uint64_t last = UINT64_MAX;
	for (uint64_t page : part.pages) {
		count += page / window != last;
		last = page / window;
	}
	return count;
}

} // namespace

Scene::Scene(const Job &job)
	: arena_(job.pages), setup_(setup_way(arena_.info(), job.way)),
	  touched_(touched_part(arena_, job.density.value_or(XENMM_SPAN_PAGES))),
	  rest_(rest_part(arena_, job.density.value_or(XENMM_SPAN_PAGES)))
{
	arena_.operate(XENMM_IOC_POPULATE, arena_.whole(), setup_);
	stamp(touched_);
	stamp(rest_);
}

void Scene::touch() const
{
	for (uint64_t page = 0; page < arena_.pages(); page++)
		arena_.word(page) = stamp_of(page);
}

void Scene::stamp(const Part &part) const
{
	bool survived = survives([&] {
		for (uint64_t page : part.pages) {
			arena_.word(page) = stamp_of(page);
			arena_.word(page, kWords - 1) = stamp_of(page);
		}
	});
	if (!survived)
		fail("writing to a page that should be writable faults");
}

// First word of each page, and the word at last_index.
template <typename Expected>
void Scene::check_content(const Part &part, Entries entries, uint64_t last_index,
			  Expected expected) const
{
	uint64_t wrong = arena_.pages();
	uint64_t before = minor_faults();
	bool survived = survives([&] {
		for (uint64_t page : part.pages)
			if (arena_.word(page) != expected(page) ||
			    arena_.word(page, last_index) != expected(page))
				wrong = std::min(wrong, page);
	});
	uint64_t faults = minor_faults() - before;

	if (!survived)
		fail("reading a page faults");
	if (wrong != arena_.pages())
		fail(fmt::format("page {} holds {:#x}, expected {:#x}", wrong,
				 static_cast<uint64_t>(arena_.word(wrong)), expected(wrong)));
	check_fault_count(part, entries, faults);
}

void Scene::check_fault_count(const Part &part, Entries entries, uint64_t faults) const
{
	if (entries == Entries::kPresent && faults > kStrayFaults)
		fail(fmt::format("{} demand faults on pages that should be mapped", faults));

	// fault_window is the most that one fault maps.
	uint64_t window = std::max<uint64_t>(1, arena_.info().fault_window);
	uint64_t least = windows_of(part, window);
	if (entries == Entries::kEmpty && faults < least)
		fail(fmt::format("{} demand faults on pages that should be unmapped, "
				 "at least {} expected",
				 faults, least));
}

void Scene::check_touched() const
{
	check_content(touched_, Entries::kUnknown, 0, stamp_of);
}

void Scene::check_stamped(Entries entries) const
{
	check_content(touched_, entries, kWords - 1, stamp_of);
}

void Scene::check_zero(Entries entries) const
{
	check_content(touched_, entries, kWords - 1, [](uint64_t) { return uint64_t{0}; });
	for_samples(touched_, [this](uint64_t page) { check_all_zero(page); });
}

void Scene::check_rest() const
{
	if (rest_.pages.empty())
		return;
	try {
		check_content(rest_, Entries::kPresent, kWords - 1, stamp_of);
		check_writable(rest_, true);
	} catch (const Failure &failure) {
		throw Failure(failure.code(),
			      std::string(failure.what()) + " (nobody asked to change them)");
	}
}

void Scene::check_all_zero(uint64_t page) const
{
	for (uint64_t index = 0; index < kWords; index++)
		if (arena_.word(page, index) != 0)
			fail(fmt::format("page {} is not all zero", page));
}

void Scene::check_writable(const Part &part, bool expected) const
{
	for_samples(part, [&](uint64_t page) {
		volatile uint64_t &word = arena_.word(page);
		// cppcheck-suppress selfAssignment // it is the write that counts
		bool writable = survives([&] { word = word; });
		if (writable != expected)
			fail(fmt::format("page {} is {}writable", page, writable ? "" : "not "));
	});
}

} // namespace xenmm
