// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctl ABI: information, and every way to call wrongly. After each refused
 * call content, protection, entries and counters are what they were.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xenmm_test.h"

static const struct request {
	const char *name;
	unsigned long number;
	__u32 prot; /* a valid one */
} requests[] = {
	{"POPULATE", XENMM_IOC_POPULATE, 0},
	{"DISCARD", XENMM_IOC_DISCARD, 0},
	{"PROTECT", XENMM_IOC_PROTECT, XENMM_PROT_READ},
	{"MAP", XENMM_IOC_MAP, 0},
	{"UNMAP", XENMM_IOC_UNMAP, 0},
};

#define NR_REQUESTS (sizeof(requests) / sizeof(requests[0]))
#define for_each_request(r) \
	for (const struct request *r = requests; r < requests + NR_REQUESTS; r++)

/* ------------------------------------------------------------ what must stay */

#define RW_PAGES 16 /* 0-15 written, 16-31 read-only, 32-47 unmapped, then none */
#define SMALL_PAGES (2 * SPAN_PAGES)

struct scene {
	struct arena arena;
	struct arena other; /* another arena of this process */
	struct xenmm_stats stats;
};

static void scene_make(struct scene *scene)
{
	const struct method *method = any_method();
	struct arena *arena = &scene->arena;

	*arena = arena_make(SMALL_PAGES);
	scene->other = arena_make(SMALL_PAGES);
	populate(arena, method, 0, 48);
	fill_pages(arena, 0, 48, 1);
	protect(arena, method, 16, 16, XENMM_PROT_READ);
	unmap(arena, method, 32, 16);
	map(arena, method, 0, 32);
	scene->stats = read_stats(arena->fd);
}

static void expect_unchanged(struct scene *scene)
{
	struct xenmm_stats stats = read_stats(scene->arena.fd);

	EXPECT_EQ(memcmp(&stats, &scene->stats, sizeof(stats)), 0);
	expect_present(&scene->arena, 0, 32);
	expect_absent(&scene->arena, 32, SMALL_PAGES - 32);
	check_pages(&scene->arena, 0, 32, 1);
	EXPECT_TRUE(can_write(page_at(&scene->arena, 0)));
	EXPECT_TRUE(can_write(page_at(&scene->arena, 15)));
	expect_read_only(page_at(&scene->arena, 16));
	expect_read_only(page_at(&scene->arena, 31));
	scene->stats = read_stats(scene->arena.fd); /* looking was counted, too */
}

static void expect_refused(struct scene *scene, const struct request *request, struct xenmm_op *op,
			   int error)
{
	EXPECT_EQ(op_raw(scene->arena.fd, request->number, op), error);
	expect_unchanged(scene);
}

/* A call on pages 0-47 that would succeed. */
static struct xenmm_op good_op(const struct scene *scene, const struct request *request,
			       struct xenmm_range *range)
{
	const struct method *method = any_method();

	*range = range_of(&scene->arena, 0, 48);
	return (struct xenmm_op){
		.ranges = (uintptr_t)range,
		.nr_ranges = 1,
		.method = method->number,
		.batch = method->batch,
		.prot = request->prot,
	};
}

/* --------------------------------------------------------------- information */

TEST(info_describes_the_module)
{
	struct xenmm_info info;
	const __u32 pv_methods = 0x37f, native = 1U << XENMM_METHOD_NATIVE | 1;
	char text[64], version[34];

	be_alone();
	info = read_info();
	EXPECT_EQ(info.abi_version, XENMM_ABI_VERSION);
	EXPECT_LE(info.guest, XENMM_GUEST_XEN_HVM);
	EXPECT_EQ(info.methods, info.guest == XENMM_GUEST_XEN_PV ? pv_methods : native);
	EXPECT_EQ(info.max_batch, XENMM_MAX_BATCH);
	EXPECT_LE(info.initial_domain, 1);
	EXPECT_EQ(info.features, XENMM_FEATURE_KERNEL | XENMM_FEATURE_TRACK | XENMM_FEATURE_FORK);
	ASSERT_GE(read_text(FAULT_WINDOW_PATH, text, sizeof(text)), 1);
	EXPECT_EQ(info.fault_window, strtoul(text, NULL, 10));
	ASSERT_TRUE(memchr(info.module_version, 0, sizeof(info.module_version)));
	snprintf(version, sizeof(version), "%s\n", info.module_version);
	ASSERT_GE(read_text("/sys/module/xenmm/version", text, sizeof(text)), 2);
	EXPECT_EQ(strcmp(text, version), 0);
	ASSERT_GE(read_text("/sys/kernel/debug/xenmm/version", text, sizeof(text)), 2);
	EXPECT_EQ(strcmp(text, version), 0);
}

