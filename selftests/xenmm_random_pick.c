// SPDX-License-Identifier: GPL-2.0
/*
 * Random actions: an operation, a method that this guest offers, and ranges of every
 * shape. What whole-table methods and batches treat alike is picked less often than
 * where they differ: edges of tables, holes, several tables.
 */
#include "xenmm_random.h"

/* splitmix64: any state will do, neighbouring ones too. */
static uint64_t roll(uint64_t *dice)
{
	uint64_t value = *dice += 0x9e3779b97f4a7c15;

	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}

uint64_t dice_of(uint64_t seed, unsigned int round, unsigned int thread)
{
	uint64_t dice = seed;

	return roll(&dice) + ((uint64_t)round << 32) + thread;
}

size_t below(uint64_t *dice, size_t limit)
{
	return roll(dice) % limit;
}

/* -------------------------------------------------------------------- methods */

#define SELDOM(number, NAME, name, ...) {#name, XENMM_METHOD_##NAME, 1},

static const struct way {
	const char *name;
	__u32 number;
	unsigned int weight;
} ways[] = {{"auto", XENMM_METHOD_AUTO, 6},	{"rebuild", XENMM_METHOD_REBUILD, 6},
	    {"flip", XENMM_METHOD_FLIP, 6},	{"batch", XENMM_METHOD_BATCH, 3},
	    {"native", XENMM_METHOD_NATIVE, 3}, XENMM_ENTRY_METHODS(SELDOM)};

#define NR_WAYS (sizeof(ways) / sizeof(ways[0]))

static unsigned int weight_of(const struct way *way, const struct operation *operation)
{
	const bool fits = way->number != XENMM_METHOD_FLIP || is_protection(operation->request);

	return fits && is_offered(way->number) ? way->weight : 0;
}

static const struct way *pick_way(uint64_t *dice, const struct operation *operation)
{
	unsigned int sum = 0;
	size_t at;

	for (size_t i = 0; i < NR_WAYS; i++)
		sum += weight_of(&ways[i], operation);
	ASSERT_NE(sum, 0);
	at = below(dice, sum);
	for (const struct way *way = ways;; way++) {
		unsigned int weight = weight_of(way, operation);

		if (at < weight)
			return way;
		at -= weight;
	}
}

/* Small numbers are as likely as large ones; many cover more than a table at once. */
static __u32 pick_batch(uint64_t *dice, __u32 method)
{
	switch (method) {
	case XENMM_METHOD_BATCH:
		if (!below(dice, 3))
			return XENMM_MAX_BATCH - below(dice, 2 * SPAN_PAGES + 1);
		return 1 + below(dice, 1U << below(dice, 12));
	case XENMM_METHOD_REBUILD:
		return below(dice, 2) ? 1 + below(dice, 1U << below(dice, 10)) : 0;
	}
	return 0;
}

static struct method pick_method(uint64_t *dice, const struct operation *operation)
{
	const struct way *way = pick_way(dice, operation);

	return (struct method){way->name, way->number, pick_batch(dice, way->number)};
}

/* --------------------------------------------------------------------- ranges */

/* Pages to the end of the share from `first` on, or fewer. */
static void add_run(const struct share *share, struct action *action, size_t first, size_t pages)
{
	const size_t left = share->first + share->pages - first;

	action->runs[action->nr_runs++] = (struct run){first, pages < left ? pages : left};
}

static size_t any_page(uint64_t *dice, const struct share *share)
{
	return share->first + below(dice, share->pages);
}

/* Often one near the end of a table. */
static size_t pick_page(uint64_t *dice, const struct share *share)
{
	const size_t page = any_page(dice, share);
	const size_t near_end = (page & -SPAN_PAGES) + SPAN_PAGES - 8 + below(dice, 16);

	return below(dice, 2) && near_end < share->first + share->pages ? near_end : page;
}

static void pick_tables(uint64_t *dice, const struct share *share, struct action *action)
{
	const size_t first = any_page(dice, share) & -SPAN_PAGES;

	add_run(share, action, first, (1 + below(dice, 1 + below(dice, 4))) * SPAN_PAGES);
}

/* Runs and gaps of any scale: from a checkerboard to a few in several tables. */
static void pick_sparse(uint64_t *dice, const struct share *share, struct action *action)
{
	const size_t length = 1U << below(dice, 6), gap = 1U << below(dice, 7);
	const size_t count = 2 + below(dice, MAX_RUNS - 1);
	size_t page = any_page(dice, share);

	while (action->nr_runs < count && page < share->first + share->pages) {
		add_run(share, action, page, 1 + below(dice, length));
		page += action->runs[action->nr_runs - 1].pages + below(dice, 1 + gap);
	}
}

