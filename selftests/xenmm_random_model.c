// SPDX-License-Identifier: GPL-2.0
/*
 * What the pages of a share must be like after each action, and whether they are. A
 * page is judged by touching it: content, and the signal that a write takes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/ioctl.h>

#include "xenmm_random.h"

struct page *model_of(const struct share *share, size_t page)
{
	return &share->model[page - share->first];
}

void forget_pages(struct share *share)
{
	memset(share->model, 0, share->pages * sizeof(*share->model));
}

struct count count_pages(const struct share *share)
{
	struct count count = {0, 0};

	for (size_t i = 0; i < share->pages; i++) {
		count.least += share->model[i].existence == PRESENT;
		count.most += share->model[i].existence != ABSENT;
	}
	return count;
}

/* -------------------------------------------------------------------- touching */

/* A window is aligned and no larger than a table: it lies in the share. */
void note_touch(struct share *share, size_t page)
{
	struct page *model = model_of(share, page & -(size_t)share->window);
	struct page *end = share->model + share->pages;

	for (unsigned int i = 0; i < share->window && model + i < end; i++)
		if (model[i].existence == ABSENT)
			model[i].existence = MAYBE;
	model_of(share, page)->existence = PRESENT;
}

void note_write(struct share *share, size_t page)
{
	struct page *model = model_of(share, page);

	if (model->tracked)
		model->noted = NOTED;
}

static void expect_signal(size_t page, struct probe probe, int wanted)
{
	if (probe.signal == wanted)
		return;
	printf("# page %zu\n", page);
	ASSERT_EQ(probe.signal, wanted);
}

static int signal_of_write(const struct page *model)
{
	return model->gone || model->read_only ? SIGSEGV : 0;
}

static void read_page(struct share *share, size_t page)
{
	const bool gone = model_of(share, page)->gone;

	expect_signal(page, probe_read(page_at(&share->arena, page)), gone ? SIGSEGV : 0);
	if (gone)
		return;
	check_pages(&share->arena, page, 1, model_of(share, page)->stamp);
	note_touch(share, page);
}

/* A write that must not succeed would change the page, one that may does not. */
void check_page(struct share *share, size_t page)
{
	volatile unsigned char *at = page_at(&share->arena, page);
	const int wanted = signal_of_write(model_of(share, page));
	unsigned char before;

	read_page(share, page);
	if (model_of(share, page)->gone) {
		expect_signal(page, probe_write(at, 1), wanted);
		return;
	}
	before = *at;
	expect_signal(page, probe_write(at, wanted ? ~before : before), wanted);
	ASSERT_EQ(*at, before);
	if (!wanted)
		note_write(share, page);
}

void check_share(struct share *share)
{
	for (size_t page = share->first; page < share->first + share->pages; page++)
		check_page(share, page);
}

/* A write with no read before it. */
static void write_page(struct share *share, size_t page)
{
	struct page *model = model_of(share, page);
	const int wanted = signal_of_write(model);

	expect_signal(page, probe_write(page_at(&share->arena, page), 0xff), wanted);
	if (wanted)
		return;
	share->last_stamp += share->last_stamp == UINT16_MAX ? 2 : 1; /* never 0 */
	model->stamp = share->last_stamp;
	fill_pages(&share->arena, page, 1, model->stamp);
	note_touch(share, page);
	note_write(share, page);
}

/* --------------------------------------------------------------------- actions */

static void visit_pages(struct share *share, const struct action *action,
			void (*visit)(struct share *, size_t, const struct operation *))
{
	for (const struct run *run = action->runs; run < action->runs + action->nr_runs; run++)
		for (size_t i = 0; i < run->pages; i++)
			visit(share, run->first + i, action->operation);
}

static void touch(struct share *share, size_t page, const struct operation *operation)
{
	(operation->writes ? write_page : read_page)(share, page);
}

/* A page that is there is about to be discarded. */
static void follow_change(struct page *model)
{
	if (!model->tracked || model->existence == ABSENT)
		return;
	if (model->existence == PRESENT)
		model->noted = NOTED;
	else if (model->noted == NOT_NOTED)
		model->noted = MAYBE_NOTED;
}

/* Map and unmap change entries alone. */
static void follow(struct share *share, size_t page, const struct operation *operation)
{
	struct page *model = model_of(share, page);

	switch (operation->request) {
	case XENMM_IOC_POPULATE:
		model->existence = PRESENT;
		break;
	case XENMM_IOC_DISCARD:
		follow_change(model);
		model->existence = ABSENT;
		model->stamp = 0;
		break;
	case XENMM_IOC_PROTECT:
		model->read_only = operation->prot == XENMM_PROT_READ;
		break;
	case XENMM_IOC_TRACK:
		model->tracked = true;
		break;
	case XENMM_IOC_UNTRACK:
		model->tracked = false;
		model->noted = NOT_NOTED;
		break;
	}
}

