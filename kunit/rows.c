// SPDX-License-Identifier: GPL-2.0
/* KUnit cases out of tables. */
#include <linux/slab.h>

#include "rows.h"

/* A case's name, and behind it what it is the name of: KUnit hands out nothing else. */
struct xenmm_label {
	const void *row;
	const void *column;
	char name[64];
};

static const struct xenmm_label *xenmm_label(const struct kunit *test)
{
	return container_of(test->name, struct xenmm_label, name[0]);
}

const void *xenmm_row(const struct kunit *test)
{
	return xenmm_label(test)->row;
}

const void *xenmm_column(const struct kunit *test)
{
	return xenmm_label(test)->column;
}

static const void *xenmm_axis_at(const struct xenmm_axis *axis, size_t index)
{
	return axis->count ? (const char *)axis->first + index * axis->stride : NULL;
}

static const char *xenmm_name_of(const void *element)
{
	return element ? *(const char *const *)element : "";
}

static struct kunit_case *xenmm_add_case(struct kunit_case *to, const struct xenmm_rows *rows,
					 const void *row, const void *column)
{
	struct xenmm_label *label;

	if (rows->is_valid && !rows->is_valid(row, column))
		return to;
	label = kzalloc(sizeof(*label), GFP_KERNEL);
	if (!label)
		return NULL;
	label->row = row;
	label->column = column;
	snprintf(label->name, sizeof(label->name), "%s:%s%s%s", rows->name, xenmm_name_of(row),
		 column ? ":" : "", xenmm_name_of(column));
	to->run_case = rows->run;
	to->name = label->name;
	return to + 1;
}

static size_t xenmm_nr_columns(const struct xenmm_rows *rows)
{
	return max(rows->columns.count, (size_t)1);
}

/* NULL when there is no memory. */
static struct kunit_case *xenmm_add_cases(struct kunit_case *to, const struct xenmm_rows *rows)
{
	size_t i, j;

	for (i = 0; i < rows->rows.count; i++)
		for (j = 0; to && j < xenmm_nr_columns(rows); j++)
			to = xenmm_add_case(to, rows, xenmm_axis_at(&rows->rows, i),
					    xenmm_axis_at(&rows->columns, j));
	return to;
}

int xenmm_row_suite_make(struct xenmm_row_suite *suite)
{
	const struct xenmm_rows *rows;
	struct kunit_case *at;
	size_t most = 1;

	for (rows = suite->rows; rows->name; rows++)
		most += rows->rows.count * xenmm_nr_columns(rows);
	at = suite->suite.test_cases = kcalloc(most, sizeof(*at), GFP_KERNEL);
	for (rows = suite->rows; at && rows->name; rows++)
		at = xenmm_add_cases(at, rows);
	if (at)
		return 0;
	xenmm_row_suite_free(suite);
	return -ENOMEM;
}

void xenmm_row_suite_free(struct xenmm_row_suite *suite)
{
	struct kunit_case *at;

	for (at = suite->suite.test_cases; at && at->name; at++)
		kfree(container_of(at->name, struct xenmm_label, name[0]));
	kfree(suite->suite.test_cases);
	suite->suite.test_cases = NULL;
}
