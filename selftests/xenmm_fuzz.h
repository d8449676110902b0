/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fuzzer of system calls in parts: what a call is and how the next one is made from
 * others (xenmm_fuzz_input.c), how it is carried out and judged (xenmm_fuzz_call.c), which
 * of the module's code it reached (xenmm_fuzz_cover.c), and the threads (xenmm_fuzz_test.c).
 */
#ifndef XENMM_FUZZ_H
#define XENMM_FUZZ_H

#include "xenmm_test.h"

/* --------------------------------------------------------------------- a call */

enum call_kind { CALL_OPERATION, CALL_IOCTL, CALL_MEMORY, CALL_TOUCH, CALL_REOPEN };

/* Where a pointer leads to; the rest of it is an offset. */
enum place {
	PLACE_GOOD, /* memory of the caller's, filled with what is wanted */
	PLACE_ARENA,
	PLACE_READ_ONLY,
	PLACE_HOLE,
	PLACE_NULL,
	PLACE_KERNEL,
	NR_PLACES,
};

#define MAX_FUZZ_RANGES 6

struct fuzz_range {
	uint32_t first, pages; /* of the arena's window, may lie outside */
	uint16_t odd;	       /* bytes added to the start, and to the length: 0 mostly */
};

struct input {
	uint8_t kind;	 /* enum call_kind */
	uint8_t command; /* which of its kind */
	uint8_t arena;
	uint8_t argument, ranges_at; /* enum place */
	uint8_t reserved;	     /* which reserved byte is set; 0: none */
	uint32_t method, batch, prot, nr_ranges, number;
	struct fuzz_range ranges[MAX_FUZZ_RANGES];
};

/* Any; or one that is like `model` but for a few things. */
void invent(unsigned int *dice, struct input *input);
void mutate(unsigned int *dice, const struct input *model, struct input *input);
void describe_input(const struct input *input, char *text, size_t size);

/* ------------------------------------------------------------------ carried out */

#define NR_FUZZ_ARENAS 2
#define WINDOW_PAGES (4 * SPAN_PAGES)

/* A window of address space, to which arenas and holes are mapped; shared by all threads. */
struct fuzz_world {
	struct arena arenas[NR_FUZZ_ARENAS];
	unsigned char *read_only, *hole;
};

void open_world(struct fuzz_world *world);
void close_world(struct fuzz_world *world);
/* Fails the test where the answer is none that the uapi knows. */
void carry_out(struct fuzz_world *world, const struct input *input);

/* ----------------------------------------------------------------------- coverage */

/* False where the kernel has no KCOV: then nothing is new. For the calling thread. */
bool cover_begin(void);
void cover_end(void);
void cover_start(void);
/* How much of what was reached since then no thread had reached before. */
unsigned int cover_stop(void);
unsigned int cover_total(void);

#endif /* XENMM_FUZZ_H */
