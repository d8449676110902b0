// SPDX-License-Identifier: GPL-2.0
/* See raw_world.h. */
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/pgtable.h>
#include <linux/sched/mm.h>
#include <xen/interface/xen.h>
#include <xen/interface/memory.h>
#include <xen/xen.h>
#include <asm/xen/hypercall.h>
#include <asm/xen/page.h>

#include "compat.h"
#include "glue.h"
#include "raw_world.h"

#define XENMM_RAW_SIZE (XENMM_NR_SPANS * PMD_SIZE)

static const unsigned int xenmm_slots[] = XENMM_SLOTS;

/* A page that some other domain has: Xen's table of all frames knows it, ours does not. */
static unsigned long xenmm_find_foreign(void)
{
	unsigned long mfn;

	for (mfn = 0x1000; mfn < machine_to_phys_nr; mfn++)
		if (mfn_to_pfn_no_overrides(mfn) < machine_to_phys_nr && mfn_to_pfn(mfn) == ~0UL)
			return mfn;
	return 0;
}

/* Xen's table of all frames lies in its own memory, and Xen says where. */
static unsigned long xenmm_find_xens(void)
{
	xen_pfn_t mfn = 0;
	struct xen_machphys_mfn_list list = {.max_extents = 1};

	set_xen_guest_handle(list.extent_start, &mfn);
	if (HYPERVISOR_memory_op(XENMEM_machphys_mfn_list, &list))
		return 0;
	return mfn;
}

static int xenmm_name_frames(struct xenmm_raw *world)
{
	unsigned int i;

	for (i = 0; i < XENMM_NR_PAGES; i++)
		world->mfns[XENMM_PAGE + i] = pfn_to_mfn(page_to_pfn(world->pages[i]));
	for (i = 0; i < XENMM_NR_TABLES; i++)
		world->mfns[XENMM_TABLE + i] = virt_to_mfn(world->tables[i]);
	world->mfns[XENMM_L2] = virt_to_mfn(world->l2);
	world->mfns[XENMM_FOREIGN] = xenmm_find_foreign();
	world->mfns[XENMM_XENS] = xenmm_find_xens();
	world->mfns[XENMM_IO] = 0xfee00; /* the local APIC */
	world->mfns[XENMM_BEYOND] = 0x7fffffff;
	world->mfns[XENMM_ALL_ONES] = GENMASK(39, 0);
	world->mfns[XENMM_RAW_L3] = virt_to_mfn(world->l3);
	world->mfns[XENMM_RAW_L4] = virt_to_mfn(world->l4);
	world->mfns[XENMM_RAW_VGA] = 0xb8;
	return world->mfns[XENMM_FOREIGN] && world->mfns[XENMM_XENS] ? 0 : -ENXIO;
}

static void xenmm_find_upper_tables(struct xenmm_raw *world)
{
	p4d_t *p4d = p4d_offset(pgd_offset(world->mm, world->start), world->start);

	world->l2 = (xenmm_u64 *)xenmm_walk_to_pmd(world->mm, world->start);
	world->l3 = (xenmm_u64 *)((unsigned long)pud_offset(p4d, world->start) & PAGE_MASK);
	world->l4 = (xenmm_u64 *)world->mm->pgd;
}

static int xenmm_make_tables(struct xenmm_raw *world)
{
	unsigned int i;
	int error = 0;

	mmap_write_lock(world->mm);
	for (i = 0; i < XENMM_NR_TABLES && !error; i++) {
		unsigned long address = xenmm_raw_address(world, i, 0);

		error = apply_to_page_range(world->mm, address, PAGE_SIZE, NULL, NULL);
		if (!error)
			world->tables[i] =
				(xenmm_u64 *)pmd_page_vaddr(*xenmm_walk_to_pmd(world->mm, address));
	}
	if (!error)
		xenmm_find_upper_tables(world);
	mmap_write_unlock(world->mm);
	return error;
}

/* All spans lie in one L2 table: their size divides what it maps. */
static int xenmm_make_room(struct xenmm_raw *world)
{
	world->mapping = vm_mmap(NULL, 0, 2 * XENMM_RAW_SIZE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, 0);
	if (IS_ERR_VALUE(world->mapping))
		return (int)world->mapping;
	world->start = ALIGN(world->mapping, XENMM_RAW_SIZE);
	return 0;
}

