// SPDX-License-Identifier: GPL-2.0
/*
 * Inputs: mostly right, because what is wrong at the first look is refused there, and wrong
 * in a few places of every kind.
 */
#include "xenmm_fuzz.h"

static unsigned int below(unsigned int *dice, unsigned int limit)
{
	return (unsigned int)rand_r(dice) % limit;
}

static uint32_t pick_number(unsigned int *dice)
{
	static const uint32_t edges[] = {0,    1,    2,	   3,	       31,	   32,	      511,
					 512,  513,  2047, 2048,       2049,	   1U << 20,  4095,
					 4096, 1024, 1023, 0x7fffffff, 0x80000000, 0xffffffff};

	if (below(dice, 2))
		return edges[below(dice, sizeof(edges) / sizeof(edges[0]))];
	return (uint32_t)rand_r(dice) << below(dice, 2);
}

static uint8_t pick_place(unsigned int *dice)
{
	return below(dice, 16) ? PLACE_GOOD : below(dice, NR_PLACES);
}

static void pick_range(unsigned int *dice, struct fuzz_range *range, uint32_t *at)
{
	range->first = *at + (below(dice, 3) ? 0 : below(dice, SPAN_PAGES));
	range->pages = 1 + (below(dice, 2) ? below(dice, 40) : below(dice, 3 * SPAN_PAGES));
	if (!below(dice, 24))
		range->pages = pick_number(dice);
	range->odd = below(dice, 40) ? 0 : 1 + below(dice, PAGE);
	*at = below(dice, 40) ? range->first + range->pages : below(dice, WINDOW_PAGES);
}

static void pick_ranges(unsigned int *dice, struct input *input)
{
	uint32_t at = below(dice, WINDOW_PAGES) & (below(dice, 3) ? -1U : -(uint32_t)SPAN_PAGES);

	for (unsigned int i = 0; i < MAX_FUZZ_RANGES; i++)
		pick_range(dice, &input->ranges[i], &at);
	input->nr_ranges = below(dice, 3) ? 1 : 1 + below(dice, MAX_FUZZ_RANGES);
	if (!below(dice, 40))
		input->nr_ranges = pick_number(dice);
}

static uint32_t pick_batch(unsigned int *dice, uint32_t method)
{
	if (!below(dice, 20))
		return pick_number(dice);
	if (method == XENMM_METHOD_BATCH)
		return 1 + below(dice, XENMM_MAX_BATCH);
	return method == XENMM_METHOD_REBUILD ? below(dice, SPAN_PAGES + 1) : 0;
}

static uint8_t pick_kind(unsigned int *dice)
{
	const unsigned int at = below(dice, 32);

	if (at < 20)
		return CALL_OPERATION;
	if (at < 22)
		return CALL_IOCTL;
	return at < 26 ? CALL_MEMORY : at < 31 ? CALL_TOUCH : CALL_REOPEN;
}

void invent(unsigned int *dice, struct input *input)
{
	memset(input, 0, sizeof(*input)); /* padding, too: inputs are kept */
	input->kind = pick_kind(dice);
	input->command = below(dice, 256);
	input->arena = below(dice, NR_FUZZ_ARENAS);
	input->argument = pick_place(dice);
	input->ranges_at = pick_place(dice);
	input->reserved = below(dice, 40) ? 0 : 1 + below(dice, 16);
	input->method = below(dice, 24) ? below(dice, XENMM_METHOD_FLIP + 1) : pick_number(dice);
	input->batch = pick_batch(dice, input->method);
	input->prot = below(dice, 2) ? XENMM_PROT_READ : XENMM_PROT_READ_WRITE;
	if (!below(dice, 30))
		input->prot = pick_number(dice);
	input->number = pick_number(dice);
	pick_ranges(dice, input);
}

/* One or two of its parts are those of another input. */
void mutate(unsigned int *dice, const struct input *model, struct input *input)
{
	struct input other;

	*input = *model;
	for (unsigned int changes = 1 + below(dice, 2); changes; changes--) {
		invent(dice, &other);
		switch (below(dice, 6)) {
		case 0:
			input->method = other.method;
			input->batch = other.batch;
			break;
		case 1:
			input->command = other.command;
			break;
		case 2:
			input->batch = other.batch;
			break;
		case 3:
			memcpy(input->ranges, other.ranges, sizeof(other.ranges));
			input->nr_ranges = other.nr_ranges;
			break;
		case 4:
			input->prot = other.prot;
			input->reserved = other.reserved;
			break;
		case 5:
			input->argument = other.argument;
			input->ranges_at = other.ranges_at;
			break;
		}
	}
}

void describe_input(const struct input *input, char *text, size_t size)
{
	static const char *const kinds[] = {"operation", "ioctl", "memory", "touch", "reopen"};

	snprintf(text, size,
		 "%s %u, arena %u, at %u, ranges at %u, reserved %u, method %u, batch %u, prot %u, "
		 "number %#x, %u ranges: %u+%u+%u %u+%u+%u",
		 kinds[input->kind], input->command, input->arena, input->argument,
		 input->ranges_at, input->reserved, input->method, input->batch, input->prot,
		 input->number, input->nr_ranges, input->ranges[0].first, input->ranges[0].pages,
		 input->ranges[0].odd, input->ranges[1].first, input->ranges[1].pages,
		 input->ranges[1].odd);
}
