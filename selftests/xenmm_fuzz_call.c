// SPDX-License-Identifier: GPL-2.0
/*
 * Carries an input out. All that is mapped, unmapped and touched lies in windows of the
 * fuzzer's own; a window is never free, so that nothing else comes to lie there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xenmm_fuzz.h"

#define WINDOW_BYTES (WINDOW_PAGES * PAGE)
#define KERNEL_ADDRESS 0xffff888000001000UL
#define NOT_CANONICAL 0x0000900000000000UL

/* --------------------------------------------------------------------- the world */

static unsigned char *reserve_window(void)
{
	unsigned char *window = free_space(WINDOW_BYTES);

	ASSERT_EQ(mmap(window, WINDOW_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		       0),
		  window);
	return window;
}

/* May be refused: another thread's mapping of the same file is there. */
static void map_arena(const struct arena *arena, size_t pages)
{
	mmap(arena->base, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, arena->fd,
	     0);
}

void open_world(struct fuzz_world *world)
{
	for (int i = 0; i < NR_FUZZ_ARENAS; i++) {
		world->arenas[i] = (struct arena){device_open(), reserve_window(), WINDOW_PAGES};
		map_arena(&world->arenas[i], WINDOW_PAGES - 100 * i);
	}
	world->read_only =
		mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	world->hole = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(world->read_only, MAP_FAILED);
	ASSERT_NE(world->hole, MAP_FAILED);
}

void close_world(struct fuzz_world *world)
{
	for (int i = 0; i < NR_FUZZ_ARENAS; i++) {
		ASSERT_EQ(munmap(world->arenas[i].base, WINDOW_BYTES), 0);
		close(world->arenas[i].fd);
	}
	munmap(world->read_only, PAGE);
	munmap(world->hole, PAGE);
}

/* ---------------------------------------------------------------------- pointers */

static uintptr_t place_of(struct fuzz_world *world, const struct input *input, uint8_t place,
			  void *good)
{
	switch (place) {
	case PLACE_ARENA:
		return (uintptr_t)page_at(&world->arenas[input->arena],
					  input->ranges[0].first % WINDOW_PAGES);
	case PLACE_READ_ONLY:
		return (uintptr_t)world->read_only;
	case PLACE_HOLE:
		return (uintptr_t)world->hole;
	case PLACE_NULL:
		return input->number % PAGE;
	case PLACE_KERNEL:
		return input->number % 2 ? KERNEL_ADDRESS : NOT_CANONICAL;
	}
	return (uintptr_t)good;
}

/* ------------------------------------------------------------------- operations */

static const unsigned long operations[] = {XENMM_IOC_POPULATE, XENMM_IOC_DISCARD, XENMM_IOC_PROTECT,
					   XENMM_IOC_PROTECT,  XENMM_IOC_MAP,	  XENMM_IOC_UNMAP,
					   XENMM_IOC_TRACK,    XENMM_IOC_UNTRACK};

static void fill_ranges(const struct arena *arena, const struct input *input,
			struct xenmm_range *ranges)
{
	for (int i = 0; i < MAX_FUZZ_RANGES; i++) {
		const struct fuzz_range *from = &input->ranges[i];

		ranges[i].start = (uintptr_t)arena->base + from->first * PAGE + from->odd;
		ranges[i].length = from->pages * PAGE + (from->odd & 1);
	}
}

/* The answers that the uapi lists, EIO left out: nothing may make Xen refuse. */
static bool is_known_answer(int answer)
{
	static const int known[] = {0,	    EFAULT,	EINVAL, EPERM, EBUSY,
				    EACCES, EOPNOTSUPP, ENOMEM, EINTR};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (answer == -known[i])
			return true;
	return false;
}

/* Xen had no reason to refuse anything, and what succeeds has done all of it. */
static void expect_outcome(const struct input *input, const struct xenmm_op *op, int answer)
{
	__u64 pages = 0;

	EXPECT_EQ(op->hypervisor_error, 0);
	if (answer)
		return;
	for (uint32_t i = 0; i < input->nr_ranges && i < MAX_FUZZ_RANGES; i++)
		pages += input->ranges[i].pages;
	EXPECT_LE(input->nr_ranges, MAX_FUZZ_RANGES); /* there are no more */
	EXPECT_EQ(op->pages_done, pages);
	EXPECT_EQ(op->failed_address, 0);
}

