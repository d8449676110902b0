// SPDX-License-Identifier: GPL-2.0
/*
 * Fast munmap. The kernel's zap clears entry by entry with an atomic exchange, each of
 * which traps into Xen. Its notifier comes first, and by then the area has left the
 * mm's tree: the core clears everything at the price of a batch or less, and the zap
 * finds nothing. (Exit needs no help: Xen PV unpins the tables before it zaps, so that
 * its stores are plain ones.)
 */
#include <linux/mmu_notifier.h>

#include "glue.h"

#ifdef CONFIG_MMU_NOTIFIER

static void xenmm_retire_locked(struct xenmm_area *area, const struct mmu_notifier_range *range)
{
	struct xenmm_host *host = area->host;

	if (range->event == MMU_NOTIFY_RELEASE) {
		xenmm_arena_mend(host->arena);
		return;
	}
	host->is_leaving = true;
	xenmm_arena_retire(host->arena, max(range->start, area->start), min(range->end, area->end));
	host->is_leaving = false;
}

/*
 * Only tries the lock. Reclaim may run notifiers, and allocations are made under our
 * lock; whoever holds it holds the mmap lock too, so it is free in munmap but for
 * callers that are about to find out that there is no mapping any more.
 */
static bool xenmm_invalidate(struct mmu_interval_notifier *notifier,
			     const struct mmu_notifier_range *range, unsigned long sequence)
{
	struct xenmm_area *area = container_of(notifier, struct xenmm_area, notifier);

	mmu_interval_set_seq(notifier, sequence);
	if (range->event != MMU_NOTIFY_UNMAP && range->event != MMU_NOTIFY_RELEASE)
		return true;
	if (!mmu_notifier_range_blockable(range) || !mutex_trylock(&area->host->lock))
		return true;
	xenmm_retire_locked(area, range);
	mutex_unlock(&area->host->lock);
	return true;
}

static const struct mmu_interval_notifier_ops xenmm_notifier_ops = {
	.invalidate = xenmm_invalidate,
};

/* mmap lock held for writing, arena lock not. -ENOMEM, -EINTR. */
int xenmm_watch(struct xenmm_area *area)
{
	int error =
		mmu_interval_notifier_insert_locked(&area->notifier, area->host->mm, area->start,
						    area->end - area->start, &xenmm_notifier_ops);

	area->is_watched = !error;
	return error;
}

/* Arena lock not held: a notification under way may be waiting for us to go on. */
void xenmm_unwatch(struct xenmm_area *area)
{
	if (area->is_watched)
		mmu_interval_notifier_remove(&area->notifier);
	area->is_watched = false;
}

#else

int xenmm_watch(struct xenmm_area *area)
{
	return 0;
}

void xenmm_unwatch(struct xenmm_area *area) {}

#endif
