// SPDX-License-Identifier: GPL-2.0
// See script.hpp.
#include "script.hpp"

namespace xenmm::test
{

xenmm_step step_of(unsigned act, unsigned target, unsigned slot, unsigned frame, uint64_t flags,
		   unsigned command)
{
	xenmm_step step = {};
	step.act = static_cast<xenmm_u8>(act);
	step.target = static_cast<xenmm_u8>(target);
	step.slot = static_cast<xenmm_u16>(slot);
	step.frame = static_cast<xenmm_u8>(frame);
	step.flags = flags;
	step.command = static_cast<xenmm_u8>(command);
	return step;
}

xenmm_step update(unsigned target, unsigned slot, unsigned frame, uint64_t flags, unsigned command)
{
	return step_of(XENMM_ACT_UPDATE, target, slot, frame, flags, command);
}
xenmm_step va_mapping(unsigned span, unsigned slot, unsigned frame, uint64_t flags)
{
	return step_of(XENMM_ACT_VA_MAPPING, span, slot, frame, flags);
}
xenmm_step store(unsigned target, unsigned slot, unsigned frame, uint64_t flags)
{
	return step_of(XENMM_ACT_STORE, target, slot, frame, flags);
}
xenmm_step alias_ro(unsigned target)
{
	return step_of(XENMM_ACT_ALIAS_RO, target);
}
xenmm_step alias_rw(unsigned target)
{
	return step_of(XENMM_ACT_ALIAS_RW, target);
}
xenmm_step pin(unsigned target)
{
	return step_of(XENMM_ACT_PIN, target);
}
xenmm_step unpin(unsigned target)
{
	return step_of(XENMM_ACT_UNPIN, target);
}
xenmm_step hook(unsigned span, unsigned frame)
{
	return update(XENMM_L2, span, frame, XENMM_HOOK_FLAGS);
}
xenmm_step unhook(unsigned span)
{
	return update(XENMM_L2, span, XENMM_NO_FRAME, 0);
}
xenmm_step flush()
{
	return step_of(XENMM_ACT_FLUSH, 0);
}
xenmm_step nonsense()
{
	return step_of(XENMM_ACT_NONSENSE, 0);
}

Steps batch(std::initializer_list<xenmm_step> updates)
{
	Steps steps = updates;
	for (size_t i = 1; i < steps.size(); i++)
		steps[i].link = XENMM_LINK_UPDATE;
	return steps;
}

Steps multicall(std::initializer_list<Steps> calls)
{
	Steps steps;
	for (Steps call : calls) {
		if (!steps.empty())
			call[0].link = XENMM_LINK_CALL;
		steps.insert(steps.end(), call.begin(), call.end());
	}
	return steps;
}

Steps take_out(unsigned i)
{
	return multicall({{unhook(i)}, {unpin(table(i))}, {alias_rw(table(i))}});
}

Steps put_back(unsigned i)
{
	return multicall({{alias_ro(table(i))}, {pin(table(i))}, {hook(i, table(i))}});
}

} // namespace xenmm::test
