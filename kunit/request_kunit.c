// SPDX-License-Identifier: GPL-2.0
/*
 * Which requests the core takes for well formed, on each kind of guest: every action
 * with every method, and everything that is refused. As include/uapi/xenmm.h says.
 */
#include "suites.h"
#include "uapi/xenmm.h"
#include "xenmm/abi.h"

struct xenmm_action_row {
	const char *name;
	enum xenmm_action action;
	u32 prot;
};

static const struct xenmm_action_row xenmm_actions[] = {
	{"populate", XENMM_POPULATE, 0},
	{"discard", XENMM_DISCARD, 0},
	{"protect_ro", XENMM_PROTECT, XENMM_PROT_READ},
	{"protect_rw", XENMM_PROTECT, XENMM_PROT_READ_WRITE},
	{"map", XENMM_MAP, 0},
	{"unmap", XENMM_UNMAP, 0},
	{"track", XENMM_TRACK, 0},
	{"untrack", XENMM_UNTRACK, 0},
};

/* What a method and a batch size answer, where Xen owns the tables and where it does not. */
struct xenmm_how_row {
	const char *name;
	u32 method;
	u32 batch;
	int pv;
	int other;
};

#define XENMM_ON_PV(number, NAME, name, ...) {#name, XENMM_METHOD_##NAME, 0, 0, -EOPNOTSUPP},

static const struct xenmm_how_row xenmm_hows[] = {
	{"auto", XENMM_METHOD_AUTO, 0, 0, 0},
	{"auto_of_1", XENMM_METHOD_AUTO, 1, -EINVAL, -EINVAL},
	{"trap_of_1", XENMM_METHOD_TRAP, 1, -EINVAL, -EINVAL},
	{"multicall_of_32", XENMM_METHOD_MULTICALL, 32, -EINVAL, -EINVAL},
	{"batch_0", XENMM_METHOD_BATCH, 0, -EINVAL, -EINVAL},
	{"batch_1", XENMM_METHOD_BATCH, 1, 0, -EOPNOTSUPP},
	{"batch_2048", XENMM_METHOD_BATCH, 2048, 0, -EOPNOTSUPP},
	{"batch_2049", XENMM_METHOD_BATCH, 2049, -EINVAL, -EINVAL},
	{"batch_max", XENMM_METHOD_BATCH, ~0U, -EINVAL, -EINVAL},
	{"native", XENMM_METHOD_NATIVE, 0, -EOPNOTSUPP, 0},
	{"native_of_1", XENMM_METHOD_NATIVE, 1, -EINVAL, -EINVAL},
	{"rebuild", XENMM_METHOD_REBUILD, 0, 0, -EOPNOTSUPP},
	{"rebuild_512", XENMM_METHOD_REBUILD, 512, 0, -EOPNOTSUPP},
	{"rebuild_513", XENMM_METHOD_REBUILD, 513, -EINVAL, -EINVAL},
	{"flip", XENMM_METHOD_FLIP, 0, 0, -EOPNOTSUPP},
	{"flip_of_1", XENMM_METHOD_FLIP, 1, -EINVAL, -EINVAL},
	{"method_31", 31, 0, -EINVAL, -EINVAL},
	{"method_32", 32, 0, -EINVAL, -EINVAL},
	{"method_max", ~0U, 0, -EINVAL, -EINVAL},
	XENMM_ENTRY_METHODS(XENMM_ON_PV)};

/* An exchange of tables says nothing about which pages are there. */
static bool xenmm_is_misused_flip(const struct xenmm_how_row *how, enum xenmm_action action)
{
	const bool is_protection =
		action == XENMM_PROTECT || action == XENMM_TRACK || action == XENMM_UNTRACK;

	return how->method == XENMM_METHOD_FLIP && !is_protection;
}

static void xenmm_check_answers(struct kunit *test, const struct xenmm_how_row *how,
				const struct xenmm_action_row *action)
{
	const bool is_misused = xenmm_is_misused_flip(how, action->action);
	const struct xenmm_request request = {
		.action = action->action,
		.nr_pieces = 1,
		.method = how->method,
		.batch = how->batch,
		.prot = action->prot,
	};
	const int pv = is_misused ? -EINVAL : how->pv;
	const int other = is_misused ? -EINVAL : how->other;
	const char *name = action->name;

	XENMM_EXPECT(test, name, xenmm_request_check(&request, XENMM_KIND_XEN_PV), pv);
	XENMM_EXPECT(test, name, xenmm_request_check(&request, XENMM_KIND_XEN_HVM), other);
	XENMM_EXPECT(test, name, xenmm_request_check(&request, XENMM_KIND_NATIVE), other);
}

static void xenmm_request_is_answered(struct kunit *test)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(xenmm_actions); i++)
		xenmm_check_answers(test, xenmm_row(test), &xenmm_actions[i]);
}

/* One field is wrong, whatever the guest. */
struct xenmm_refusal_row {
	const char *name;
	struct xenmm_request request;
	int error;
};

#define XENMM_GOOD .nr_pieces = 1, .method = XENMM_METHOD_AUTO

static const struct xenmm_refusal_row xenmm_refusals[] = {
	{"no_range", {.action = XENMM_MAP}, -EINVAL},
	{"most_ranges", {.action = XENMM_MAP, .nr_pieces = 1 << 20}, 0},
	{"too_many_ranges", {.action = XENMM_MAP, .nr_pieces = (1 << 20) + 1}, -EINVAL},
	{"reserved", {.action = XENMM_MAP, XENMM_GOOD, .reserved = 1}, -EINVAL},
	{"reserved_high", {.action = XENMM_MAP, XENMM_GOOD, .reserved = 1ULL << 63}, -EINVAL},
	{"populate_prot", {.action = XENMM_POPULATE, XENMM_GOOD, .prot = 1}, -EINVAL},
	{"discard_prot", {.action = XENMM_DISCARD, XENMM_GOOD, .prot = 3}, -EINVAL},
	{"map_prot", {.action = XENMM_MAP, XENMM_GOOD, .prot = 3}, -EINVAL},
	{"unmap_prot", {.action = XENMM_UNMAP, XENMM_GOOD, .prot = 1}, -EINVAL},
	{"track_prot", {.action = XENMM_TRACK, XENMM_GOOD, .prot = 1}, -EINVAL},
	{"protect_none", {.action = XENMM_PROTECT, XENMM_GOOD, .prot = 0}, -EINVAL},
	{"protect_write_alone", {.action = XENMM_PROTECT, XENMM_GOOD, .prot = 2}, -EINVAL},
	{"protect_exec", {.action = XENMM_PROTECT, XENMM_GOOD, .prot = 5}, -EINVAL},
	{"protect_high", {.action = XENMM_PROTECT, XENMM_GOOD, .prot = 1U << 31}, -EINVAL},
};

static void xenmm_request_is_refused(struct kunit *test)
{
	const struct xenmm_refusal_row *row = xenmm_row(test);
	int kind;

	for (kind = XENMM_KIND_NATIVE; kind <= XENMM_KIND_XEN_HVM; kind++)
		XENMM_EXPECT(test, "answer", xenmm_request_check(&row->request, kind), row->error);
}

static const struct xenmm_rows xenmm_request_rows[] = {
	{"how", xenmm_request_is_answered, XENMM_AXIS(xenmm_hows)},
	{"field", xenmm_request_is_refused, XENMM_AXIS(xenmm_refusals)},
	{},
};

struct xenmm_row_suite xenmm_request_suite = {
	.suite.name = "xenmm_request",
	.rows = xenmm_request_rows,
};
