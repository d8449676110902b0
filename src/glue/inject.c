// SPDX-License-Identifier: GPL-2.0
/*
 * Fault injection, in modules built with XENMM_INJECT=1 alone: debugfs `inject` makes
 * Xen itself refuse chosen steps of the writer's process. A step is an update of an
 * entry of any level, a pin, an unpin, a va_mapping, or a store that traps; flushes and
 * the kernel's lazy queue, which would warn, are not counted.
 *
 *   echo "3 2" >inject       the next 3 steps work, the 2 behind them are refused
 *   echo "3 2 12" >inject    and the answer is -12 (ENOMEM)
 *
 * A chosen step is made nonsense before it is submitted, so the refusal, partial
 * completion, and a multicall that goes on, are Xen's own. What is for Xen to say, but for
 * a test to choose, is the reason: it is put in the place of Xen's answer to nonsense.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <xen/interface/xen.h>
#include <asm/xen/hypercall.h>

#include "glue.h"
#include "inject.h"

#define XENMM_NO_COMMAND 7 /* of an mmu_update */
#define XENMM_NO_HYPERCALL 63

static DEFINE_SPINLOCK(xenmm_inject_lock); /* the four below */
static u64 xenmm_inject_after, xenmm_inject_times;
static pid_t xenmm_inject_process;
static int xenmm_inject_errno; /* 0: as Xen says */

/* Is the next step one to be refused? */
static bool xenmm_inject_step(void)
{
	bool chosen = false;

	spin_lock(&xenmm_inject_lock);
	if (xenmm_inject_times && current->tgid == xenmm_inject_process) {
		chosen = !xenmm_inject_after;
		if (chosen)
			xenmm_inject_times--;
		else
			xenmm_inject_after--;
	}
	spin_unlock(&xenmm_inject_lock);
	return chosen;
}

/* Nobody but us makes such calls, so these two are answers to nonsense. */
int xenmm_inject_answer(int answer)
{
	const int wanted = READ_ONCE(xenmm_inject_errno);

	if (!wanted || current->tgid != READ_ONCE(xenmm_inject_process))
		return answer;
	return answer == -ENOSYS || answer == -EINVAL ? -wanted : answer;
}

void xenmm_inject_answers(struct multicall_entry *calls, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		calls[i].result = xenmm_inject_answer((int)calls[i].result);
}

/* An entry that nobody may have: it maps the last frame that there could be. */
u64 xenmm_inject_value(u64 value)
{
	return xenmm_inject_step() ? _PAGE_PRESENT | PTE_PFN_MASK : value;
}

void xenmm_inject_updates(struct mmu_update *updates, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (xenmm_inject_step())
			updates[i].ptr |= XENMM_NO_COMMAND;
}

static bool xenmm_inject_is_flush(const struct multicall_entry *call)
{
	const struct mmuext_op *op = (const struct mmuext_op *)call->args[0];

	return call->op == __HYPERVISOR_mmuext_op && op->cmd == MMUEXT_TLB_FLUSH_ALL;
}

void xenmm_inject_calls(struct multicall_entry *calls, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (calls[i].op == __HYPERVISOR_mmu_update)
			xenmm_inject_updates((struct mmu_update *)calls[i].args[0],
					     calls[i].args[1]);
		else if (!xenmm_inject_is_flush(&calls[i]) && xenmm_inject_step())
			calls[i].op = XENMM_NO_HYPERCALL;
}

/* What is left of both, so that a test sees how many steps there were. */
static ssize_t xenmm_inject_read(struct file *file, char __user *buffer, size_t length,
				 loff_t *offset)
{
	char text[48];
	int count = scnprintf(text, sizeof(text), "%llu %llu\n", READ_ONCE(xenmm_inject_after),
			      READ_ONCE(xenmm_inject_times));

	return simple_read_from_buffer(buffer, length, offset, text, count);
}

static ssize_t xenmm_inject_write(struct file *file, const char __user *buffer, size_t length,
				  loff_t *offset)
{
	char text[48] = {};
	unsigned int wanted = 0;
	u64 after, times;

	if (length >= sizeof(text) || copy_from_user(text, buffer, length))
		return -EINVAL;
	if (sscanf(text, "%llu %llu %u", &after, &times, &wanted) < 2 || wanted > MAX_ERRNO)
		return -EINVAL;
	spin_lock(&xenmm_inject_lock);
	xenmm_inject_after = after;
	xenmm_inject_times = times;
	xenmm_inject_process = current->tgid;
	xenmm_inject_errno = wanted;
	spin_unlock(&xenmm_inject_lock);
	return length;
}

static const struct file_operations xenmm_inject_fops = {
	.owner = THIS_MODULE,
	.read = xenmm_inject_read,
	.write = xenmm_inject_write,
	.llseek = noop_llseek,
};

void xenmm_inject_create(struct dentry *folder)
{
	debugfs_create_file("inject", 0600, folder, NULL, &xenmm_inject_fops);
}
