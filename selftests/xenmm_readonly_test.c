// SPDX-License-Identifier: GPL-2.0
/*
 * A read-only page stays what it is: no mapping of the process, no call and no debugger
 * changes it, whichever method made it read-only. "# read-only:" lines tell what each way
 * answers; Documentation/design.rst has them as a table.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xenmm_ring.h"
#include "xenmm_test.h"

#define N ARENA_PAGES
#define PLACE 700 /* the page that is attacked: in the middle of a table */

/* Content, and read-only by this method at the second time: a flip then has its twins. */
static void make_read_only(const struct arena *arena, const struct method *method)
{
	populate(arena, any_method(), 0, N);
	fill_pages(arena, 0, N, 1);
	protect(arena, method, 0, N, XENMM_PROT_READ);
	protect(arena, method, 0, N, XENMM_PROT_READ_WRITE);
	protect(arena, method, 0, N, XENMM_PROT_READ);
}

/* ------------------------------------------------------------- every mapping */

static unsigned char seen[PAGE] __attribute__((aligned(4096)));
static uint64_t hidden[N]; /* the first words, inverted: not to be found themselves */

/* A copy by a pipe reads what the page tables show, of special mappings, too. */
static bool look_at(const int ends[2], uintptr_t address)
{
	return write(ends[1], (void *)address, PAGE) == PAGE && read(ends[0], seen, PAGE) == PAGE;
}

static long find_seen(void)
{
	uint64_t word;

	memcpy(&word, seen, sizeof(word));
	memset(seen, 0, sizeof(seen));
	for (size_t page = 0; page < N; page++)
		if (word == ~hidden[page])
			return page;
	return -1;
}

struct found {
	size_t own, elsewhere, mappings;
};

static bool is_own(const struct arena *arena, uintptr_t address)
{
	return address - (uintptr_t)arena->base < N * PAGE;
}

static void walk_mapping(const struct arena *arena, const int ends[2], uintptr_t start,
			 uintptr_t end, struct found *found)
{
	for (uintptr_t address = start; address < end; address += PAGE) {
		long page = look_at(ends, address) ? find_seen() : -1;

		if (page < 0)
			continue;
		if (is_own(arena, address)) {
			found->own++;
			continue;
		}
		found->elsewhere++;
		test_context("page %ld shows at %#lx", page, (unsigned long)address);
		probe_write((unsigned char *)address, 0x5a);
		check_pages(arena, page, 1, 1);
	}
}

static struct found walk_all(const struct arena *arena)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	struct found found = {};
	unsigned long start, end;
	char line[512], access;
	int ends[2];

	ASSERT_TRUE(maps);
	ASSERT_EQ(pipe(ends), 0);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %c", &start, &end, &access) != 3 || access != 'r')
			continue;
		found.mappings++;
		walk_mapping(arena, ends, start, end, &found);
	}
	fclose(maps);
	close(ends[0]);
	close(ends[1]);
	return found;
}

TEST_METHODS(no_other_mapping_shows_a_page)
{
	struct found found;

	make_read_only(self, method);
	for (size_t page = 0; page < N; page++) {
		memcpy(&hidden[page], page_at(self, page), sizeof(hidden[page]));
		hidden[page] = ~hidden[page];
	}
	found = walk_all(self);
	EXPECT_EQ(found.own, N); /* the search finds what is there */
	EXPECT_EQ(found.elsewhere, 0);
	EXPECT_GE(found.mappings, 4);
	for (size_t page = 0; page < N; page += 50)
		expect_read_only(page_at(self, page));
	check_pages(self, 0, N, 1);
}

/* ------------------------------------------------------------------ every way */

static unsigned char bytes[PAGE]; /* zeroes: not what the page holds */

/* All of these answer 0 or errno; -1 where the kernel does not know the way. */
#define UNKNOWN (-1)

static long by_read(unsigned char *page)
{
	int zero = open("/dev/zero", O_RDONLY);
	long error = ERROR_OF(read(zero, page, PAGE));

	close(zero);
	return error;
}