TEST(stats_have_zeroed_reserved_fields)
{
	struct xenmm_stats stats;
	int fd = device_open();

	memset(&stats, 0xff, sizeof(stats));
	ASSERT_EQ(ioctl(fd, XENMM_IOC_STATS, &stats), 0);
	for (size_t i = 0; i < sizeof(stats.reserved) / sizeof(stats.reserved[0]); i++)
		EXPECT_EQ(stats.reserved[i], 0);
}

TEST(unknown_commands)
{
	static struct scene scene;
	const unsigned long unknown[] = {
		0x5401 /* TCGETS */,
		_IO(XENMM_IOC_MAGIC, 0x01),
		_IO(XENMM_IOC_MAGIC, 0x10),
		_IOR(XENMM_IOC_MAGIC, 0x00, struct xenmm_info),
		_IOR(XENMM_IOC_MAGIC, 0x03, struct xenmm_info),
		_IOR(XENMM_IOC_MAGIC, 0x02, struct xenmm_info),
		_IOWR(XENMM_IOC_MAGIC, 0x0f, struct xenmm_op),
		_IOWR(XENMM_IOC_MAGIC, 0x1a, struct xenmm_op),
		_IOWR(XENMM_IOC_MAGIC, 0x17, struct xenmm_op),
		_IOWR(XENMM_IOC_MAGIC, 0xff, struct xenmm_op),
		_IOWR(0xBD, 0x10, struct xenmm_op),
		~0UL,
	};
	struct xenmm_range range;

	scene_make(&scene);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		struct xenmm_op op = good_op(&scene, requests, &range);

		test_context("command %#lx", unknown[i]);
		EXPECT_EQ(op_raw(scene.arena.fd, unknown[i], &op), -ENOTTY);
		expect_unchanged(&scene);
	}
}

/* -------------------------------------------------------------------- fields */

static const struct bad_field {
	const char *name;
	size_t offset, size; /* of the field in struct xenmm_op */
	__u64 value;
} bad_fields[] = {
#define FIELD(field, value)                                          \
	{                                                            \
#field " " #value, offsetof(struct xenmm_op, field), \
			sizeof(((struct xenmm_op *)0)->field), value \
	}
	FIELD(nr_ranges, 0),
	FIELD(nr_ranges, XENMM_MAX_RANGES + 1),
	FIELD(nr_ranges, ~0U),
	FIELD(method, 10),
	FIELD(method, 31),
	FIELD(method, 32 + XENMM_METHOD_BATCH),
	FIELD(method, 99),
	FIELD(method, ~0U),
	FIELD(prot, 2),
	FIELD(prot, 4),
	FIELD(prot, 7),
	FIELD(prot, 0x80000001),
	FIELD(prot, ~0U),
	FIELD(reserved[0], 1),
	FIELD(reserved[1], 1),
	FIELD(reserved[0], 1ULL << 63),
	FIELD(reserved[1], ~0ULL),
#undef FIELD
};

TEST(bad_fields_are_refused)
{
	static struct scene scene;
	struct xenmm_range range;

	scene_make(&scene);
	for_each_request(request) {
		for (size_t i = 0; i < sizeof(bad_fields) / sizeof(bad_fields[0]); i++) {
			struct xenmm_op op = good_op(&scene, request, &range);

			test_context("%s, %s", request->name, bad_fields[i].name);
			memcpy((char *)&op + bad_fields[i].offset, &bad_fields[i].value,
			       bad_fields[i].size);
			expect_refused(&scene, request, &op, -EINVAL);
		}
	}
}

