// SPDX-License-Identifier: GPL-2.0
/*
 * Arithmetic of entries and addresses by the layout of the Intel SDM (vol. 3, table
 * 4-20), and what the core says outwards: errno values, names, the histogram's buckets.
 */
#include "probe.h"
#include "suites.h"
#include "uapi/xenmm.h"

#define XENMM_P BIT_ULL(0)
#define XENMM_RW BIT_ULL(1)
#define XENMM_US BIT_ULL(2)
#define XENMM_A BIT_ULL(5)
#define XENMM_D BIT_ULL(6)
#define XENMM_G BIT_ULL(8)
#define XENMM_SPECIAL BIT_ULL(9)
#define XENMM_NX BIT_ULL(63)

#define XENMM_RO_FLAGS (XENMM_P | XENMM_US | XENMM_A | XENMM_SPECIAL | XENMM_NX)
#define XENMM_RW_FLAGS (XENMM_RO_FLAGS | XENMM_RW)
#define XENMM_FRAME 0x12345000ULL
/* The highest frame: 52 bits of physical address. */
#define XENMM_TOP 0x000ffffffffff000ULL

/* Entry and flags in, entry out: frame, accessed and dirty are the old entry's. */
struct xenmm_flags_row {
	const char *name;
	u64 entry;
	u64 flags;
	u64 result;
};

static const struct xenmm_flags_row xenmm_flags[] = {
	{"wrprotect", XENMM_FRAME | XENMM_RW_FLAGS, XENMM_RO_FLAGS, XENMM_FRAME | XENMM_RO_FLAGS},
	{"wrprotect_dirty", XENMM_FRAME | XENMM_RW_FLAGS | XENMM_D, XENMM_RO_FLAGS,
	 XENMM_FRAME | XENMM_RO_FLAGS | XENMM_D},
	{"make_writable", XENMM_FRAME | XENMM_RO_FLAGS, XENMM_RW_FLAGS,
	 XENMM_FRAME | XENMM_RW_FLAGS},
	{"make_writable_dirty", XENMM_FRAME | XENMM_RO_FLAGS | XENMM_D, XENMM_RW_FLAGS,
	 XENMM_FRAME | XENMM_RW_FLAGS | XENMM_D},
	{"accessed_stays", XENMM_FRAME | XENMM_P | XENMM_A, XENMM_P,
	 XENMM_FRAME | XENMM_P | XENMM_A},
	{"global_goes", XENMM_FRAME | XENMM_RW_FLAGS | XENMM_G, XENMM_RO_FLAGS,
	 XENMM_FRAME | XENMM_RO_FLAGS},
	{"highest_frame", XENMM_TOP | XENMM_RW_FLAGS, XENMM_RO_FLAGS, XENMM_TOP | XENMM_RO_FLAGS},
	{"frame_zero", XENMM_RW_FLAGS, XENMM_RO_FLAGS, XENMM_RO_FLAGS},
};

static void xenmm_flags_change(struct kunit *test)
{
	const struct xenmm_flags_row *row = xenmm_row(test);
	const u64 result = xenmm_probe_pte_with_flags(row->entry, row->flags);

	XENMM_EXPECT(test, "entry", result, row->result);
	XENMM_EXPECT(test, "writable", xenmm_probe_pte_is_writable(result),
		     !!(row->result & XENMM_RW));
	XENMM_EXPECT(test, "frame", xenmm_probe_pte_frame(result),
		     (row->entry & XENMM_TOP) >> PAGE_SHIFT);
}

/* Which bits may differ from what was written, once hardware and Xen have seen it. */
struct xenmm_bit_row {
	const char *name;
	u64 bits;
	int agree;
};

