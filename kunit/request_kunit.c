// SPDX-License-Identifier: GPL-2.0
/* Which requests the core takes for well formed, on each kind of guest. */
#include <kunit/test.h>

#include "suites.h"
#include "uapi/xenmm.h"
#include "xenmm/abi.h"

struct xenmm_request_case {
	const char *name;
	struct xenmm_request request;
	enum xenmm_guest_kind kind;
	int error;
};

static const struct xenmm_request_case xenmm_request_cases[] = {
	{"populate by batch",
	 {.action = XENMM_POPULATE, .nr_pieces = 1, .method = XENMM_METHOD_BATCH},
	 XENMM_KIND_XEN_PV,
	 0},
	{"batch where no hypervisor owns the tables",
	 {.action = XENMM_POPULATE, .nr_pieces = 1, .method = XENMM_METHOD_BATCH},
	 XENMM_KIND_NATIVE,
	 -EOPNOTSUPP},
	{"a reserved field",
	 {.action = XENMM_POPULATE, .nr_pieces = 1, .reserved = 1},
	 XENMM_KIND_XEN_PV,
	 -EINVAL},
};

static void xenmm_request_describe(const struct xenmm_request_case *test_case, char *description)
{
	strscpy(description, test_case->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(xenmm_request, xenmm_request_cases, xenmm_request_describe);

static void xenmm_request_is_checked(struct kunit *test)
{
	const struct xenmm_request_case *param = test->param_value;

	KUNIT_EXPECT_EQ(test, xenmm_request_check(&param->request, param->kind), param->error);
}

static struct kunit_case xenmm_request_tests[] = {
	KUNIT_CASE_PARAM(xenmm_request_is_checked, xenmm_request_gen_params),
	{},
};

struct kunit_suite xenmm_request_suite = {
	.name = "xenmm_request",
	.test_cases = xenmm_request_tests,
};
