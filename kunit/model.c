// SPDX-License-Identifier: GPL-2.0
/* What must be true of each page of an arena: include/uapi/xenmm.h in a few lines. */
#include <linux/slab.h>

#include "world.h"

const struct xenmm_deed xenmm_populate = {"populate", XENMM_IOC_POPULATE, 0};
const struct xenmm_deed xenmm_discard = {"discard", XENMM_IOC_DISCARD, 0};
const struct xenmm_deed xenmm_map = {"map", XENMM_IOC_MAP, 0};
const struct xenmm_deed xenmm_unmap = {"unmap", XENMM_IOC_UNMAP, 0};
const struct xenmm_deed xenmm_protect_ro = {"protect_ro", XENMM_IOC_PROTECT, XENMM_PROT_READ};
const struct xenmm_deed xenmm_protect_rw = {"protect_rw", XENMM_IOC_PROTECT, XENMM_PROT_READ_WRITE};

bool xenmm_revokes(const struct xenmm_deed *deed)
{
	return deed == &xenmm_unmap || deed == &xenmm_discard || deed == &xenmm_protect_ro;
}

bool xenmm_changes(const struct xenmm_page *page, const struct xenmm_deed *deed)
{
	if (deed == &xenmm_populate)
		return !page->is_mapped;
	if (deed == &xenmm_map)
		return page->has_page && !page->is_mapped;
	if (deed == &xenmm_protect_ro)
		return page->is_mapped && !page->is_read_only;
	if (deed == &xenmm_protect_rw)
		return page->is_mapped && page->is_read_only;
	return page->is_mapped;
}

static void xenmm_model_protect(struct xenmm_page *page, const struct xenmm_deed *deed)
{
	page->is_read_only = deed == &xenmm_protect_ro;
}

/* A new entry is marked as accessed and is not dirty. */
static void xenmm_model_presence(struct xenmm_page *page, const struct xenmm_deed *deed)
{
	if (xenmm_changes(page, deed))
		page->accessed_dirty = _PAGE_ACCESSED;
	if (deed == &xenmm_populate)
		page->has_page = true;
	page->is_mapped = page->has_page && !xenmm_revokes(deed);
	if (deed == &xenmm_discard) {
		page->has_page = false;
		page->pfn = 0;
		page->tag = 0;
	}
}

void xenmm_model(struct xenmm_world *world, const struct xenmm_deed *deed,
		 const struct xenmm_pages *pages)
{
	u32 i;

	for (; pages->pages; pages++)
		for (i = pages->first; i < pages->first + pages->pages; i++) {
			if (deed->prot)
				xenmm_model_protect(&world->page[i], deed);
			else
				xenmm_model_presence(&world->page[i], deed);
		}
}

static void xenmm_expect_done(struct kunit *test, const struct xenmm_deed *deed,
			      const struct xenmm_op *op, u64 pages, int error)
{
	XENMM_EXPECT(test, deed->name, error, 0);
	XENMM_EXPECT(test, "pages_done", op->pages_done, pages);
	XENMM_EXPECT(test, "failed_address", op->failed_address, 0);
	XENMM_EXPECT(test, "hypervisor_error", op->hypervisor_error, 0);
}

void xenmm_do(struct kunit *test, const struct xenmm_deed *deed, const struct xenmm_way *way,
	      const struct xenmm_pages *pages)
{
	struct xenmm_world *world = test->priv;
	struct xenmm_range ranges[XENMM_MOST_PAGES];
	struct xenmm_op op = {.method = way->method, .batch = way->batch, .prot = deed->prot};
	u64 sum = 0;
	int error;

	for (; pages[op.nr_ranges].pages; op.nr_ranges++) {
		const struct xenmm_pages *at = &pages[op.nr_ranges];

		ranges[op.nr_ranges] = (struct xenmm_range){xenmm_world_address(world, at->first),
							    at->pages * PAGE_SIZE};
		sum += at->pages;
	}
	error = xenmm_world_ioctl(world, deed->command, &op, ranges);
	xenmm_model(world, deed, pages);
	xenmm_expect_done(test, deed, &op, sum, error);
}

void xenmm_do_each(struct kunit *test, const struct xenmm_deed *deed, u32 n, u32 rest)
{
	struct xenmm_world *world = test->priv;
	struct xenmm_op op = {.method = XENMM_METHOD_BATCH, .batch = 512, .prot = deed->prot};
	struct xenmm_range *ranges = kcalloc(world->pages, sizeof(*ranges), GFP_KERNEL);
	int error = -ENOMEM;
	u32 i;

	for (i = rest; ranges && i < world->pages; i += n) {
		ranges[op.nr_ranges++] =
			(struct xenmm_range){xenmm_world_address(world, i), PAGE_SIZE};
		xenmm_model(world, deed, (struct xenmm_pages[]){{i, 1}, {}});
	}
	if (ranges)
		error = xenmm_world_ioctl(world, deed->command, &op, ranges);
	xenmm_expect_done(test, deed, &op, op.nr_ranges, error);
	kfree(ranges);
}

static void xenmm_tag_page(struct kunit *test, struct xenmm_world *world, u32 i)
{
	struct xenmm_page *page = &world->page[i];
	u64 *content = page_address(pfn_to_page(page->pfn));

	page->tag = 0x7461670000000000ULL | (i + 1);
	content[PAGE_SIZE / sizeof(u64) - 1] = page->tag;
	content[0] = page->tag;
	if (i % 2 == 0 && page->is_mapped && !page->is_read_only)
		XENMM_EXPECT(test, "write", xenmm_world_write(world, i, page->tag), 0);
}

void xenmm_tag_pages(struct kunit *test)
{
	struct xenmm_world *world = test->priv;
	bool entered;
	u32 i;

	xenmm_check(test, NULL);	    /* finds the frames */
	entered = xenmm_world_enter(world); /* once: a switch costs more than the writes */
	for (i = 0; i < world->pages; i++)
		if (world->page[i].pfn)
			xenmm_tag_page(test, world, i);
	xenmm_world_leave(world, entered);
}
