// SPDX-License-Identifier: GPL-2.0
/*
 * Carries out the steps of a sequence (replay.h) on Xen, as selftests/host/replay does on
 * FakeXen.
 */
#include <linux/mm.h>
#include <xen/interface/xen.h>
#include <asm/xen/hypercall.h>

#include "glue.h"
#include "raw_world.h"

#define XENMM_NO_HYPERCALL 63

/* A hypercall, or a multicall of several. */
struct xenmm_group {
	struct xenmm_raw *world;
	const struct xenmm_step *step[XENMM_MAX_GROUP];
	unsigned int nr_steps;
	unsigned int call_of[XENMM_MAX_GROUP]; /* of a step */
	struct multicall_entry calls[XENMM_MAX_GROUP];
	unsigned int nr_calls;
	/* What the calls point to. */
	struct mmu_update updates[XENMM_MAX_GROUP];
	struct mmuext_op ops[XENMM_MAX_GROUP];
	u32 done[XENMM_MAX_GROUP];
};

static xenmm_u64 *xenmm_table_of(struct xenmm_raw *world, const struct xenmm_step *step)
{
	return world->tables[step->target - XENMM_TABLE];
}

static void xenmm_add_mapping(struct xenmm_group *group, struct multicall_entry *call,
			      const struct xenmm_step *step)
{
	struct xenmm_raw *world = group->world;

	call->op = __HYPERVISOR_update_va_mapping;
	if (step->act == XENMM_ACT_VA_MAPPING) {
		call->args[0] = xenmm_raw_address(world, step->target, step->slot);
		call->args[1] = xenmm_raw_value(world, step->frame, step->flags);
		call->args[2] = UVMF_NONE;
	} else {
		call->args[0] = (unsigned long)xenmm_table_of(world, step);
		call->args[1] = xenmm_alias_value(xenmm_table_of(world, step),
						  step->act == XENMM_ACT_ALIAS_RW);
		call->args[2] = UVMF_INVLPG | UVMF_LOCAL;
	}
}

static void xenmm_add_extended(struct xenmm_group *group, struct multicall_entry *call,
			       const struct xenmm_step *step)
{
	struct mmuext_op *op = &group->ops[group->nr_calls];

	switch (step->act) {
	case XENMM_ACT_PIN:
		op->cmd = MMUEXT_PIN_L1_TABLE;
		break;
	case XENMM_ACT_UNPIN:
		op->cmd = MMUEXT_UNPIN_TABLE;
		break;
	default:
		op->cmd = MMUEXT_TLB_FLUSH_ALL;
	}
	op->arg1.mfn = group->world->mfns[step->target];
	call->op = __HYPERVISOR_mmuext_op;
	call->args[0] = (unsigned long)op;
	call->args[1] = 1;
	call->args[2] = 0;
	call->args[3] = DOMID_SELF;
}

static void xenmm_add_update(struct xenmm_group *group, const struct xenmm_step *step)
{
	struct mmu_update *update = &group->updates[group->nr_steps];

	update->ptr = xenmm_raw_maddr(group->world, step->target, step->slot) | step->command;
	update->val = xenmm_raw_value(group->world, step->frame, step->flags);
}

static void xenmm_add_updates(struct xenmm_group *group, struct multicall_entry *call)
{
	call->op = __HYPERVISOR_mmu_update;
	call->args[0] = (unsigned long)&group->updates[group->nr_steps];
	call->args[1] = 0;
	call->args[2] = (unsigned long)&group->done[group->nr_calls];
	call->args[3] = DOMID_SELF;
}

static void xenmm_add_call(struct xenmm_group *group, const struct xenmm_step *step)
{
	struct multicall_entry *call = &group->calls[group->nr_calls];

	switch (step->act) {
	case XENMM_ACT_UPDATE:
		xenmm_add_updates(group, call);
		break;
	case XENMM_ACT_VA_MAPPING:
	case XENMM_ACT_ALIAS_RO:
	case XENMM_ACT_ALIAS_RW:
		xenmm_add_mapping(group, call, step);
		break;
	case XENMM_ACT_PIN:
	case XENMM_ACT_UNPIN:
	case XENMM_ACT_FLUSH:
		xenmm_add_extended(group, call, step);
		break;
	default:
		call->op = XENMM_NO_HYPERCALL;
	}
	group->nr_calls++;
}

