/* SPDX-License-Identifier: GPL-2.0 */
/* Fault injection (inject.c); nothing at all in a module built without it. */
#ifndef XENMM_INJECT_H
#define XENMM_INJECT_H

#include <linux/types.h>

struct dentry;
struct mmu_update;
struct multicall_entry;

#ifdef XENMM_INJECT
void xenmm_inject_create(struct dentry *folder);
u64 xenmm_inject_value(u64 value);
void xenmm_inject_updates(struct mmu_update *updates, u32 count);
void xenmm_inject_calls(struct multicall_entry *calls, u32 count);
int xenmm_inject_answer(int answer);
void xenmm_inject_answers(struct multicall_entry *calls, u32 count);
#else
static inline void xenmm_inject_create(struct dentry *folder) {}

static inline u64 xenmm_inject_value(u64 value)
{
	return value;
}

static inline void xenmm_inject_updates(struct mmu_update *updates, u32 count) {}
static inline void xenmm_inject_calls(struct multicall_entry *calls, u32 count) {}

static inline int xenmm_inject_answer(int answer)
{
	return answer;
}

static inline void xenmm_inject_answers(struct multicall_entry *calls, u32 count) {}
#endif

#endif /* XENMM_INJECT_H */