static void fill_pipe(int ends[2])
{
	ASSERT_EQ(pipe(ends), 0);
	ASSERT_EQ(write(ends[1], bytes, PAGE), PAGE);
}

static long close_both(const int ends[2], long error)
{
	close(ends[0]);
	close(ends[1]);
	return error;
}

static long by_pipe(unsigned char *page)
{
	int ends[2];

	fill_pipe(ends);
	return close_both(ends, ERROR_OF(read(ends[0], page, PAGE)));
}

static long by_vmsplice(unsigned char *page)
{
	struct iovec vector = {page, PAGE};
	int ends[2];

	fill_pipe(ends);
	return close_both(ends, ERROR_OF(vmsplice(ends[0], &vector, 1, 0))); /* out of it: a copy */
}

static long by_recvmsg(unsigned char *page)
{
	struct iovec vector = {page, PAGE};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
	int ends[2];

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ASSERT_EQ(write(ends[1], bytes, PAGE), PAGE);
	return close_both(ends, ERROR_OF(recvmsg(ends[0], &message, 0)));
}

static long write_memory_of(pid_t process, unsigned char *page)
{
	struct iovec local = {bytes, PAGE}, remote = {page, PAGE};

	return ERROR_OF(process_vm_writev(process, &local, 1, &remote, 1, 0));
}

static long by_process_vm_writev(unsigned char *page)
{
	return write_memory_of(getpid(), page);
}

static long by_proc_mem(unsigned char *page)
{
	int mem = open("/proc/self/mem", O_RDWR);
	long error = ERROR_OF(pwrite(mem, bytes, PAGE, (uintptr_t)page));

	close(mem);
	return error;
}

static long poke(pid_t process, unsigned char *page)
{
	long error;

	if (ptrace(PTRACE_ATTACH, process, NULL, NULL) || waitpid(process, NULL, 0) != process)
		return 255;
	error = ERROR_OF(ptrace(PTRACE_POKEDATA, process, page, NULL));
	ptrace(PTRACE_DETACH, process, NULL, NULL);
	return error;
}

/* Another process, which has not got the arena, tries; it exits with errno. */
static long from_outside(long (*way)(pid_t, unsigned char *), unsigned char *page)
{
	pid_t parent = getpid(), child = fork();
	int status;

	ASSERT_GE(child, 0);
	if (!child)
		_exit(way(parent, page));
	ASSERT_EQ(waitpid(child, &status, 0), child);
	ASSERT_TRUE(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static long by_ptrace(unsigned char *page)
{
	return from_outside(poke, page);
}

static long by_other_process(unsigned char *page)
{
	return from_outside(write_memory_of, page);
}

static long wake_op(unsigned char *page, int command)
{
	static unsigned int word;

	return ERROR_OF(syscall(SYS_futex, &word, command, 1, 1L, page,
				FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_EQ, 0)));
}

static long by_futex(unsigned char *page)
{
	return wake_op(page, FUTEX_WAKE_OP_PRIVATE);
}

static long by_shared_futex(unsigned char *page)
{
	return wake_op(page, FUTEX_WAKE_OP);
}

static long read_by_ring(unsigned char *page, int opcode, int flags)
{
	struct ring ring;
	int ends[2], result;

	if (ring_make(&ring))
		return UNKNOWN;
	fill_pipe(ends);
	result = ring_read(&ring, opcode, flags, ends[0], page);
	close(ring.fd);
	return close_both(ends, result < 0 ? -result : 0);
}

static long by_ring(unsigned char *page)
{
	return read_by_ring(page, IORING_OP_READ, 0);
}

static long by_ring_worker(unsigned char *page)
{
	return read_by_ring(page, IORING_OP_READ, IOSQE_ASYNC);
}

static long by_ring_fixed(unsigned char *page)
{
	return read_by_ring(page, IORING_OP_READ_FIXED, 0);
}

static long by_ring_buffer(unsigned char *page)
{
	struct iovec vector = {page, PAGE};
	struct ring ring;
	long error;

	if (ring_make(&ring))
		return UNKNOWN;
	error = ERROR_OF(
		syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &vector, 1));
	close(ring.fd);
	return error;
}

