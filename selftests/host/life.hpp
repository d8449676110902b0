// SPDX-License-Identifier: GPL-2.0
// The life of one arena, at random: operations by any of the given methods, accesses,
// save and restore, partial unmapping of either mapping, refusals by Xen; and a model
// (model.hpp) that the arena has to agree with after every step. It ends early when
// the arena dies, which it may only where Xen refused something.
#pragma once

#include <optional>

#include "model.hpp"
#include "refusals.hpp"

namespace xenmm::test
{

struct Setting {
	std::vector<How> hows;
	bool with_refusals;
	// Three tables of the arena's own, and one that is not all its own.
	uint64_t pages = 3 * kTableEntries + 176;
	std::optional<xenmm_cost> prices = {};
};

class Life
{
public:
	Life(const Setting &setting, Choices &choices);

	// Steps of every kind, at most so many: answers how many. Stops at the first one
	// that goes wrong, and when nothing is left to choose from.
	unsigned run(unsigned steps);

private:
	uint64_t below(uint64_t n) { return choices_.below(n); }
	void step();
	void compare();
	void end();

	// Accesses.
	void touch_some();
	void touch(uint64_t number, bool write, uint32_t window);
	void look_at(VirtAddr page);
	void look_at_all(uint64_t first, uint64_t pages);
	void look_around();

	// What unmaps, and what only looks like it.
	void refuse_a_move();
	void drop_a_table();
	void unmap_a_span();
	void oust_twins();
	std::set<uint64_t> shown_by_twins(uint64_t first, uint64_t pages);

	// Operations.
	Pieces some_pieces();
	Pieces some_spread_pieces();
	Pieces outside_of_holes(const Pieces &pieces);
	bool is_in_hole(uint64_t number) const { return holes_.contains(number / kTableEntries); }
	void operate();
	void run_by(How how, Op op, const Pieces &pieces);
	void run_refused(How how, Op op, const Pieces &pieces);
	void run_with_others(How how, Op op, const Pieces &pieces);
	void check_answer(Op op, const Pieces &pieces);

	const Setting &setting_;
	const uint64_t pages_, spans_;
	Choices &choices_;
	Harness h_;
	Model model_;
	std::set<uint64_t> holes_; // spans that were unmapped
	std::string doing_;	   // for messages
	uint64_t last_content_ = 0;
};

} // namespace xenmm::test
