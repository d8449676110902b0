// SPDX-License-Identifier: GPL-2.0
// Sequences that nobody thought of: the same for a seed on every machine, because only the
// engine's own numbers are used.
#include <random>

#include "script.hpp"

namespace xenmm::test
{

namespace
{

class Author
{
public:
	explicit Author(uint64_t seed) : engine_(seed) {}

	Script write(const std::string &name, unsigned length)
	{
		Script script = {name, {}};
		while (script.steps.size() < length)
			script << (one_in(4) ? group() : Steps{step()});
		return script;
	}

private:
	unsigned below(unsigned limit) { return static_cast<unsigned>(engine_() % limit); }
	bool one_in(unsigned n) { return below(n) == 0; }
	unsigned any_table() { return table(below(XENMM_NR_TABLES)); }
	unsigned slot() { return kSlots[below(XENMM_NR_SLOTS)]; }

	unsigned frame()
	{
		if (one_in(8))
			return kStrangers[below(5)];
		if (one_in(4))
			return one_in(6) ? unsigned{XENMM_L2} : any_table();
		return page(below(XENMM_NR_PAGES));
	}

	uint64_t flags()
	{
		uint64_t flags = one_in(2) ? kWritable : kReadOnly;
		for (uint64_t bit : {kUs, kA, kD, kG, kSpecial, kNx, kGuestKernel})
			flags ^= one_in(6) ? bit : 0;
		for (uint64_t bit : {kPwt, kPcd, kPat, kGrant})
			flags |= one_in(60) ? bit : 0;
		return flags;
	}

	// The frame and the flags of `step`, or nothing.
	xenmm_step filled(xenmm_step step)
	{
		if (!one_in(4)) {
			step.frame = static_cast<xenmm_u8>(frame());
			step.flags = flags();
		}
		return step;
	}

	xenmm_step hook_update()
	{
		unsigned span = below(XENMM_NR_SPANS);
		if (one_in(3))
			return unhook(span);
		return hook(span, one_in(10) ? frame() : any_table());
	}

	xenmm_step update_step()
	{
		static constexpr unsigned kCommands[] = {0, 0, 0, 0, 2, 2, 2, 3};
		if (one_in(8))
			return hook_update();
		unsigned target = one_in(30) ? frame() : any_table();
		if (target == XENMM_L2)
			return hook_update();
		xenmm_step step = filled(update(target, slot(), XENMM_NO_FRAME, 0));
		step.command = static_cast<xenmm_u8>(one_in(50) ? 7 : kCommands[below(8)]);
		return step;
	}

	// A table on its way out or back, so that the others have something to meet.
	xenmm_step table_step()
	{
		unsigned target = one_in(12) ? frame() : any_table();
		switch (below(4)) {
		case 0:
			return pin(target);
		case 1:
			return unpin(target);
		case 2:
			return alias_rw(any_table());
		}
		return alias_ro(any_table());
	}

	xenmm_step step()
	{
		switch (below(8)) {
		case 0:
		case 1:
			return table_step();
		case 2:
			return filled(va_mapping(below(XENMM_NR_SPANS), slot(), XENMM_NO_FRAME, 0));
		case 3:
		case 4:
			return filled(store(any_table(), slot(), XENMM_NO_FRAME, 0));
		}
		return update_step();
	}

	Steps group()
	{
		if (one_in(6))
			return one_in(2) ? take_out(below(XENMM_NR_TABLES))
					 : put_back(below(XENMM_NR_TABLES));
		Steps steps = {update_step()};
		xenmm_u8 link = one_in(2) ? XENMM_LINK_UPDATE : XENMM_LINK_CALL;
		for (unsigned more = below(6); more; more--) {
			steps.push_back(link == XENMM_LINK_CALL ? call_step() : update_step());
			steps.back().link = link;
		}
		return steps;
	}

	// All but a store, which is no hypercall.
	xenmm_step call_step()
	{
		xenmm_step chosen = step();
		while (chosen.act == XENMM_ACT_STORE)
			chosen = step();
		return one_in(20) ? (one_in(2) ? flush() : nonsense()) : chosen;
	}

	std::mt19937_64 engine_;
};

} // namespace

Scripts random_scripts(uint64_t seed, unsigned count, unsigned length)
{
	Scripts scripts;
	for (unsigned i = 0; i < count; i++)
		scripts.push_back(
			Author(seed + i).write("random, seed " + std::to_string(seed + i), length));
	return scripts;
}

} // namespace xenmm::test