TEST(protection_belongs_to_protect_alone)
{
	static struct scene scene;
	struct xenmm_range range;

	scene_make(&scene);
	for_each_request(request) {
		const bool protects = request->number == XENMM_IOC_PROTECT;
		const __u32 wrong[] = {protects ? 0 : XENMM_PROT_READ,
				       protects ? 2 : XENMM_PROT_READ_WRITE};

		for (size_t i = 0; i < 2; i++) {
			struct xenmm_op op = good_op(&scene, request, &range);

			test_context("%s, prot %u", request->name, wrong[i]);
			op.prot = wrong[i];
			expect_refused(&scene, request, &op, -EINVAL);
		}
	}
}

/* Whether the guest offers the method or not: a wrong batch is EINVAL. */
TEST(batch_fits_the_method)
{
	static struct scene scene;
	struct xenmm_range range;

	scene_make(&scene);
	for_each_request(request) {
		for (__u32 number = 0; number <= XENMM_METHOD_FLIP; number++) {
			const bool batches = number == XENMM_METHOD_BATCH;
			const bool rebuilds = number == XENMM_METHOD_REBUILD;
			const __u32 wrong[] = {batches	  ? 0
					       : rebuilds ? SPAN_PAGES + 1
							  : 1,
					       batches ? XENMM_MAX_BATCH + 1 : 2048, ~0U};

			for (size_t i = 0; i < 3; i++) {
				struct xenmm_op op = good_op(&scene, request, &range);

				test_context("%s, method %u, batch %u", request->name, number,
					     wrong[i]);
				op.method = number;
				op.batch = wrong[i];
				expect_refused(&scene, request, &op, -EINVAL);
			}
		}
	}
}

TEST(flip_is_for_protection_alone)
{
	static struct scene scene;
	struct xenmm_range range;

	scene_make(&scene);
	for_each_request(request) {
		struct xenmm_op op = good_op(&scene, request, &range);

		if (request->number == XENMM_IOC_PROTECT)
			continue;
		test_context("%s", request->name);
		op.method = XENMM_METHOD_FLIP;
		op.batch = 0;
		expect_refused(&scene, request, &op, -EINVAL);
	}
}

TEST(methods_of_other_guests)
{
	static struct scene scene;
	struct xenmm_range range;

	scene_make(&scene);
	for_each_request(request) {
		for (__u32 number = 0; number <= XENMM_METHOD_FLIP; number++) {
			struct xenmm_op op = good_op(&scene, request, &range);

			if (is_offered(number))
				continue;
			if (number == XENMM_METHOD_FLIP && request->number != XENMM_IOC_PROTECT)
				continue;
			test_context("%s, method %u", request->name, number);
			op.method = number;
			op.batch = number == XENMM_METHOD_BATCH ? 512 : 0;
			expect_refused(&scene, request, &op, -EOPNOTSUPP);
		}
	}
}

/* -------------------------------------------------------------------- ranges */

#define LENGTH (SMALL_PAGES * PAGE)

