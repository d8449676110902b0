// SPDX-License-Identifier: GPL-2.0
// A part of the comparison, before it is drawn: what the terminal shows as a table the
// page shows as a table and charts. A figure that is missing is "n/a" with a reason below.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xenmm
{

class Comparison;
struct Measured;

struct Bar {
	std::string label;
	size_t colour;		     // the same for one system everywhere
	std::optional<double> value; // nothing: no bar, the text says why
	std::string text;
};

struct BarChart {
	std::string title;
	std::vector<Bar> bars;
};

struct Line {
	std::string name;
	size_t colour;
	std::vector<std::pair<double, double>> points;
};

struct LineChart {
	std::string title;
	std::string x_title;
	std::vector<Line> lines;
};

struct Section {
	std::string title;
	std::string text;		// what the figures are
	std::vector<std::string> heads; // of the columns; the first one is text
	std::vector<std::vector<std::string>> rows;
	std::vector<std::string> notes; // reasons, by number
	std::vector<BarChart> bars;
	std::vector<LineChart> lines;

	// "n/a [1]", with the reason among the notes.
	std::string not_available(const std::string &reason);
};

// A row is a workload, a column a system.
Section section_by_system(const Comparison &comparison);

// Those of which the files have something.
std::vector<Section> make_sections(const Comparison &comparison);

// Each section's maker; a section without rows has nothing to show.
Section stock_section(const Comparison &comparison);
Section arena_section(const Comparison &comparison);
Section uses_section(const Comparison &comparison);
Section walk_section(const Comparison &comparison);
Section memory_section(const Comparison &comparison);
Section entries_section(const Comparison &comparison);
Section agreement_section(const Comparison &comparison);

// How often a page's work alone enters the hypervisor; nothing where that was not traced.
std::optional<double> entries_per_page(const Comparison &comparison, const Measured &row);

// Workloads that selftests/programs writes, and bench does not know: redis-server's fork, without
// and with the hint; copies of the pages of a Lua heap that were written, and those writes.
inline constexpr const char *kRedisFork = "redis-fork";
inline constexpr const char *kRedisForkHinted = "redis-fork-hinted";
inline constexpr const char *kProgramWorkloads[] = {
	kRedisFork,	   kRedisForkHinted,	 "lua-checkpoint-arena", "lua-checkpoint-mprotect",
	"lua-write-arena", "lua-write-mprotect",
};

// Titles of the next two.
inline constexpr const char *kFound = "What was found";
inline constexpr const char *kNotShown = "What these figures cannot show";

// Plain sentences that say what was found, each with its figure.
std::vector<std::string> findings(const Comparison &comparison);
// What the figures cannot show here; a sentence each.
std::vector<std::string> caveats(const Comparison &comparison);

} // namespace xenmm
