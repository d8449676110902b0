// SPDX-License-Identifier: GPL-2.0
/* See attempt.h. */
#include "attempt.h"

static void xenmm_take_picture(const struct xenmm_attempt *attempt, xenmm_u64 *picture)
{
	xenmm_raw_watch_raw(attempt->world, picture);
	picture[XENMM_NR_WATCHED] = attempt->entry ? READ_ONCE(*attempt->entry) : 0;
}

void xenmm_attempt_begin(struct xenmm_attempt *attempt, struct xenmm_raw *world,
			 const xenmm_u64 *entry)
{
	attempt->world = world;
	attempt->entry = entry;
	xenmm_take_picture(attempt, attempt->before);
}

/* A page of our own mapped, protected and unmapped, in a table that is not attacked. */
static int xenmm_work(struct xenmm_raw *world)
{
	const xenmm_u64 maddr = xenmm_raw_maddr(world, XENMM_TABLE + 2, 7);
	const xenmm_u64 values[] = {xenmm_raw_value(world, XENMM_PAGE + 2, XENMM_RW),
				    xenmm_raw_value(world, XENMM_PAGE + 2, XENMM_RO), 0};
	unsigned int i;
	int error = 0;

	for (i = 0; i < ARRAY_SIZE(values) && !error; i++) {
		error = xenmm_raw_update(maddr, values[i]);
		if ((READ_ONCE(world->tables[2][7]) ^ values[i]) & ~(xenmm_u64)_PAGE_GLOBAL)
			error = error ?: -EIO;
	}
	return error;
}

void xenmm_attempt_end(struct xenmm_attempt *attempt, int error)
{
	xenmm_u64 after[XENMM_NR_WATCHED + 1];

	xenmm_take_picture(attempt, after);
	attempt->error = error;
	attempt->has_changed = memcmp(attempt->before, after, sizeof(after)) != 0;
	attempt->aftermath = xenmm_work(attempt->world);
}

void xenmm_attempt_judge(struct kunit *test, const char *what, const struct xenmm_attempt *attempt,
			 int error)
{
	if (attempt->error != error || attempt->has_changed || attempt->aftermath)
		XENMM_FAIL(test, "%s: answer %d, must be %d; entries %s; afterwards %d", what,
			   attempt->error, error,
			   attempt->has_changed ? "have changed" : "are as before",
			   attempt->aftermath);
}