static void operate(struct fuzz_world *world, const struct input *input)
{
	const unsigned long request =
		operations[input->command % (sizeof(operations) / sizeof(operations[0]))];
	struct arena *arena = &world->arenas[input->arena];
	struct xenmm_range ranges[MAX_FUZZ_RANGES + 1] = {}; /* an empty one is wrong */
	struct xenmm_op op = {
		.ranges = place_of(world, input, input->ranges_at, ranges),
		.nr_ranges = input->nr_ranges,
		.method = input->method,
		.batch = input->batch,
		.prot = request == XENMM_IOC_PROTECT ? input->prot : input->prot & ~3U,
	};
	void *argument = (void *)place_of(world, input, input->argument, &op);
	int answer;

	fill_ranges(arena, input, ranges);
	if (input->reserved)
		((unsigned char *)op.reserved)[input->reserved - 1] = 1;
	answer = ioctl(arena->fd, request, argument) ? -errno : 0;
	EXPECT_TRUE(is_known_answer(answer));
	if (argument == &op && op.ranges == (uintptr_t)ranges)
		expect_outcome(input, &op, answer);
}

/* ------------------------------------------------------------------ other ioctls */

/* No window holds more written ranges, and so far may be written behind a pointer to room. */
#define MOST_WRITTEN (WINDOW_PAGES / 2)

/* Not so near to a window's end that the answer could reach what is behind it. */
static uintptr_t room_at(struct fuzz_world *world, const struct input *input,
			 struct xenmm_range *good)
{
	const size_t bytes = MOST_WRITTEN * sizeof(*good);
	const uintptr_t at = place_of(world, input, input->ranges_at, good);
	const uintptr_t end = (uintptr_t)world->arenas[input->arena].base + WINDOW_BYTES;

	return end - at < bytes ? at - bytes : at;
}

static void collect(struct fuzz_world *world, const struct input *input)
{
	static __thread struct xenmm_range told[MOST_WRITTEN];
	const struct arena *arena = &world->arenas[input->arena];
	struct xenmm_range range[MAX_FUZZ_RANGES];
	struct xenmm_collect ask = {.ranges = room_at(world, input, told),
				    .max_ranges = input->number % 3 ? input->number % 64
								    : input->nr_ranges,
				    .flags = input->method % 16 == 15};
	void *argument = (void *)place_of(world, input, input->argument, &ask);
	int answer;

	fill_ranges(arena, input, range);
	ask.start = range[0].start;
	ask.length = range[0].length;
	answer = ioctl(arena->fd, XENMM_IOC_COLLECT, argument) ? -errno : 0;
	EXPECT_TRUE(is_known_answer(answer));
	EXPECT_EQ(ask.hypervisor_error, 0);
	if (answer || argument != &ask)
		return;
	EXPECT_LE(ask.nr_ranges, ask.max_ranges);
	EXPECT_LE(ask.pages, ask.length / PAGE);
	EXPECT_LE(ask.resume, ask.start + ask.length);
}

/* Whoever's descriptor, or none; nothing is ever written to a wrong one. */
static void notify(struct fuzz_world *world, const struct input *input)
{
	__s32 fd = input->batch % 4 ? (__s32)(input->number % 8) - 1 : eventfd(0, EFD_CLOEXEC);
	void *argument = (void *)place_of(world, input, input->argument, &fd);
	const int answer =
		ERROR_OF(ioctl(world->arenas[input->arena].fd, XENMM_IOC_NOTIFY, argument));

	EXPECT_TRUE(is_known_answer(-answer) || answer == EBADF);
	if (!(input->batch % 4))
		close(fd);
}