static long by_userfaultfd(unsigned char *page)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register area = {.range = {(uintptr_t)page, PAGE},
				       .mode = UFFDIO_REGISTER_MODE_MISSING};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	long error;

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		return UNKNOWN;
	error = ERROR_OF(ioctl(fd, UFFDIO_REGISTER, &area));
	close(fd);
	return error;
}

static long by_mprotect(unsigned char *page)
{
	return ERROR_OF(mprotect(page, PAGE, PROT_READ | PROT_WRITE));
}

static long by_mlock(unsigned char *page)
{
	return ERROR_OF(mlock(page, PAGE)); /* leaves such areas as they are */
}

static long by_dontneed(unsigned char *page)
{
	return ERROR_OF(madvise(page, PAGE, MADV_DONTNEED));
}

static long by_remove(unsigned char *page)
{
	return ERROR_OF(madvise(page, PAGE, MADV_REMOVE));
}

static long by_populate_write(unsigned char *page)
{
	return ERROR_OF(madvise(page, PAGE, 23 /* MADV_POPULATE_WRITE */));
}

static long by_second_mapping(unsigned char *page)
{
	return ERROR_OF(mremap(page, 0, PAGE, MREMAP_MAYMOVE));
}

static const struct way {
	const char *name;
	long (*run)(unsigned char *page);
	int error;
} ways[] = {
	{"read of /dev/zero", by_read, EFAULT},
	{"read of a pipe", by_pipe, EFAULT},
	{"recvmsg", by_recvmsg, EFAULT},
	{"vmsplice out of a pipe", by_vmsplice, EFAULT},
	{"io_uring READ", by_ring, EFAULT},
	{"io_uring READ, by a worker", by_ring_worker, EFAULT},
	{"io_uring READ_FIXED", by_ring_fixed, EFAULT},
	{"io_uring REGISTER_BUFFERS", by_ring_buffer, EFAULT},
	{"futex WAKE_OP, private", by_futex, EFAULT},
	{"futex WAKE_OP, shared", by_shared_futex, EFAULT},
	{"process_vm_writev, own", by_process_vm_writev, EFAULT},
	{"process_vm_writev, another's", by_other_process, EFAULT},
	{"pwrite to /proc/self/mem", by_proc_mem, EIO},
	{"PTRACE_POKEDATA", by_ptrace, EIO},
	{"UFFDIO_REGISTER", by_userfaultfd, EINVAL},
	{"mprotect PROT_WRITE", by_mprotect, EACCES},
	{"mremap from length 0", by_second_mapping, EFAULT},
	{"MADV_DONTNEED", by_dontneed, EINVAL},
	{"MADV_REMOVE", by_remove, ENODEV},
	{"MADV_POPULATE_WRITE", by_populate_write, EINVAL},
	{"mlock", by_mlock, 0},
};

static void try_way(const struct arena *arena, const struct way *way)
{
	long error;

	test_context("%s", way->name);
	error = way->run(page_at(arena, PLACE));
	printf("# read-only: %-32s %s\n", way->name,
	       error == UNKNOWN ? "not in this kernel"
	       : error		? strerrorname_np(error)
				: "0");
	if (error != UNKNOWN)
		EXPECT_EQ(error, way->error);
	check_pages(arena, PLACE - 1, 3, 1);
	expect_read_only(page_at(arena, PLACE));
}

TEST_METHODS(no_way_changes_a_page)
{
	make_read_only(self, method);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		try_way(self, &ways[i]);
	EXPECT_EQ(ERROR_OF(device_map(self->fd, N * PAGE)), EBUSY);
	check_pages(self, 0, N, 1);
	protect(self, method, 0, N, XENMM_PROT_READ_WRITE);
	use_all_pages(self);
}
