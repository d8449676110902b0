// SPDX-License-Identifier: GPL-2.0
/*
 * FakeXen against Xen: what the fake answered to each recorded sequence, Xen must answer,
 * too, and leave the same entries behind. Where they differ, Xen is right, and the fake is
 * to be repaired: host tests believe it.
 */
#include "raw_world.h"
#include "recording.h" /* made by selftests/host/replay */
#include "suites.h"

static struct xenmm_raw xenmm_replay_raw;

static const char *const xenmm_acts[XENMM_NR_ACTS] = {
	[XENMM_ACT_UPDATE] = "mmu_update", [XENMM_ACT_VA_MAPPING] = "update_va_mapping",
	[XENMM_ACT_STORE] = "store",	   [XENMM_ACT_ALIAS_RO] = "alias ro",
	[XENMM_ACT_ALIAS_RW] = "alias rw", [XENMM_ACT_PIN] = "pin",
	[XENMM_ACT_UNPIN] = "unpin",	   [XENMM_ACT_FLUSH] = "flush",
	[XENMM_ACT_NONSENSE] = "nonsense",
};

static const char *const xenmm_symbols[] = {
	"nothing", "page0",  "page1",	 "page2",  "page3",    "page4",
	"page5",   "table0", "table1",	 "table2", "table3",   "the L2",
	"foreign", "Xen's",  "device's", "beyond", "all ones",
};

static_assert(ARRAY_SIZE(xenmm_symbols) == XENMM_NR_SYMBOLS);

/* The first step that was answered differently. */
struct xenmm_difference {
	const struct xenmm_row *row; /* NULL: none */
	unsigned int number;
	struct xenmm_answer answer;
	/* Or an entry at the end. */
	int watched;
	xenmm_u64 now;
	int error; /* the world could not be made anew */
};

static bool xenmm_is_same(const struct xenmm_answer *one, const struct xenmm_answer *other)
{
	return one->result == other->result && one->done == other->done &&
	       one->digest == other->digest;
}

static bool xenmm_compare(const struct xenmm_row *rows, unsigned int first, unsigned int count,
			  const struct xenmm_answer *answers, struct xenmm_difference *difference)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (xenmm_is_same(&rows[first + i].answer, &answers[i]))
			continue;
		difference->row = &rows[first + i];
		difference->number = first + i;
		difference->answer = answers[i];
		return false;
	}
	return true;
}

static void xenmm_compare_last(struct xenmm_raw *world, const struct xenmm_sequence *sequence,
			       struct xenmm_difference *difference)
{
	xenmm_u64 watched[XENMM_NR_WATCHED];
	int i;

	xenmm_raw_watch(world, watched);
	if (!xenmm_raw_is_tidy(world))
		difference->error = -EUCLEAN;
	for (i = 0; i < XENMM_NR_WATCHED && difference->watched < 0; i++) {
		if (watched[i] == sequence->last[i])
			continue;
		difference->watched = i;
		difference->now = watched[i];
	}
}

static void xenmm_replay_inside(struct xenmm_raw *world, const struct xenmm_sequence *sequence,
				struct xenmm_difference *difference)
{
	static struct xenmm_answer answers[XENMM_MAX_GROUP];
	unsigned int at = 0, count;

	while (at < sequence->nr_rows) {
		count = xenmm_raw_play(world, &sequence->rows[at].step, sizeof(struct xenmm_row),
				       sequence->nr_rows - at, answers);
		if (!xenmm_compare(sequence->rows, at, count, answers, difference))
			return;
		at += count;
	}
	xenmm_compare_last(world, sequence, difference);
}

static void xenmm_report_step(struct kunit *test, const struct xenmm_difference *difference)
{
	const struct xenmm_step *step = &difference->row->step;
	const struct xenmm_answer *fake = &difference->row->answer, *xen = &difference->answer;

	XENMM_FAIL(test,
		   "step %u, %s target %u slot %u := %s|%#llx command %u: FakeXen %d, %u done, "
		   "entry %#llx; Xen %d, %u done, entry %#llx%s",
		   difference->number, xenmm_acts[step->act], step->target, step->slot,
		   xenmm_symbols[step->frame], step->flags, step->command, fake->result, fake->done,
		   fake->entry, xen->result, xen->done, xen->entry,
		   fake->digest == xen->digest ? "" : "; entries differ");
}

static void xenmm_report(struct kunit *test, const struct xenmm_sequence *sequence,
			 const struct xenmm_difference *difference)
{
	XENMM_EXPECT(test, "error of the test's own", difference->error, 0);
	if (difference->row)
		xenmm_report_step(test, difference);
	else if (difference->watched >= 0)
		XENMM_FAIL(test, "at the end, entry number %d: FakeXen %#llx, Xen %#llx",
			   difference->watched, sequence->last[difference->watched],
			   difference->now);
}

static void xenmm_is_replayed(struct kunit *test)
{
	const struct xenmm_sequence *sequence = xenmm_row(test);
	struct xenmm_difference difference = {.watched = -1};

	xenmm_raw_enter(&xenmm_replay_raw);
	xenmm_replay_inside(&xenmm_replay_raw, sequence, &difference);
	difference.error = xenmm_raw_reset(&xenmm_replay_raw) ?: difference.error;
	xenmm_raw_leave(&xenmm_replay_raw);
	xenmm_report(test, sequence, &difference);
}

static int xenmm_replay_open(struct kunit_suite *suite)
{
	return xenmm_raw_open(&xenmm_replay_raw);
}

static void xenmm_replay_close(struct kunit_suite *suite)
{
	xenmm_raw_close(&xenmm_replay_raw);
}

static const struct xenmm_rows xenmm_replay_rows[] = {
	{"same", xenmm_is_replayed, XENMM_AXIS(xenmm_sequences)},
	{},
};

struct xenmm_row_suite xenmm_replay_suite = {
	.suite.name = "xenmm_replay",
	.suite.suite_init = xenmm_replay_open,
	.suite.suite_exit = xenmm_replay_close,
	.rows = xenmm_replay_rows,
};