static int xenmm_make_pages(struct xenmm_raw *world)
{
	unsigned int i;

	for (i = 0; i < XENMM_NR_PAGES; i++) {
		world->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!world->pages[i])
			return -ENOMEM;
	}
	return 0;
}

static void xenmm_drop_pages(struct xenmm_raw *world)
{
	unsigned int i;

	for (i = 0; i < XENMM_NR_PAGES; i++)
		if (world->pages[i])
			__free_page(world->pages[i]);
}

static int xenmm_raw_fill(struct xenmm_raw *world)
{
	int error = xenmm_make_pages(world);

	if (!error)
		error = xenmm_make_tables(world);
	if (!error)
		error = xenmm_name_frames(world);
	if (error)
		return error;
	mmap_write_lock(world->mm);
	spin_lock(&world->mm->page_table_lock);
	error = xenmm_raw_reset(world);
	spin_unlock(&world->mm->page_table_lock);
	mmap_write_unlock(world->mm);
	return error;
}

int xenmm_raw_open(struct xenmm_raw *world)
{
	int error;

	memset(world, 0, sizeof(*world));
	if (!xen_pv_domain())
		return -EOPNOTSUPP;
	error = xenmm_make_room(world);
	if (error)
		return error;
	world->mm = current->mm;
	mmget(world->mm);
	error = xenmm_raw_fill(world);
	if (error)
		xenmm_raw_close(world);
	return error;
}

/* Linux pins L1 tables on their own only where their locks are split. */
static void xenmm_raw_give_back(struct xenmm_raw *world)
{
	unsigned int i;

	mmap_write_lock(world->mm);
	spin_lock(&world->mm->page_table_lock);
	(void)xenmm_raw_reset(world);
	for (i = 0; i < XENMM_NR_TABLES && !XENMM_COMPAT_SPLIT_LOCKS; i++)
		(void)xenmm_raw_extended(MMUEXT_UNPIN_TABLE, world->mfns[XENMM_TABLE + i],
					 DOMID_SELF);
	spin_unlock(&world->mm->page_table_lock);
	mmap_write_unlock(world->mm);
}

void xenmm_raw_close(struct xenmm_raw *world)
{
	if (!world->mm)
		return;
	if (world->mfns[XENMM_L2])
		xenmm_raw_give_back(world);
	vm_munmap(world->mapping, 2 * XENMM_RAW_SIZE);
	xenmm_drop_pages(world);
	mmput(world->mm);
	world->mm = NULL;
}

void xenmm_raw_enter(struct xenmm_raw *world) __acquires(&world->mm->page_table_lock)
{
	kthread_use_mm(world->mm);
	mmap_write_lock(world->mm);
	spin_lock(&world->mm->page_table_lock);
}

void xenmm_raw_leave(struct xenmm_raw *world) __releases(&world->mm->page_table_lock)
{
	spin_unlock(&world->mm->page_table_lock);
	mmap_write_unlock(world->mm);
	kthread_unuse_mm(world->mm);
}

/* Out of every place, so that nothing holds any of them as a table. */
static void xenmm_detach_all(struct xenmm_raw *world)
{
	unsigned int i;

	for (i = 0; i < XENMM_NR_SPANS; i++)
		(void)xenmm_raw_update(xenmm_raw_maddr(world, XENMM_L2, i), 0);
	for (i = 0; i < XENMM_NR_TABLES; i++)
		(void)xenmm_raw_extended(MMUEXT_UNPIN_TABLE, world->mfns[XENMM_TABLE + i],
					 DOMID_SELF);
}

static int xenmm_empty_table(xenmm_u64 *table)
{
	unsigned int slot;
	int error = xenmm_alias_set(table, true);

	for (slot = 0; slot < PTRS_PER_PTE && !error; slot++)
		WRITE_ONCE(table[slot], 0);
	return error ?: xenmm_alias_set(table, false);
}

static int xenmm_attach(struct xenmm_raw *world, unsigned int i)
{
	const unsigned long mfn = world->mfns[XENMM_TABLE + i];
	const xenmm_u64 value = xenmm_raw_value(world, XENMM_TABLE + i, XENMM_HOOK_FLAGS);
	int error = xenmm_raw_extended(MMUEXT_PIN_L1_TABLE, mfn, DOMID_SELF);

	if (error)
		return error;
	return xenmm_raw_update(xenmm_raw_maddr(world, XENMM_L2, i), value);
}

