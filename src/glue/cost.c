// SPDX-License-Identifier: GPL-2.0
/* The price list in force, and its text form in debugfs. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "glue.h"

static DEFINE_MUTEX(xenmm_cost_lock);	     /* writers */
static struct xenmm_cost xenmm_cost_written; /* zeroes: nothing was, the built-in one holds */

bool xenmm_cost_is_written(void)
{
	return READ_ONCE(xenmm_cost_written.ticks[0]);
}

/* Half an old list and half a new one would still be a list: no lock. */
void xenmm_k_cost(struct xenmm_cost *cost)
{
	u32 i;

	xenmm_cost_default(cost);
	for (i = 0; xenmm_cost_is_written() && i < XENMM_NR_COSTS; i++)
		cost->ticks[i] = READ_ONCE(xenmm_cost_written.ticks[i]);
}

static void xenmm_cost_publish(const struct xenmm_cost *cost)
{
	u32 i;

	for (i = 0; i < XENMM_NR_COSTS; i++)
		WRITE_ONCE(xenmm_cost_written.ticks[i], cost->ticks[i]);
}

/* "name value" */
static int xenmm_cost_parse(char *line, struct xenmm_cost *cost)
{
	char *name = strsep(&line, " ");
	u32 value, i;

	if (!line || kstrtou32(line, 10, &value) || !value || value > XENMM_MAX_COST)
		return -EINVAL;
	for (i = 0; i < XENMM_NR_COSTS; i++) {
		if (strcmp(name, xenmm_cost_name(i)))
			continue;
		cost->ticks[i] = value;
		return 0;
	}
	return -EINVAL;
}

/* All lines or none. The text is taken apart. -EINVAL. */
int xenmm_cost_write(char *text)
{
	struct xenmm_cost cost;
	char *line;
	int error = 0;

	mutex_lock(&xenmm_cost_lock);
	xenmm_k_cost(&cost);
	text = strim(text);
	if (!strcmp(text, "default"))
		memset(&cost, 0, sizeof(cost));
	else
		while (!error && (line = strsep(&text, "\n")))
			error = xenmm_cost_parse(strim(line), &cost);
	if (!error)
		xenmm_cost_publish(&cost);
	mutex_unlock(&xenmm_cost_lock);
	return error;
}
