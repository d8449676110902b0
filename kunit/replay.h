/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sequences of page-table operations in the words of no particular world: frames and
 * tables have names, entries a name where a frame number would be. The host plays them on
 * FakeXen and records its answers (selftests/host/replay); replay_kunit.c plays them on
 * Xen and compares. C and C++, freestanding.
 */
#ifndef XENMM_REPLAY_H
#define XENMM_REPLAY_H

#include "xenmm/abi.h"

typedef __UINT8_TYPE__ xenmm_u8;
typedef __UINT16_TYPE__ xenmm_u16;

#define XENMM_NR_PAGES 6  /* ordinary pages, writable in the direct map */
#define XENMM_NR_TABLES 4 /* L1 tables; table i hangs in span i, hooked and pinned */
#define XENMM_NR_SPANS 8  /* consecutive entries of the L2 table; the last four are empty */

/* The frames that there are. */
enum xenmm_symbol {
	XENMM_NO_FRAME,
	XENMM_PAGE,
	XENMM_TABLE = XENMM_PAGE + XENMM_NR_PAGES,
	XENMM_L2 = XENMM_TABLE + XENMM_NR_TABLES, /* in which the tables hang */
	XENMM_FOREIGN,				  /* another domain's */
	XENMM_XENS,				  /* the hypervisor's own */
	XENMM_IO,				  /* of a device */
	XENMM_BEYOND,				  /* where the machine has nothing */
	XENMM_ALL_ONES,				  /* the largest number that an entry can hold */
	XENMM_NR_SYMBOLS,
	XENMM_UNKNOWN = 0xfff, /* read back, and none of those above */
};

enum xenmm_act {
	XENMM_ACT_UPDATE,     /* an mmu_update of entry `slot` of table `target` */
	XENMM_ACT_VA_MAPPING, /* update_va_mapping of page `slot` of span number `target` */
	XENMM_ACT_STORE,      /* a plain store into entry `slot` of table `target` */
	XENMM_ACT_ALIAS_RO,   /* the direct map of table `target`: update_va_mapping */
	XENMM_ACT_ALIAS_RW,
	XENMM_ACT_PIN, /* `target` as an L1 table */
	XENMM_ACT_UNPIN,
	XENMM_ACT_FLUSH,
	XENMM_ACT_NONSENSE, /* a hypercall that there is not */
	XENMM_NR_ACTS,
};

/* What a step has to do with the one before it. */
enum xenmm_link {
	XENMM_LINK_NONE,   /* a hypercall of its own, or the first part of one */
	XENMM_LINK_UPDATE, /* the same mmu_update */
	XENMM_LINK_CALL,   /* the next entry of the same multicall */
};

struct xenmm_step {
	xenmm_u8 act;
	xenmm_u8 link;
	xenmm_u8 target;  /* symbol, or a span's number */
	xenmm_u8 frame;	  /* symbol: what the new entry maps */
	xenmm_u8 command; /* the low three bits of an mmu_update's ptr */
	xenmm_u16 slot;
	xenmm_u64 flags; /* of the new entry */
};

/* Behind the hypercall that the step is a part of. */
struct xenmm_answer {
	xenmm_s32 result; /* of the step's mmu_update or other entry of the multicall */
	xenmm_u32 done;	  /* updates of it that were applied; 0 for all other acts */
	xenmm_u64 entry;  /* the one that an update or store is about, by symbols, else 0 */
	xenmm_u64 digest; /* of all that is watched */
};

struct xenmm_row {
	struct xenmm_step step;
	struct xenmm_answer answer;
};

/* Steps use these slots alone; all others must stay empty. */
#define XENMM_SLOTS                            \
	{                                      \
		0, 1, 2, 3, 255, 509, 510, 511 \
	}
#define XENMM_NR_SLOTS 8
/* The slots of the tables, then the spans' L2 entries. */
#define XENMM_NR_WATCHED (XENMM_NR_TABLES * XENMM_NR_SLOTS + XENMM_NR_SPANS)

struct xenmm_sequence {
	const char *name;
	const struct xenmm_row *rows;
	xenmm_u32 nr_rows;
	xenmm_u64 last[XENMM_NR_WATCHED]; /* what is watched, at the end, by symbols */
};

/* The most steps of a hypercall. */
#define XENMM_MAX_GROUP 16
/* The flags of an L2 entry that hooks a table. */
#define XENMM_HOOK_FLAGS 0x67

/* An entry with the name in the place of the frame's number. */
static inline xenmm_u64 xenmm_symbolic(xenmm_u64 entry, unsigned int symbol)
{
	return (entry & 0xfff0000000000fffULL) | ((xenmm_u64)symbol << 12);
}

/* FNV-1a, by words. */
static inline xenmm_u64 xenmm_digest(const xenmm_u64 *watched)
{
	xenmm_u64 digest = 0xcbf29ce484222325ULL;
	unsigned int i;

	for (i = 0; i < XENMM_NR_WATCHED; i++)
		digest = (digest ^ watched[i]) * 0x100000001b3ULL;
	return digest;
}

#endif /* XENMM_REPLAY_H */
