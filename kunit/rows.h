/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Suites made of tables: each row, or each pair of a row and a column, is a KUnit case
 * of its own with a name that says which.
 *
 * Not KUNIT_CASE_PARAM: the debugfs results of Linux 6.1 keep the last parameter's line
 * of such a case alone (kunit_init_test() empties the case's log for each), and
 * kunit.py takes what is left for errors.
 *
 * A case's log holds 511 bytes there, its verdict last: a test says at most one thing.
 */
#ifndef XENMM_ROWS_H
#define XENMM_ROWS_H

#include <kunit/test.h>

/* An array whose elements begin with `const char *name`. */
struct xenmm_axis {
	const void *first;
	size_t stride;
	size_t count;
};

#define XENMM_AXIS(table)                                      \
	{                                                      \
		(table), sizeof((table)[0]), ARRAY_SIZE(table) \
	}

struct xenmm_rows {
	const char *name; /* first part of each case's name; NULL ends a list of these */
	void (*run)(struct kunit *test);
	struct xenmm_axis rows;
	struct xenmm_axis columns;			       /* may be empty */
	bool (*is_valid)(const void *row, const void *column); /* NULL: all are */
};

struct xenmm_row_suite {
	struct kunit_suite suite; /* its test_cases are made of the rows */
	const struct xenmm_rows *rows;
};

/* What the case that is running stands for. Any context of it. */
const void *xenmm_row(const struct kunit *test);
const void *xenmm_column(const struct kunit *test);

/* -ENOMEM leaves nothing behind; the suite must not be run then. */
int xenmm_row_suite_make(struct xenmm_row_suite *suite);
void xenmm_row_suite_free(struct xenmm_row_suite *suite);

static inline bool xenmm_has_failed(const struct kunit *test)
{
	return test->status == KUNIT_FAILURE;
}

/* Fails the test, for the first reason alone. */
#define XENMM_FAIL(test, format, ...)                            \
	do {                                                     \
		if (!xenmm_has_failed(test))                     \
			KUNIT_FAIL(test, format, ##__VA_ARGS__); \
	} while (0)
/* Both as numbers, and what they are numbers of. */
#define XENMM_EXPECT(test, what, is, must_be)                                              \
	do {                                                                               \
		const long long is_ = (is), must_be_ = (must_be);                          \
		if (is_ != must_be_)                                                       \
			XENMM_FAIL(test, "%s is %lld, must be %lld", what, is_, must_be_); \
	} while (0)

#endif /* XENMM_ROWS_H */
