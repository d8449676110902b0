// SPDX-License-Identifier: GPL-2.0
/*
 * Methods, arenas, operations, and what the kernel says about them.
 * A helper that cannot go on ends its test as failed: callers need no checks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xenmm_test.h"

/* --------------------------------------------------------------- methods */

#define METHOD_ALONE(number, NAME, name, ...) {#name, XENMM_METHOD_##NAME, 0},

const struct method methods[] = {
	{"native", XENMM_METHOD_NATIVE, 0},
	{"auto", XENMM_METHOD_AUTO, 0},
	{"rebuild", XENMM_METHOD_REBUILD, 0},
	{"flip", XENMM_METHOD_FLIP, 0}, /* protects; other requests: any_method() */
	{"rebuild_1", XENMM_METHOD_REBUILD, 1},
	{"rebuild_100", XENMM_METHOD_REBUILD, 100},
	{"batch_1", XENMM_METHOD_BATCH, 1},
	{"batch_2", XENMM_METHOD_BATCH, 2},
	{"batch_31", XENMM_METHOD_BATCH, 31},
	{"batch_511", XENMM_METHOD_BATCH, 511},
	{"batch_512", XENMM_METHOD_BATCH, 512},
	{"batch_513", XENMM_METHOD_BATCH, 513},
	{"batch_1024", XENMM_METHOD_BATCH, 1024},
	{"batch_2047", XENMM_METHOD_BATCH, 2047},
	{"batch_2048", XENMM_METHOD_BATCH, 2048},
	XENMM_ENTRY_METHODS(METHOD_ALONE)};

const size_t nr_methods = sizeof(methods) / sizeof(methods[0]);

struct xenmm_info read_info(void)
{
	struct xenmm_info info;
	int fd = open(XENMM_DEVICE_PATH, O_RDWR | O_CLOEXEC);

	memset(&info, 0, sizeof(info));
	if (fd < 0 || ioctl(fd, XENMM_IOC_INFO, &info))
		perror("# XENMM_IOC_INFO");
	close(fd);
	return info;
}

bool is_offered(__u32 number)
{
	static __u32 offered;

	if (!offered)
		offered = read_info().methods;
	return offered & (1U << number);
}

const struct method *any_method(void)
{
	for (size_t i = 0; i < nr_methods; i++)
		if (is_offered(methods[i].number) &&
		    (is_native(&methods[i]) || methods[i].batch == 512))
			return &methods[i];
	test_skip("this guest offers neither batch nor native");
}

bool is_protection(unsigned long request)
{
	return request == XENMM_IOC_PROTECT || request == XENMM_IOC_TRACK ||
	       request == XENMM_IOC_UNTRACK;
}

const struct method *method_for(const struct method *method, unsigned long request)
{
	if (method->number == XENMM_METHOD_FLIP && !is_protection(request))
		return any_method();
	return method;
}

bool may_flip(const struct method *method)
{
	return is_offered(XENMM_METHOD_FLIP) &&
	       (method->number == XENMM_METHOD_AUTO || method->number == XENMM_METHOD_FLIP);
}

bool is_native(const struct method *method)
{
	return method->number == XENMM_METHOD_NATIVE ||
	       (method->number == XENMM_METHOD_AUTO && is_offered(XENMM_METHOD_NATIVE));
}

/* ---------------------------------------------------------------- arenas */

int device_open(void)
{
	int fd = open(XENMM_DEVICE_PATH, O_RDWR);

	ASSERT_GE(fd, 0);
	return fd;
}

void *device_map(int fd, size_t length)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

struct arena arena_make(size_t pages)
{
	struct arena arena = {.fd = device_open(), .pages = pages};

	arena.base = device_map(arena.fd, pages * PAGE);
	ASSERT_NE(arena.base, MAP_FAILED);
	ASSERT_EQ((uintptr_t)arena.base % XENMM_SPAN_BYTES, 0);
	return arena;
}

void arena_close(struct arena *arena)
{
	EXPECT_EQ(munmap(arena->base, arena->pages * PAGE), 0);
	EXPECT_EQ(close(arena->fd), 0);
}