int xenmm_raw_reset(struct xenmm_raw *world)
{
	unsigned int i;
	int error = 0;

	xenmm_detach_all(world);
	for (i = 0; i < XENMM_NR_TABLES && !error; i++)
		error = xenmm_empty_table(world->tables[i]);
	for (i = 0; i < XENMM_NR_TABLES && !error; i++)
		error = xenmm_attach(world, i);
	return error ?: xenmm_raw_extended(MMUEXT_TLB_FLUSH_ALL, 0, DOMID_SELF);
}

void xenmm_raw_watch_raw(struct xenmm_raw *world, xenmm_u64 *watched)
{
	unsigned int i, j;

	for (i = 0; i < XENMM_NR_TABLES; i++)
		for (j = 0; j < XENMM_NR_SLOTS; j++)
			*watched++ = READ_ONCE(world->tables[i][xenmm_slots[j]]);
	for (i = 0; i < XENMM_NR_SPANS; i++)
		*watched++ = READ_ONCE(world->l2[i]);
}

xenmm_u64 xenmm_raw_named(struct xenmm_raw *world, xenmm_u64 entry)
{
	const unsigned long mfn = (entry & PTE_PFN_MASK) >> PAGE_SHIFT;
	unsigned int symbol;

	for (symbol = 0; symbol < XENMM_NR_SYMBOLS; symbol++)
		if (world->mfns[symbol] == mfn)
			return xenmm_symbolic(entry, symbol);
	return xenmm_symbolic(entry, XENMM_UNKNOWN);
}

void xenmm_raw_watch(struct xenmm_raw *world, xenmm_u64 *watched)
{
	unsigned int i;

	xenmm_raw_watch_raw(world, watched);
	for (i = 0; i < XENMM_NR_WATCHED; i++)
		watched[i] = xenmm_raw_named(world, watched[i]);
}

bool xenmm_raw_is_tidy(struct xenmm_raw *world)
{
	xenmm_u64 watched[XENMM_NR_WATCHED];
	unsigned int i, slot, seen = 0, filled = 0;

	xenmm_raw_watch_raw(world, watched);
	for (i = 0; i < XENMM_NR_TABLES * XENMM_NR_SLOTS; i++)
		seen += !!watched[i];
	for (i = 0; i < XENMM_NR_TABLES; i++)
		for (slot = 0; slot < PTRS_PER_PTE; slot++)
			filled += !!READ_ONCE(world->tables[i][slot]);
	return seen == filled;
}

unsigned long xenmm_raw_address(struct xenmm_raw *world, unsigned int span, unsigned int slot)
{
	return world->start + span * PMD_SIZE + slot * PAGE_SIZE;
}

xenmm_u64 xenmm_raw_maddr(struct xenmm_raw *world, unsigned int symbol, unsigned int slot)
{
	unsigned int first = symbol == XENMM_L2 ? pmd_index(world->start) : 0;

	return PFN_PHYS(world->mfns[symbol]) + (first + slot) * sizeof(xenmm_u64);
}

xenmm_u64 xenmm_raw_value(struct xenmm_raw *world, unsigned int symbol, xenmm_u64 flags)
{
	return PFN_PHYS(world->mfns[symbol]) | flags;
}

xenmm_u64 xenmm_alias_value(const void *memory, bool writable)
{
	unsigned int level;
	pte_t now = READ_ONCE(*lookup_address((unsigned long)memory, &level));

	return writable ? native_pte_val(now) | _PAGE_RW : native_pte_val(pte_wrprotect(now));
}

int xenmm_alias_set(const void *memory, bool writable)
{
	return xenmm_k_update_va_mapping((unsigned long)memory, xenmm_alias_value(memory, writable),
					 UVMF_INVLPG | UVMF_LOCAL);
}

int xenmm_raw_extended(unsigned int command, unsigned long mfn, unsigned int domain)
{
	struct mmuext_op op = {.cmd = command, .arg1.mfn = mfn};

	return HYPERVISOR_mmuext_op(&op, 1, NULL, domain);
}

int xenmm_raw_update(xenmm_u64 ptr, xenmm_u64 value)
{
	struct mmu_update update = {.ptr = ptr, .val = value};

	return xenmm_k_mmu_update(&update, 1, NULL);
}