static void hint(struct fuzz_world *world, const struct input *input)
{
	struct xenmm_fork fork = {.flags = input->method % 16 == 15};
	void *argument = (void *)place_of(world, input, input->argument, &fork);
	const int own = input->batch % 2 ? device_open() : -1;
	const int fd = own < 0 ? world->arenas[input->arena].fd : own;

	EXPECT_TRUE(is_known_answer(-ERROR_OF(ioctl(fd, XENMM_IOC_FORK, argument))));
	if (own >= 0)
		close(own);
}

static void ask_for_facts(struct fuzz_world *world, const struct input *input)
{
	static const unsigned long requests[] = {XENMM_IOC_INFO, XENMM_IOC_STATS, XENMM_IOC_KERNEL};
	const unsigned int which = input->command % 4;
	struct xenmm_kernel kernel = {.counting = input->prot % 4, .flags = input->batch % 3};
	union {
		struct xenmm_kernel kernel;
		struct xenmm_stats stats;
		struct xenmm_info info;
	} buffer = {.kernel = kernel};
	void *argument = (void *)place_of(world, input, input->argument, &buffer);
	int answer = ioctl(world->arenas[input->arena].fd,
			   which < 3 ? requests[which] : input->number, argument)
			     ? -errno
			     : 0;

	if (which < 3)
		EXPECT_TRUE(is_known_answer(answer) || answer == -ENOENT);
}

static void ask(struct fuzz_world *world, const struct input *input)
{
	static void (*const asks[])(struct fuzz_world *,
				    const struct input *) = {ask_for_facts, collect, notify, hint};

	asks[input->command / 4 % 4](world, input);
}

/* ------------------------------------------------------------- what changes areas */

/* Whole tables, or pages where a split of the area has to be refused. */
static void change_area(struct fuzz_world *world, const struct input *input)
{
	const struct arena *arena = &world->arenas[input->arena];
	const size_t align = input->batch % 2 ? SPAN_PAGES : 1;
	const size_t first = input->ranges[0].first % WINDOW_PAGES & -align;
	const size_t most = WINDOW_PAGES - first, wanted = input->ranges[0].pages & -align;
	const size_t length = (wanted && wanted < most ? wanted : most) * PAGE;
	void *start = page_at(arena, first);

	switch (input->command % 7) {
	case 0:
		mmap(start, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		break;
	case 1:
		map_arena(&world->arenas[input->arena], 1 + input->ranges[1].pages % WINDOW_PAGES);
		break;
	case 2:
		EXPECT_NE(mprotect(start, length, input->prot % 8), EIO);
		break;
	case 3:
		madvise(start, length, input->number % 30);
		break;
	case 4:
		if (first + length / PAGE < WINDOW_PAGES) /* there is something behind it */
			EXPECT_EQ(mremap(start, length, length + PAGE, 0), MAP_FAILED);
		break;
	case 5:
		mlock(start, length);
		munlock(start, length);
		break;
	case 6:
		msync(start, length, MS_SYNC);
		break;
	}
}

/* ------------------------------------------------------------------------- others */

static void touch(struct fuzz_world *world, const struct input *input)
{
	const struct arena *arena = &world->arenas[input->arena];

	for (unsigned int i = 0; i < 1 + input->ranges[0].pages % 24; i++) {
		unsigned char *at = page_at(arena, (input->ranges[0].first + i) % WINDOW_PAGES);

		if (input->command % 2)
			probe_read(at);
		else
			probe_write(at, input->number);
	}
}

static void fork_and_exit(void)
{
	const pid_t child = fork();

	if (!child)
		_exit(0);
	if (child > 0)
		waitpid(child, NULL, 0);
}

/* The number stays the same: threads that use it meanwhile get the one or the other. */
static void reopen(struct fuzz_world *world, const struct input *input)
{
	const struct arena *arena = &world->arenas[input->arena];
	int fd;

	if (input->command % 2) {
		fork_and_exit();
		return;
	}
	fd = device_open();
	EXPECT_EQ(dup2(fd, arena->fd), arena->fd);
	close(fd);
	map_arena(arena, WINDOW_PAGES);
}

void carry_out(struct fuzz_world *world, const struct input *input)
{
	static void (*const carry[])(struct fuzz_world *, const struct input *) = {
		operate, ask, change_area, touch, reopen};

	carry[input->kind](world, input);
}
