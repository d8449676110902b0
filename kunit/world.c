// SPDX-License-Identifier: GPL-2.0
/* Arenas for tests, in the address space of the process that loads the module. */
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <xen/xen.h>

#include "world.h"

#define XENMM_MEMORY (64UL << 10)

#define XENMM_WAY(number, NAME, name, ...) {#name, XENMM_METHOD_##NAME, 0},

const struct xenmm_way xenmm_ways[] = {
	{"batch_1", XENMM_METHOD_BATCH, 1},	{"batch_31", XENMM_METHOD_BATCH, 31},
	{"batch_512", XENMM_METHOD_BATCH, 512}, {"batch_2048", XENMM_METHOD_BATCH, 2048},
	{"rebuild", XENMM_METHOD_REBUILD, 0},	{"rebuild_1", XENMM_METHOD_REBUILD, 1},
	{"flip", XENMM_METHOD_FLIP, 0},		{"auto", XENMM_METHOD_AUTO, 0},
	XENMM_ENTRY_METHODS(XENMM_WAY)};

static_assert(ARRAY_SIZE(xenmm_ways) == XENMM_NR_WAYS);
const struct xenmm_way xenmm_plain_way = {"batch_512", XENMM_METHOD_BATCH, 512};

bool xenmm_way_flips(const struct xenmm_way *way)
{
	return way->method == XENMM_METHOD_FLIP || way->method == XENMM_METHOD_AUTO;
}

/* That process waits for the suites and stays where it is. */
static struct mm_struct *xenmm_loader_mm;

int xenmm_world_suite_init(struct kunit_suite *suite)
{
	xenmm_loader_mm = current->mm;
	return xenmm_loader_mm && xen_pv_domain() ? 0 : -ENODEV;
}

bool xenmm_world_enter(const struct xenmm_world *world)
{
	if (current->mm)
		return false;
	kthread_use_mm(world->mm);
	return true;
}

void xenmm_world_leave(const struct xenmm_world *world, bool entered)
{
	if (entered)
		kthread_unuse_mm(world->mm);
}

static unsigned long xenmm_world_mmap(const struct xenmm_world *world, struct file *file,
				      unsigned long length, unsigned long flags)
{
	const bool entered = xenmm_world_enter(world);
	const unsigned long address = vm_mmap(file, 0, length, PROT_READ | PROT_WRITE, flags, 0);

	xenmm_world_leave(world, entered);
	return address;
}

struct xenmm_world *xenmm_world_open(struct kunit *test, u32 pages)
{
	struct xenmm_world *world = kunit_kzalloc(test, sizeof(*world), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, world);
	test->priv = world;
	world->mm = xenmm_loader_mm;
	world->pages = pages;
	world->page = kvcalloc(pages, sizeof(*world->page), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, world->page);
	world->file = filp_open(XENMM_DEVICE_PATH, O_RDWR, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(world->file));
	world->base = xenmm_world_mmap(world, world->file, pages * PAGE_SIZE, MAP_SHARED);
	world->memory = xenmm_world_mmap(world, NULL, XENMM_MEMORY, MAP_PRIVATE | MAP_ANONYMOUS);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(world->base) || IS_ERR_VALUE(world->memory));
	return world;
}

struct xenmm_host *xenmm_world_host(const struct xenmm_world *world)
{
	return world->file->private_data;
}

unsigned long xenmm_world_address(const struct xenmm_world *world, u32 page)
{
	return world->base + page * PAGE_SIZE;
}

static void xenmm_munmap(unsigned long address, unsigned long length)
{
	if (address && !IS_ERR_VALUE(address))
		vm_munmap(address, length);
}

static void xenmm_munmap_all(const struct xenmm_world *world)
{
	const bool entered = xenmm_world_enter(world);

	xenmm_munmap(world->base, world->pages * PAGE_SIZE);
	xenmm_munmap(world->memory, XENMM_MEMORY);
	xenmm_world_leave(world, entered);
}

/* Also of a world that was never whole. */
void xenmm_world_close(struct kunit *test)
{
	struct xenmm_world *world = test->priv;

	if (!world)
		return;
	if (!IS_ERR_OR_NULL(world->file)) {
		xenmm_munmap_all(world);
		filp_close(world->file, NULL);
	}
	kvfree(world->page);
	test->priv = NULL;
}

static int xenmm_ioctl_entered(struct xenmm_world *world, unsigned int command, struct xenmm_op *op,
			       const struct xenmm_range *ranges)
{
	void __user *argument = (void __user *)world->memory;
	const size_t length = op->nr_ranges * sizeof(*ranges);
	int error;

	if (length > XENMM_MEMORY - sizeof(*op))
		return -E2BIG;
	op->ranges = world->memory + sizeof(*op);
	if (copy_to_user(argument, op, sizeof(*op)) ||
	    copy_to_user(u64_to_user_ptr(op->ranges), ranges, length))
		return -ENOMEM;
	error = world->file->f_op->unlocked_ioctl(world->file, command, world->memory);
	return copy_from_user(op, argument, sizeof(*op)) ? -ENOMEM : error;
}

int xenmm_world_ioctl(struct xenmm_world *world, unsigned int command, struct xenmm_op *op,
		      const struct xenmm_range *ranges)
{
	const bool entered = xenmm_world_enter(world);
	const int error = xenmm_ioctl_entered(world, command, op, ranges);

	xenmm_world_leave(world, entered);
	return error;
}

int xenmm_world_read(struct xenmm_world *world, u32 page, u64 *value)
{
	const bool entered = xenmm_world_enter(world);
	const int error = get_user(*value, (u64 __user *)xenmm_world_address(world, page));

	xenmm_world_leave(world, entered);
	return error;
}

int xenmm_world_write(struct xenmm_world *world, u32 page, u64 value)
{
	const bool entered = xenmm_world_enter(world);
	const int error = put_user(value, (u64 __user *)xenmm_world_address(world, page));

	xenmm_world_leave(world, entered);
	return error;
}