static void pick_one(uint64_t *dice, const struct share *share, struct action *action)
{
	add_run(share, action, pick_page(dice, share), 1);
}

static void pick_few(uint64_t *dice, const struct share *share, struct action *action)
{
	add_run(share, action, pick_page(dice, share), 2 + below(dice, 30));
}

static void pick_many(uint64_t *dice, const struct share *share, struct action *action)
{
	add_run(share, action, pick_page(dice, share), 1 + below(dice, 3 * SPAN_PAGES));
}

static void pick_all(uint64_t *dice, const struct share *share, struct action *action)
{
	(void)dice;
	add_run(share, action, share->first, share->pages);
}

/* The second weights give 64 pages on average. */
static const struct shape {
	unsigned int weight, soak_weight;
	void (*pick)(uint64_t *dice, const struct share *share, struct action *action);
} shapes[] = {
	{16, 115, pick_one},  {14, 109, pick_few}, {8, 6, pick_tables},
	{5, 20, pick_sparse}, {4, 5, pick_many},   {1, 1, pick_all},
};

#define SUM_OF_WEIGHTS 48
#define SUM_OF_SOAK_WEIGHTS 256

static void pick_runs(uint64_t *dice, const struct share *share, bool soaks, struct action *action)
{
	size_t at = below(dice, soaks ? SUM_OF_SOAK_WEIGHTS : SUM_OF_WEIGHTS);

	action->nr_runs = 0;
	for (const struct shape *shape = shapes;; shape++) {
		const unsigned int weight = soaks ? shape->soak_weight : shape->weight;

		if (at < weight) {
			shape->pick(dice, share, action);
			return;
		}
		at -= weight;
	}
}

/* -------------------------------------------------------------------- actions */

/* What changes protection, and content that tells, comes twice. */
static const struct operation operations[] = {
	{.name = "read"},
	{.name = "write", .writes = true},
	{.name = "write", .writes = true},
	{"populate", XENMM_IOC_POPULATE, 0, false},
	{"discard", XENMM_IOC_DISCARD, 0, false},
	{"protect ro", XENMM_IOC_PROTECT, XENMM_PROT_READ, false},
	{"protect ro", XENMM_IOC_PROTECT, XENMM_PROT_READ, false},
	{"protect rw", XENMM_IOC_PROTECT, XENMM_PROT_READ_WRITE, false},
	{"protect rw", XENMM_IOC_PROTECT, XENMM_PROT_READ_WRITE, false},
	{"map", XENMM_IOC_MAP, 0, false},
	{"unmap", XENMM_IOC_UNMAP, 0, false},
	{"track", XENMM_IOC_TRACK, 0, false},
	{"untrack", XENMM_IOC_UNTRACK, 0, false},
	{"collect", XENMM_IOC_COLLECT, 0, false},
};

#define MAX_TOUCHED 48
#define MAX_SOAK_TOUCHED 8

/*
 * Touching takes a page fault a page where an operation takes a small part of a call. A
 * soak is there for the operations.
 */
static void shorten_runs(struct action *action, size_t limit)
{
	for (size_t i = 0; i < action->nr_runs; i++)
		if (action->runs[i].pages > limit)
			action->runs[i].pages = limit;
}

void pick_action(uint64_t *dice, const struct share *share, bool soaks, struct action *action)
{
	action->operation = &operations[below(dice, sizeof(operations) / sizeof(operations[0]))];
	action->method = (struct method){.name = "touch"};
	pick_runs(dice, share, soaks, action);
	if (action->operation->request)
		action->method = pick_method(dice, action->operation);
	else
		shorten_runs(action, soaks ? MAX_SOAK_TOUCHED : MAX_TOUCHED);
	if (action->operation->request == XENMM_IOC_COLLECT)
		action->nr_runs = 1;
}

void describe_action(const struct action *action, char *text, size_t size)
{
	size_t used =
		snprintf(text, size, "%s by %s %u, %zu ranges page+pages:", action->operation->name,
			 action->method.name, action->method.batch, action->nr_runs);

	for (size_t i = 0; i < action->nr_runs && used < size; i++)
		used += snprintf(text + used, size - used, " %zu+%zu", action->runs[i].first,
				 action->runs[i].pages);
}