static const struct bad_ranges {
	const char *name;
	bool absolute; /* starts are addresses, not offsets into the arena */
	size_t count;
	struct xenmm_range ranges[2];
} bad_ranges[] = {
	{"unaligned start", false, 1, {{1, PAGE}}},
	{"start in the middle of a page", false, 1, {{PAGE / 2, PAGE}}},
	{"unaligned length", false, 1, {{0, PAGE + 1}}},
	{"length 1", false, 1, {{0, 1}}},
	{"empty", false, 1, {{0, 0}}},
	{"second empty", false, 2, {{0, PAGE}, {PAGE, 0}}},
	{"second unaligned", false, 2, {{0, PAGE}, {PAGE + 8, PAGE}}},
	{"overlapping", false, 2, {{0, 2 * PAGE}, {PAGE, PAGE}}},
	{"the same twice", false, 2, {{0, PAGE}, {0, PAGE}}},
	{"descending", false, 2, {{2 * PAGE, PAGE}, {0, PAGE}}},
	{"one inside the other", false, 2, {{0, 8 * PAGE}, {2 * PAGE, PAGE}}},
	{"to the end of the numbers", false, 1, {{0, -PAGE}}},
	{"around the numbers", true, 1, {{-(2 * PAGE), 3 * PAGE}}},
	{"ending at 2^64", true, 1, {{-PAGE, PAGE}}},
	{"address 0", true, 1, {{0, PAGE}}},
	{"all of user space", true, 1, {{0, 1UL << 47}}},
	{"kernel", true, 1, {{0xffff888000000000, PAGE}}},
	{"not canonical", true, 1, {{1UL << 60, PAGE}}},
	{"below the arena", false, 1, {{-PAGE, PAGE}}},
	{"half below", false, 1, {{-PAGE, 2 * PAGE}}},
	{"behind the arena", false, 1, {{LENGTH, PAGE}}},
	{"half behind", false, 1, {{LENGTH - PAGE, 2 * PAGE}}},
	{"far longer", false, 1, {{0, LENGTH << 20}}},
	{"first inside, second behind", false, 2, {{0, PAGE}, {LENGTH, PAGE}}},
};

static void expect_ranges_refused(struct scene *scene, const struct request *request,
				  const struct xenmm_range *ranges, size_t count)
{
	struct xenmm_range unused;
	struct xenmm_op op = good_op(scene, request, &unused);

	op.ranges = (uintptr_t)ranges;
	op.nr_ranges = count;
	op.pages_done = op.failed_address = 1;
	expect_refused(scene, request, &op, -EINVAL);
	EXPECT_EQ(op.pages_done, 0);
	EXPECT_EQ(op.failed_address, 0);
}

TEST(bad_ranges_are_refused)
{
	static struct scene scene;

	scene_make(&scene);
	for_each_request(request) {
		for (size_t i = 0; i < sizeof(bad_ranges) / sizeof(bad_ranges[0]); i++) {
			struct xenmm_range ranges[2];
			const struct bad_ranges *bad = &bad_ranges[i];

			test_context("%s, %s", request->name, bad->name);
			memcpy(ranges, bad->ranges, sizeof(ranges));
			for (size_t j = 0; j < 2 && !bad->absolute; j++)
				ranges[j].start += (uintptr_t)scene.arena.base;
			expect_ranges_refused(&scene, request, ranges, bad->count);
		}
	}
}

TEST(foreign_memory_is_refused)
{
	static struct scene scene;
	void *anonymous;

	scene_make(&scene);
	anonymous = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for_each_request(request) {
		struct xenmm_range foreign = range_of(&scene.other, 0, 1);
		struct xenmm_range both[2] = {range_of(&scene.arena, 0, 1), foreign};
		const bool ascending = both[0].start < both[1].start;
		const struct xenmm_range swapped[2] = {both[1], both[0]};

		test_context("%s, another arena", request->name);
		expect_ranges_refused(&scene, request, &foreign, 1);
		test_context("%s, this and another arena", request->name);
		expect_ranges_refused(&scene, request, ascending ? both : swapped, 2);
		test_context("%s, anonymous memory", request->name);
		foreign.start = (uintptr_t)anonymous;
		expect_ranges_refused(&scene, request, &foreign, 1);
		test_context("%s, the stack", request->name);
		foreign.start = (uintptr_t)&foreign & ~(PAGE - 1);
		expect_ranges_refused(&scene, request, &foreign, 1);
	}
}

TEST(arena_that_was_never_mapped)
{
	static struct scene scene;
	int fd;

	scene_make(&scene);
	fd = device_open();
	for_each_request(request) {
		struct xenmm_range range;
		struct xenmm_op op = good_op(&scene, request, &range);

		test_context("%s", request->name);
		EXPECT_EQ(op_raw(fd, request->number, &op), -EINVAL);
		expect_unchanged(&scene);
	}
	close(fd);
}