/* Pages that the ranges name; *gone: some of them are no longer mapped. */
static size_t make_ranges(const struct share *share, const struct action *action,
			  struct xenmm_range *ranges, bool *gone)
{
	size_t sum = 0;

	*gone = false;
	for (size_t i = 0; i < action->nr_runs; i++) {
		const struct run *run = &action->runs[i];

		ranges[i] = range_of(&share->arena, run->first, run->pages);
		sum += run->pages;
		for (size_t page = run->first; page < run->first + run->pages; page++)
			*gone |= model_of(share, page)->gone;
	}
	return sum;
}

/* Tracked pages are not protected, and read-only ones are neither tracked nor untracked. */
static int refusal_of(const struct page *model, unsigned long request)
{
	if (request == XENMM_IOC_PROTECT)
		return model->tracked ? -EBUSY : 0;
	if (request == XENMM_IOC_TRACK || request == XENMM_IOC_UNTRACK)
		return model->read_only ? -EACCES : 0;
	return 0;
}

/* What an operation must answer, and of which page that is said. */
static int answer_to(const struct share *share, const struct action *action, __u64 *failed)
{
	for (const struct run *run = action->runs; run < action->runs + action->nr_runs; run++)
		for (size_t page = run->first; page < run->first + run->pages; page++) {
			int refusal = refusal_of(model_of(share, page), action->operation->request);

			*failed = (uintptr_t)page_at(&share->arena, page);
			if (refusal)
				return refusal;
		}
	*failed = 0;
	return 0;
}

/* What is refused changes nothing anywhere, as do ranges that touch a hole. */
static void operate(struct share *share, const struct action *action)
{
	struct xenmm_range ranges[MAX_RUNS] = {};
	bool gone;
	const size_t pages = make_ranges(share, action, ranges, &gone);
	struct xenmm_op op =
		make_op(&action->method, ranges, action->nr_runs, action->operation->prot);
	__u64 failed = 0;
	const int wanted = gone ? -EINVAL : answer_to(share, action, &failed);

	ASSERT_EQ(op_raw(share->arena.fd, action->operation->request, &op), wanted);
	ASSERT_EQ(op.pages_done, wanted ? 0 : pages);
	ASSERT_EQ(op.failed_address, failed);
	if (!wanted)
		visit_pages(share, action, follow);
}

/* --------------------------------------------------------------------- collecting */

#define MAX_TOLD 100

static bool is_told(const struct xenmm_range *ranges, __u32 nr_ranges, __u64 address)
{
	for (__u32 i = 0; i < nr_ranges; i++)
		if (address - ranges[i].start < ranges[i].length)
			return true;
	return false;
}

/* Up to where there was room. */
static void expect_told(struct share *share, const struct xenmm_collect *ask,
			const struct xenmm_range *ranges)
{
	for (__u64 at = ask->start; at < ask->resume; at += PAGE) {
		const size_t number = (at - (uintptr_t)share->arena.base) / PAGE;
		struct page *model = model_of(share, number);
		const enum noted wrong = is_told(ranges, ask->nr_ranges, at) ? NOT_NOTED : NOTED;

		if (model->noted == wrong)
			printf("# page %zu\n", number);
		ASSERT_NE(model->noted, wrong);
		model->noted = NOT_NOTED;
	}
}

/* The room depends on the dice, as the range does. */
static void collect(struct share *share, const struct action *action)
{
	struct xenmm_range run, ranges[MAX_TOLD];
	bool gone;
	const size_t pages = make_ranges(share, action, &run, &gone);
	struct xenmm_collect ask = {.start = run.start,
				    .length = run.length,
				    .ranges = (uintptr_t)ranges,
				    .max_ranges = 1 + pages % MAX_TOLD};

	ASSERT_EQ(ERROR_OF(ioctl(share->arena.fd, XENMM_IOC_COLLECT, &ask)), gone ? EINVAL : 0);
	if (gone)
		return;
	ASSERT_LE(ask.resume, run.start + run.length);
	expect_told(share, &ask, ranges);
}

void do_action(struct share *share, const struct action *action)
{
	if (action->operation->request == XENMM_IOC_COLLECT)
		collect(share, action);
	else if (action->operation->request)
		operate(share, action);
	else
		visit_pages(share, action, touch);
}