static void xenmm_add_step(struct xenmm_group *group, const struct xenmm_step *step)
{
	if (!group->nr_steps || step->link == XENMM_LINK_CALL)
		xenmm_add_call(group, step);
	if (step->act == XENMM_ACT_UPDATE) {
		xenmm_add_update(group, step);
		group->calls[group->nr_calls - 1].args[1]++;
	}
	group->call_of[group->nr_steps] = group->nr_calls - 1;
	group->step[group->nr_steps++] = step;
}

/* A hypercall of its own takes another way into Xen than an entry of a multicall. */
static int xenmm_call_alone(struct xenmm_group *group)
{
	const struct multicall_entry *call = &group->calls[0];
	const struct xenmm_step *step = group->step[0];

	if (step->act == XENMM_ACT_STORE)
		return xenmm_k_store(&xenmm_table_of(group->world, step)[step->slot],
				     xenmm_raw_value(group->world, step->frame, step->flags));
	switch (call->op) {
	case __HYPERVISOR_mmu_update:
		return xenmm_k_mmu_update(group->updates, group->nr_steps, &group->done[0]);
	case __HYPERVISOR_update_va_mapping:
		return xenmm_k_update_va_mapping(call->args[0], call->args[1], call->args[2]);
	case __HYPERVISOR_mmuext_op:
		return xenmm_k_mmuext_op(group->ops, 1);
	}
	return xenmm_k_multicall(group->calls, 1) ?: (int)group->calls[0].result;
}

static void xenmm_call_group(struct xenmm_group *group)
{
	unsigned int i;
	int error;

	if (group->nr_calls == 1) {
		group->calls[0].result = xenmm_call_alone(group);
		return;
	}
	error = xenmm_k_multicall(group->calls, group->nr_calls);
	for (i = 0; i < group->nr_calls && error; i++)
		group->calls[i].result = error;
}

/* The entry that a step is about, where that is one of a table of ours. */
static xenmm_u64 xenmm_entry_of(struct xenmm_raw *world, const struct xenmm_step *step)
{
	const bool is_table = step->target >= XENMM_TABLE && step->target < XENMM_L2;

	if (step->act != XENMM_ACT_UPDATE && step->act != XENMM_ACT_STORE)
		return 0;
	if (step->target == XENMM_L2)
		return xenmm_raw_named(world, READ_ONCE(world->l2[step->slot]));
	return is_table ? xenmm_raw_named(world, READ_ONCE(xenmm_table_of(world, step)[step->slot]))
			: 0;
}

static void xenmm_take_answers(const struct xenmm_group *group, struct xenmm_answer *answers)
{
	xenmm_u64 watched[XENMM_NR_WATCHED];
	unsigned int i;

	xenmm_raw_watch(group->world, watched);
	for (i = 0; i < group->nr_steps; i++) {
		answers[i].result = (int)group->calls[group->call_of[i]].result;
		answers[i].done = group->done[group->call_of[i]];
		answers[i].entry = xenmm_entry_of(group->world, group->step[i]);
		answers[i].digest = xenmm_digest(watched);
	}
}

unsigned int xenmm_raw_play(struct xenmm_raw *world, const struct xenmm_step *steps, size_t stride,
			    unsigned int count, struct xenmm_answer *answers)
{
	/* Too large for a stack; whoever is inside a world is alone. */
	static struct xenmm_group group;
	const struct xenmm_step *step = steps;

	memset(&group, 0, sizeof(group));
	group.world = world;
	do {
		xenmm_add_step(&group, step);
		step = (const void *)step + stride;
	} while (group.nr_steps < min(count, XENMM_MAX_GROUP) && step->link != XENMM_LINK_NONE);
	xenmm_call_group(&group);
	xenmm_take_answers(&group, answers);
	return group.nr_steps;
}
