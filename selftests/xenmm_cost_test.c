// SPDX-License-Identifier: GPL-2.0
/* debugfs `cost`: the price list, how it is written, and that `auto` goes by it. */
#define _GNU_SOURCE
#include <errno.h>

#include "xenmm_test.h"

#define COST_PATH "/sys/kernel/debug/xenmm/cost"

static const char *const names[] = {"hypercall", "map",	       "unmap", "protect", "rebuild",
				    "validate",	 "devalidate", "flip",	"trap"};

static unsigned long price(const char *name)
{
	char text[512], *line;
	char start[32];

	ASSERT_GE(read_text(COST_PATH, text, sizeof(text)), 1);
	snprintf(start, sizeof(start), "%s ", name);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, start, strlen(start)))
			return strtoul(line + strlen(start), NULL, 10);
	test_context("no price %s", name);
	ASSERT_TRUE(false);
	return 0;
}

static void expect_default(void)
{
	EXPECT_EQ(price("calibrated"), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		EXPECT_GE(price(names[i]), 1);
	EXPECT_NE(price("hypercall"), 7);
}

TEST(default_prices_hold_until_others_are_written)
{
	unsigned long map = price("map");

	expect_default();
	ASSERT_EQ(write_text(COST_PATH, "hypercall 7\nflip 16777215\n"), 0);
	EXPECT_EQ(price("calibrated"), 1);
	EXPECT_EQ(price("hypercall"), 7);
	EXPECT_EQ(price("flip"), 16777215);
	EXPECT_EQ(price("map"), map);
	ASSERT_EQ(write_text(COST_PATH, "default\n"), 0);
	expect_default();
}

TEST(bad_prices_change_nothing)
{
	static const char *const bad[] = {
		"",
		"\n",
		"hypercall",
		"hypercall 0",
		"hypercall 16777216",
		"hypercall 4294967297",
		"hypercall -1",
		"hypercall 7 7",
		"hypercall 7x",
		"hypercall seven",
		"nonsense 7",
		"calibrated 0",
		"hypercall 7\nnonsense 7",
		"default\nhypercall 7",
		"a_name_that_is_longer_than_any_of_them 7",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		test_context("'%s'", bad[i]);
		EXPECT_EQ(write_text(COST_PATH, bad[i]), -EINVAL);
		expect_default();
	}
}

static struct xenmm_stats protect_by_auto(const struct arena *arena, __u32 prot)
{
	static const struct method auto_method = {"auto", XENMM_METHOD_AUTO, 0};
	struct xenmm_stats before = read_stats(arena->fd), after;

	protect(arena, &auto_method, 0, SPAN_PAGES, prot);
	after = read_stats(arena->fd);
	after.tables_flipped -= before.tables_flipped;
	after.tables_rebuilt -= before.tables_rebuilt;
	after.pages_protected -= before.pages_protected;
	return after;
}

TEST_ARENA(auto_goes_by_the_prices)
{
	struct xenmm_stats growth;

	if (!is_offered(XENMM_METHOD_FLIP))
		test_skip("this guest has one method");
	populate(self, any_method(), 0, SPAN_PAGES);
	ASSERT_EQ(write_text(COST_PATH, "flip 16777215\nrebuild 16777215\n"), 0);
	growth = protect_by_auto(self, XENMM_PROT_READ);
	EXPECT_EQ(growth.pages_protected, SPAN_PAGES);
	EXPECT_EQ(growth.tables_rebuilt + growth.tables_flipped, 0);

	ASSERT_EQ(write_text(COST_PATH, "rebuild 1\nvalidate 1\ndevalidate 1\n"), 0);
	growth = protect_by_auto(self, XENMM_PROT_READ_WRITE);
	EXPECT_EQ(growth.tables_rebuilt, 1);
	EXPECT_EQ(growth.tables_flipped, 0);

	ASSERT_EQ(write_text(COST_PATH, "default"), 0);
	growth = protect_by_auto(self, XENMM_PROT_READ);
	EXPECT_EQ(growth.tables_flipped, 1);
}