static const struct xenmm_bit_row xenmm_bits[] = {
	{"none", 0, 1},
	{"accessed", XENMM_A, 1},
	{"dirty", XENMM_D, 1},
	{"global", XENMM_G, 1},
	{"accessed_dirty_global", XENMM_A | XENMM_D | XENMM_G, 1},
	{"present", XENMM_P, 0},
	{"writable", XENMM_RW, 0},
	{"user", XENMM_US, 0},
	{"write_through", BIT_ULL(3), 0},
	{"cache_disable", BIT_ULL(4), 0},
	{"pat", BIT_ULL(7), 0},
	{"special", XENMM_SPECIAL, 0},
	{"lowest_frame_bit", BIT_ULL(12), 0},
	{"highest_frame_bit", BIT_ULL(51), 0},
	{"no_execute", XENMM_NX, 0},
	{"dirty_and_writable", XENMM_D | XENMM_RW, 0},
};

static void xenmm_entries_agree(struct kunit *test)
{
	const struct xenmm_bit_row *row = xenmm_row(test);
	const u64 entry = XENMM_FRAME | XENMM_RO_FLAGS;

	XENMM_EXPECT(test, "agree", xenmm_probe_ptes_agree(entry, entry ^ row->bits), row->agree);
	XENMM_EXPECT(test, "agree", xenmm_probe_ptes_agree(entry ^ row->bits, entry), row->agree);
}

/* ------------------------------------------------------------- addresses */

struct xenmm_address_row {
	const char *name;
	u64 address;
	u64 base;
	u32 slot;
};

static const struct xenmm_address_row xenmm_addresses[] = {
	{"zero", 0, 0, 0},
	{"last_byte_of_a_page", 0xfff, 0, 0},
	{"second_page", 0x1000, 0, 1},
	{"last_slot", 0x1ff000, 0, 511},
	{"next_table", 0x200000, 0x200000, 0},
	{"high", 0x7fffffdff000, 0x7fffffc00000, 511},
};

static void xenmm_address_is_split(struct kunit *test)
{
	const struct xenmm_address_row *row = xenmm_row(test);

	XENMM_EXPECT(test, "slot", xenmm_probe_slot(row->address), row->slot);
	XENMM_EXPECT(test, "base", xenmm_probe_table_base(row->address), row->base);
}

/* ---------------------------------------------------------------- errno */

struct xenmm_number_row {
	const char *name;
	u32 in;
	int out;
};

#define XENMM_ERRNO(name)          \
	{                          \
#name, name, -name \
	}
/* Xen's own numbers come through, too. */
static const struct xenmm_number_row xenmm_errors[] = {
	{"OK", 0, 0},
	XENMM_ERRNO(ENOENT),
	XENMM_ERRNO(EINTR),
	XENMM_ERRNO(EIO),
	XENMM_ERRNO(EAGAIN),
	XENMM_ERRNO(ENOMEM),
	XENMM_ERRNO(EACCES),
	XENMM_ERRNO(EFAULT),
	XENMM_ERRNO(EBUSY),
	XENMM_ERRNO(EINVAL),
	XENMM_ERRNO(EPERM),
	XENMM_ERRNO(ESRCH),
	XENMM_ERRNO(EOPNOTSUPP),
};

static void xenmm_errno_survives(struct kunit *test)
{
	const struct xenmm_number_row *row = xenmm_row(test);

	XENMM_EXPECT(test, "errno", xenmm_probe_errno(-(int)row->in), row->out);
}

/* Bucket i counts 2^(i-1)+1 .. 2^i, the last one all that is larger. */
static const struct xenmm_number_row xenmm_buckets[] = {
	{"1", 1, 0},	    {"2", 2, 1},	{"3", 3, 2},	    {"4", 4, 2},
	{"5", 5, 3},	    {"31", 31, 5},	{"32", 32, 5},	    {"33", 33, 6},
	{"512", 512, 9},    {"513", 513, 10},	{"1024", 1024, 10}, {"1025", 1025, 11},
	{"2048", 2048, 11}, {"4096", 4096, 11},
};

static void xenmm_bucket_counts(struct kunit *test)
{
	const struct xenmm_number_row *row = xenmm_row(test);

	XENMM_EXPECT(test, "bucket", xenmm_probe_bucket(row->in), row->out);
}

/* ---------------------------------------------------------------- names */