unsigned char *free_space(size_t length)
{
	unsigned char *space = mmap(NULL, length + XENMM_SPAN_BYTES, PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(space, MAP_FAILED);
	ASSERT_EQ(munmap(space, length + XENMM_SPAN_BYTES), 0);
	return (unsigned char *)(((uintptr_t)space + XENMM_SPAN_BYTES - 1) & -XENMM_SPAN_BYTES);
}

unsigned char *page_at(const struct arena *arena, size_t page)
{
	return arena->base + page * PAGE;
}

int op_raw(int fd, unsigned long request, struct xenmm_op *op)
{
	return ioctl(fd, request, op) ? -errno : 0;
}

struct xenmm_range range_of(const struct arena *arena, size_t first, size_t pages)
{
	return (struct xenmm_range){(uintptr_t)page_at(arena, first), pages * PAGE};
}

struct xenmm_op make_op(const struct method *method, const struct xenmm_range *ranges,
			size_t nr_ranges, __u32 prot)
{
	return (struct xenmm_op){
		.ranges = (uintptr_t)ranges,
		.nr_ranges = nr_ranges,
		.method = method->number,
		.batch = method->batch,
		.prot = prot,
	};
}

int op_ranges(const struct arena *arena, unsigned long request, const struct method *method,
	      const struct xenmm_range *ranges, size_t nr_ranges, __u32 prot)
{
	struct xenmm_op op = make_op(method_for(method, request), ranges, nr_ranges, prot);

	return op_raw(arena->fd, request, &op);
}

int op_pages(const struct arena *arena, unsigned long request, const struct method *method,
	     size_t first, size_t pages, __u32 prot)
{
	struct xenmm_range range = range_of(arena, first, pages);

	return op_ranges(arena, request, method, &range, 1, prot);
}

static void must(const struct arena *arena, unsigned long request, const struct method *method,
		 size_t first, size_t pages, __u32 prot)
{
	struct xenmm_range range = range_of(arena, first, pages);
	struct xenmm_op op = make_op(method_for(method, request), &range, 1, prot);

	op.pages_done = op.failed_address = ~0ULL;
	op.hypervisor_error = -1;
	op.reserved_out = 1;
	ASSERT_EQ(op_raw(arena->fd, request, &op), 0);
	EXPECT_EQ(op.pages_done, pages);
	EXPECT_EQ(op.failed_address, 0);
	EXPECT_EQ(op.hypervisor_error, 0);
	EXPECT_EQ(op.reserved_out, 0);
}

void populate(const struct arena *arena, const struct method *method, size_t first, size_t pages)
{
	must(arena, XENMM_IOC_POPULATE, method, first, pages, 0);
}

void discard(const struct arena *arena, const struct method *method, size_t first, size_t pages)
{
	must(arena, XENMM_IOC_DISCARD, method, first, pages, 0);
}

void map(const struct arena *arena, const struct method *method, size_t first, size_t pages)
{
	must(arena, XENMM_IOC_MAP, method, first, pages, 0);
}

void unmap(const struct arena *arena, const struct method *method, size_t first, size_t pages)
{
	must(arena, XENMM_IOC_UNMAP, method, first, pages, 0);
}

void protect(const struct arena *arena, const struct method *method, size_t first, size_t pages,
	     __u32 prot)
{
	must(arena, XENMM_IOC_PROTECT, method, first, pages, prot);
}

/* ---------------------------------------------------------------- processes */

int hint_fork(struct xenmm_fork *fork)
{
	const int fd = device_open();
	const int answer = -ERROR_OF(ioctl(fd, XENMM_IOC_FORK, fork));

	close(fd);
	return answer;
}

#define NOBODY 65534

void become_nobody(void)
{
	any_method(); /* asks the device, which nobody cannot open */
	ASSERT_EQ(setgroups(0, NULL), 0);
	ASSERT_EQ(setresgid(NOBODY, NOBODY, NOBODY), 0);
	ASSERT_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
}

void make_memory_group(const char *path, const char *limit)
{
	char file[128];

	write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	mkdir(path, 0755);
	snprintf(file, sizeof(file), "%s/memory.max", path);
	if (write_text(file, limit))
		test_skip("no memory controller in /sys/fs/cgroup");
	snprintf(file, sizeof(file), "%s/memory.swap.max", path);
	write_text(file, "0");
}

/* ------------------------------------------------------- what the kernel says */

struct xenmm_stats read_stats(int fd)
{
	struct xenmm_stats stats;

	be_alone();
	ASSERT_EQ(ioctl(fd, XENMM_IOC_STATS, &stats), 0);
	return stats;
}

__u64 held_pages(const struct xenmm_stats *stats)
{
	return stats->pages_allocated - stats->pages_freed;
}

__u64 held_twins(const struct xenmm_stats *stats)
{
	return stats->twins_made - stats->twins_dropped;
}

void expect_no_refusals(const struct xenmm_stats *before, const struct xenmm_stats *after)
{
	EXPECT_EQ(after->errors, before->errors);
	EXPECT_EQ(after->partial_batches, before->partial_batches);
	EXPECT_EQ(after->repairs, before->repairs);
}

static size_t unmap_counted(const struct arena *arena, size_t first, size_t pages)
{
	__u64 before = read_stats(arena->fd).pages_unmapped;

	unmap(arena, any_method(), first, pages);
	return read_stats(arena->fd).pages_unmapped - before;
}

void expect_present(const struct arena *arena, size_t first, size_t pages)
{
	if (!pages)
		return;
	EXPECT_EQ(unmap_counted(arena, first, pages), pages);
	map(arena, any_method(), first, pages);
}

void expect_absent(const struct arena *arena, size_t first, size_t pages)
{
	if (pages)
		EXPECT_EQ(unmap_counted(arena, first, pages), 0);
}

const char *const counter_names[NR_COUNTERS] = {
	"hypercalls",	   "mmu_updates",
	"traps",	   "va_mappings",
	"multicalls",	   "lazy_updates",
	"native_stores",   "tlb_flushes",
	"faults",	   "fault_around_pages",
	"pages_mapped",	   "pages_unmapped",
	"pages_protected", "pages_allocated",
	"pages_freed",	   "errors",
	"partial_batches", "hypercall_cycles",
	"trap_cycles",	   "tables_rebuilt",
	"tables_flipped",  "twins_made",
	"twins_dropped",   "twin_updates",
	"teardown_pages",  "repairs",
	"writes_noted",
};

void expect_growth(int fd, const struct xenmm_stats *before, const struct xenmm_stats *growth)
{
	struct xenmm_stats now = read_stats(fd);
	const __u64 *new = (const __u64 *)&now, *old = (const __u64 *)before;
	const __u64 *wanted = (const __u64 *)growth;

	for (size_t i = 0; i < NR_COUNTERS; i++) {
		if (new[i] - old[i] == wanted[i] || strstr(counter_names[i], "_cycles"))
			continue;
		printf("# counter %s\n", counter_names[i]);
		EXPECT_EQ(new[i] - old[i], wanted[i]);
	}
}

int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int error = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return error;
}

