// SPDX-License-Identifier: GPL-2.0
#include <unistd.h>

#include "xenmm_inject.h"

void need_injection(void)
{
	if (access(INJECT_PATH, W_OK))
		test_skip("this module was built without fault injection");
}

void refuse(unsigned int after, unsigned int times, int answer)
{
	char text[48];

	snprintf(text, sizeof(text), "%u %u %d", after, times, answer);
	ASSERT_EQ(write_text(INJECT_PATH, text), 0);
}
