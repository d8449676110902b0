// SPDX-License-Identifier: GPL-2.0
/*
 * Ahead of munmap and of the end of the mm. Twins leave, as the kernel frees what is hooked.
 *
 * Fast munmap: The kernel's zap clears entry by entry with an atomic exchange, each of
 * which traps into Xen. Its notifier comes first, and by then the area has left the
 * mm's tree: the core clears everything at the price of a batch or less, and the zap
 * finds nothing. (Exit needs no help: Xen PV unpins the tables before it zaps, so that
 * its stores are plain ones.)
 */
#include <linux/mmu_notifier.h>

#include "glue.h"

#ifdef CONFIG_MMU_NOTIFIER

static void xenmm_retire_locked(struct xenmm_host *host, bool is_end, unsigned long start,
				unsigned long end)
{
	if (is_end) {
		xenmm_arena_mend(host->arena);
		return;
	}
	host->is_leaving = true;
	xenmm_arena_retire(host->arena, start, end);
	host->is_leaving = false;
}

/*
 * Only tries the lock, without which there is more to do for the kernel. Reclaim may run notifiers,
 * and allocations are made under our lock; whoever holds it holds the mmap lock too, so it is free
 * in munmap but for callers that are about to find out that there is no mapping any more.
 */
static bool xenmm_invalidate(struct mmu_interval_notifier *notifier,
			     const struct mmu_notifier_range *range, unsigned long sequence)
{
	struct xenmm_area *area = container_of(notifier, struct xenmm_area, notifier);
	struct xenmm_host *host = container_of(area, struct xenmm_host, area);
	const bool is_end = range->event == MMU_NOTIFY_RELEASE;
	const unsigned long start = max(range->start, area->start);
	const unsigned long end = min(range->end, area->end);

	mmu_interval_set_seq(notifier, sequence);
	if (range->event != MMU_NOTIFY_UNMAP && !is_end)
		return true;
	if (mmu_notifier_range_blockable(range) && mutex_trylock(&host->lock)) {
		xenmm_retire_locked(host, is_end, start, end);
		mutex_unlock(&host->lock);
	}
	xenmm_arena_oust(host->arena, start, end);
	return true;
}

static const struct mmu_interval_notifier_ops xenmm_notifier_ops = {
	.invalidate = xenmm_invalidate,
};

/* mmap lock held for writing, arena lock not. -ENOMEM, -EINTR. */
int xenmm_watch(struct xenmm_host *host)
{
	struct xenmm_area *area = &host->area;
	int error =
		mmu_interval_notifier_insert_locked(&area->notifier, host->mm, area->start,
						    area->end - area->start, &xenmm_notifier_ops);

	area->is_watched = !error;
	return error;
}

/* Arena lock not held: a notification under way may be waiting for us to go on. */
void xenmm_unwatch(struct xenmm_host *host)
{
	if (host->area.is_watched)
		mmu_interval_notifier_remove(&host->area.notifier);
	host->area.is_watched = false;
}

#else

int xenmm_watch(struct xenmm_host *host)
{
	return 0;
}

void xenmm_unwatch(struct xenmm_host *host) {}

#endif
