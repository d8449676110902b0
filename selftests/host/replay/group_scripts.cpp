// SPDX-License-Identifier: GPL-2.0
// Several updates in one hypercall, and a bad one among them: an mmu_update stops there and
// counts, a multicall goes on.
#include "script.hpp"

namespace xenmm::test
{

namespace
{

constexpr unsigned kLength = 5;

// One of each kind of refusal that an update can meet.
const xenmm_step kBad[] = {
	update(table(1), 2, XENMM_FOREIGN, kReadOnly),	update(table(1), 2, XENMM_IO, kReadOnly),
	update(table(1), 2, XENMM_ALL_ONES, kP),	update(table(1), 2, table(2), kWritable),
	update(table(1), 2, page(0), kReadOnly | kPcd), update(table(1), 2, page(0), kReadOnly, 7),
	update(XENMM_FOREIGN, 2, page(0), kReadOnly),	hook(6, page(0)),
};

xenmm_step good(unsigned i)
{
	return update(table(i % 3), kSlots[i], page(i), kWritable);
}

Steps with_bad_one(const xenmm_step &bad, unsigned at, xenmm_u8 link)
{
	Steps steps;
	for (unsigned i = 0; i < kLength; i++) {
		steps.push_back(i == at ? bad : good(i));
		steps.back().link = i ? link : xenmm_u8{XENMM_LINK_NONE};
	}
	return steps;
}

Script bad_one(const char *name, unsigned at, xenmm_u8 link)
{
	Script script = {std::string(name) + ": the bad one is number " + std::to_string(at), {}};
	for (const xenmm_step &bad : kBad) {
		script << with_bad_one(bad, at, link);
		for (unsigned i = 0; i < kLength; i++)
			script << update(table(i % 3), kSlots[i], XENMM_NO_FRAME, 0);
	}
	return script;
}

Script mixed_calls()
{
	Script script = {"multicall: all kinds of entries", {}};
	script << multicall({{va_mapping(0, 0, page(0), kWritable)},
			     {nonsense()},
			     {va_mapping(0, 1, XENMM_FOREIGN, kReadOnly)},
			     {flush()},
			     batch({update(table(1), 0, page(1), kWritable),
				    update(table(1), 1, XENMM_IO, kWritable),
				    update(table(1), 2, page(2), kWritable)}),
			     {va_mapping(7, 0, page(0), kWritable)},
			     {unpin(page(0))},
			     {va_mapping(0, 2, page(3), kReadOnly)}});
	script << multicall({batch({update(table(1), 0, page(1), kReadOnly, 2),
				    update(table(0), 0, page(0), kReadOnly, 2)}),
			     {flush()}});
	script << nonsense() << flush();
	return script;
}

Script twice_in_one()
{
	Script script = {"mmu_update: the same entry again and again", {}};
	script << batch(
		{update(table(0), 0, page(0), kWritable), update(table(0), 0, page(0), kReadOnly),
		 update(table(0), 0, page(1), kWritable), update(table(0), 0, XENMM_NO_FRAME, 0),
		 update(table(0), 0, page(2), kWritable), update(table(0), 0, table(0), kWritable),
		 update(table(0), 0, page(3), kWritable)});
	return script;
}

Script exchange()
{
	Script script = {"mmu_update: tables change places", {}};
	script << batch({hook(0, table(1)), hook(1, table(0))})
	       << batch({hook(0, table(0)), hook(1, XENMM_FOREIGN)})
	       << batch({hook(1, table(1)), hook(2, table(3)), hook(3, page(0))})
	       << batch({hook(2, table(3)), hook(3, table(2)),
			 update(XENMM_L2, 0, table(1), 0x67, 7)})
	       << multicall({batch({hook(2, table(2)), hook(3, table(3))}), {flush()}});
	return script;
}

} // namespace

Scripts group_scripts()
{
	Scripts scripts = {mixed_calls(), twice_in_one(), exchange()};
	for (unsigned at = 0; at < kLength; at++) {
		scripts.push_back(bad_one("mmu_update", at, XENMM_LINK_UPDATE));
		scripts.push_back(bad_one("multicall", at, XENMM_LINK_CALL));
	}
	return scripts;
}

} // namespace xenmm::test