struct xenmm_name_row {
	const char *name;
	size_t offset;
};

/* The uapi's order, written out here: a name belongs to a place of its struct. */
#define XENMM_FIELD(field)                                  \
	{                                                   \
#field, offsetof(struct xenmm_stats, field) \
	}
static const struct xenmm_name_row xenmm_names[] = {
	XENMM_FIELD(hypercalls),      XENMM_FIELD(mmu_updates),
	XENMM_FIELD(traps),	      XENMM_FIELD(va_mappings),
	XENMM_FIELD(multicalls),      XENMM_FIELD(lazy_updates),
	XENMM_FIELD(native_stores),   XENMM_FIELD(tlb_flushes),
	XENMM_FIELD(faults),	      XENMM_FIELD(fault_around_pages),
	XENMM_FIELD(pages_mapped),    XENMM_FIELD(pages_unmapped),
	XENMM_FIELD(pages_protected), XENMM_FIELD(pages_allocated),
	XENMM_FIELD(pages_freed),     XENMM_FIELD(errors),
	XENMM_FIELD(partial_batches), XENMM_FIELD(hypercall_cycles),
	XENMM_FIELD(trap_cycles),     XENMM_FIELD(tables_rebuilt),
	XENMM_FIELD(tables_flipped),  XENMM_FIELD(twins_made),
	XENMM_FIELD(twins_dropped),   XENMM_FIELD(twin_updates),
	XENMM_FIELD(teardown_pages),  XENMM_FIELD(repairs),
	XENMM_FIELD(writes_noted),
};

static void xenmm_counter_is_named(struct kunit *test)
{
	const struct xenmm_name_row *row = xenmm_row(test);
	const char *name = xenmm_counter_name(row->offset / sizeof(u64));

	BUILD_BUG_ON(ARRAY_SIZE(xenmm_names) != XENMM_NR_COUNTERS);
	BUILD_BUG_ON(offsetof(struct xenmm_stats, reserved) != XENMM_NR_COUNTERS * sizeof(u64));
	if (strcmp(name, row->name))
		XENMM_FAIL(test, "the name is %s", name);
}

/* The ABI document's order. */
static const struct xenmm_name_row xenmm_costs[] = {
	{"hypercall", 0}, {"map", 1},	     {"unmap", 2}, {"protect", 3}, {"rebuild", 4},
	{"validate", 5},  {"devalidate", 6}, {"flip", 7},  {"trap", 8},
};

static void xenmm_cost_is_named(struct kunit *test)
{
	const struct xenmm_name_row *row = xenmm_row(test);
	struct xenmm_cost cost;

	BUILD_BUG_ON(ARRAY_SIZE(xenmm_costs) != XENMM_NR_COSTS);
	xenmm_cost_default(&cost);
	if (strcmp(xenmm_cost_name(row->offset), row->name))
		XENMM_FAIL(test, "the name is %s", xenmm_cost_name(row->offset));
	if (!cost.ticks[row->offset] || cost.ticks[row->offset] > XENMM_MAX_COST)
		XENMM_FAIL(test, "the price is %u", cost.ticks[row->offset]);
}

static const struct xenmm_rows xenmm_entry_rows[] = {
	{"with_flags", xenmm_flags_change, XENMM_AXIS(xenmm_flags)},
	{"agrees", xenmm_entries_agree, XENMM_AXIS(xenmm_bits)},
	{"address", xenmm_address_is_split, XENMM_AXIS(xenmm_addresses)},
	{"errno", xenmm_errno_survives, XENMM_AXIS(xenmm_errors)},
	{"bucket", xenmm_bucket_counts, XENMM_AXIS(xenmm_buckets)},
	{"counter", xenmm_counter_is_named, XENMM_AXIS(xenmm_names)},
	{"cost", xenmm_cost_is_named, XENMM_AXIS(xenmm_costs)},
	{},
};

struct xenmm_row_suite xenmm_entry_suite = {
	.suite.name = "xenmm_entry",
	.rows = xenmm_entry_rows,
};