ssize_t read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);
	size_t length = 0;
	ssize_t got;

	text[0] = '\0';
	if (fd < 0)
		return -errno;
	while ((got = read(fd, text + length, size - 1 - length)) > 0)
		length += got;
	close(fd);
	text[length] = '\0';
	return got < 0 ? got : (ssize_t)length;
}

int set_fault_window(unsigned int pages)
{
	char text[16];

	be_alone();
	snprintf(text, sizeof(text), "%u", pages);
	return write_text(FAULT_WINDOW_PATH, text);
}

long status_kb(const char *field)
{
	char text[8192];
	char *found;

	ASSERT_GE(read_text("/proc/self/status", text, sizeof(text)), 1);
	found = strstr(text, field);
	ASSERT_TRUE(found);
	return strtol(found + strlen(field) + 1, NULL, 10);
}

void read_vm_flags(const void *start, char flags[512])
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	char line[512], header[32];
	bool inside = false;

	ASSERT_TRUE(smaps);
	snprintf(header, sizeof(header), "%lx-", (unsigned long)start);
	*flags = '\0';
	while (fgets(line, sizeof(line), smaps) && !*flags) {
		inside |= !strncmp(line, header, strlen(header));
		if (inside && !strncmp(line, "VmFlags:", 8))
			strcpy(flags, line + 8);
	}
	fclose(smaps);
}
