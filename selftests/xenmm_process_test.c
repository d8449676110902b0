// SPDX-License-Identifier: GPL-2.0
/*
 * An arena belongs to one process: fork, exec, descriptors that are passed on or
 * closed; read(2), write(2) and core dumps of it (hazards.md, rules 6 and 8).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xenmm_test.h"

static void fill(const struct arena *arena)
{
	fill_pages(arena, 0, arena->pages, 1);
}

static void expect_owned(const struct arena *arena)
{
	check_pages(arena, 0, arena->pages, 1);
	protect(arena, any_method(), 0, arena->pages, XENMM_PROT_READ);
	expect_read_only(page_at(arena, 0));
	protect(arena, any_method(), 0, arena->pages, XENMM_PROT_READ_WRITE);
	EXPECT_TRUE(can_write(page_at(arena, 0)));
}

/* What any other process may do with the descriptor: ask. */
static void expect_foreign(struct arena *arena)
{
	static const unsigned long requests[] = {XENMM_IOC_POPULATE, XENMM_IOC_DISCARD,
						 XENMM_IOC_MAP, XENMM_IOC_UNMAP};

	read_stats(arena->fd);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		EXPECT_EQ(op_pages(arena, requests[i], any_method(), 0, 1, 0), -EPERM);
	EXPECT_EQ(op_pages(arena, XENMM_IOC_PROTECT, any_method(), 0, 1, XENMM_PROT_READ), -EPERM);
	EXPECT_EQ(ERROR_OF(device_map(arena->fd, PAGE)), EPERM);
	EXPECT_EQ(probe_read(arena->base).signal, SIGSEGV);
	EXPECT_EQ(probe_write(page_at(arena, 1), 1).signal, SIGSEGV);
}

TEST_ARENA(fork_does_not_copy)
{
	fill(self);
	for (int i = 0; i < 3; i++) {
		madvise(self->base, self->pages * PAGE, i ? MADV_DOFORK : MADV_WIPEONFORK);
		EXPECT_EQ(run_child(expect_foreign, self), 0);
		expect_owned(self);
	}
}

/* While the parent goes on with the arena. */
TEST_ARENA(fork_during_use)
{
	for (int i = 0; i < 10; i++) {
		pid_t child = fork();

		ASSERT_GE(child, 0);
		if (!child) {
			expect_foreign(self);
			_exit(0);
		}
		fill(self);
		expect_owned(self);
		ASSERT_EQ(waitpid(child, NULL, 0), child);
		discard(self, any_method(), 0, self->pages);
	}
}

/* The child's own arena, with its own descriptor. */
static void use_own_arena(struct arena *parents)
{
	struct arena own = arena_make(SPAN_PAGES);

	use_all_pages(&own);
	EXPECT_EQ(op_pages(parents, XENMM_IOC_MAP, any_method(), 0, 1, 0), -EPERM);
	arena_close(&own);
}

TEST_ARENA(child_has_arenas_of_its_own)
{
	fill(self);
	EXPECT_EQ(run_child(use_own_arena, self), 0);
	expect_owned(self);
}

static void map_first(struct arena *arena)
{
	arena->base = device_map(arena->fd, arena->pages * PAGE);
	ASSERT_NE(arena->base, MAP_FAILED);
	use_all_pages(arena);
}

/* Another process in name only: it works on the same address space. */
TEST_ARENA(child_that_shares_the_memory_may_operate)
{
	const struct method *some = any_method();
	volatile int answer = -1;
	pid_t child;

	fill(self);
	child = vfork();
	ASSERT_GE(child, 0);
	if (!child) {
		answer = op_pages(self, XENMM_IOC_UNMAP, some, 0, self->pages, 0);
		_exit(0);
	}
	ASSERT_EQ(waitpid(child, NULL, 0), child);
	EXPECT_EQ(answer, 0);
	expect_absent(self, 0, self->pages);
	expect_owned(self);
}

/* An open file belongs to who mapped it first, for good. */
TEST(first_to_map_owns)
{
	struct arena arena = {.fd = device_open(), .pages = SPAN_PAGES};

	EXPECT_EQ(run_child(map_first, &arena), 0);
	EXPECT_EQ(ERROR_OF(device_map(arena.fd, PAGE)), EPERM);
	arena.base = (unsigned char *)XENMM_SPAN_BYTES;
	EXPECT_EQ(op_pages(&arena, XENMM_IOC_POPULATE, any_method(), 0, 1, 0), -EINVAL);
	EXPECT_NE(read_stats(arena.fd).pages_freed, 0);
}

/* ------------------------------------------------------ descriptors passed on */

static void send_descriptor(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	ASSERT_EQ(sendmsg(socket, &message, 0), 1);
}

static int receive_descriptor(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	int fd;

	ASSERT_EQ(recvmsg(socket, &message, 0), 1);
	ASSERT_TRUE(CMSG_FIRSTHDR(&message));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* Keeps the descriptor until told; the owner has unmapped by then. */
static void borrow_descriptor(int socket, struct arena *arena)
{
	char byte;

	arena->fd = receive_descriptor(socket);
	expect_foreign(arena);
	ASSERT_EQ(write(socket, "", 1), 1);
	ASSERT_EQ(read(socket, &byte, 1), 1);
	EXPECT_EQ(op_pages(arena, XENMM_IOC_MAP, any_method(), 0, 1, 0), -EINVAL);
	EXPECT_EQ(ERROR_OF(device_map(arena->fd, PAGE)), EPERM);
	_exit(0);
}

TEST_ARENA(descriptor_passed_to_another_process)
{
	int sockets[2], status;
	char byte;
	pid_t child;

	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		close(self->fd);
		borrow_descriptor(sockets[1], self);
	}
	fill(self);
	send_descriptor(sockets[0], self->fd);
	ASSERT_EQ(read(sockets[0], &byte, 1), 1);
	expect_owned(self);
	arena_close(self);
	ASSERT_EQ(write(sockets[0], "", 1), 1);
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	*self = arena_make(ARENA_PAGES); /* for the teardown */
}

TEST(closed_descriptor_keeps_the_mapping)
{
	struct arena arena = arena_make(SPAN_PAGES);
	int fd = device_open();
	struct xenmm_stats stats;

	fill(&arena);
	ASSERT_EQ(close(arena.fd), 0);
	check_pages(&arena, 0, SPAN_PAGES, 1);
	use_all_pages(&arena);
	stats = read_stats(fd);
	EXPECT_NE(held_pages(&stats), 0);
	ASSERT_EQ(munmap(arena.base, SPAN_PAGES * PAGE), 0);
}

static void exec_with_an_arena(struct arena *unused)
{
	struct arena arena = arena_make(SPAN_PAGES);

	(void)unused;
	use_all_pages(&arena);
	ASSERT_GE(dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO), 0);
	execl("/proc/self/exe", "xenmm", "no test has this name", NULL);
	abort();
}

/* exec ends the mapping; the descriptor lives on without it. */
TEST_ARENA(exec_ends_the_mapping)
{
	struct xenmm_stats before = read_stats(self->fd), after;
	int status = run_child(exec_with_an_arena, self);

	EXPECT_TRUE(WIFEXITED(status));
	after = read_stats(self->fd);
	EXPECT_EQ(after.pages_allocated - before.pages_allocated, SPAN_PAGES);
	EXPECT_EQ(after.pages_freed - before.pages_freed, SPAN_PAGES);
}

/* ------------------------------------------------------- read(2) and write(2) */

TEST_ARENA(files_are_read_and_written)
{
	const size_t length = self->pages * PAGE;
	int fd = memfd_create("xenmm", 0);

	fill(self);
	ASSERT_GE(fd, 0);
	for (size_t done = 0; done < length;) {
		ssize_t written = write(fd, self->base + done, length - done);

		ASSERT_GE(written, 1);
		done += written;
	}
	discard(self, any_method(), 0, self->pages);
	for (size_t done = 0; done < length;) {
		ssize_t got = pread(fd, self->base + done, length - done, done);

		ASSERT_GE(got, 1);
		done += got;
	}
	check_pages(self, 0, self->pages, 1);
}

/* A read into read-only pages stops in front of them. */
TEST_ARENA(read_into_read_only_pages)
{
	int fd = open("/dev/zero", O_RDONLY);

	fill(self);
	protect(self, any_method(), 4, 4, XENMM_PROT_READ);
	EXPECT_EQ(ERROR_OF(read(fd, page_at(self, 4), PAGE)), EFAULT);
	EXPECT_LE(read(fd, page_at(self, 3), 2 * PAGE), (long)PAGE);
	check_pages(self, 4, 4, 1);
	expect_read_only(page_at(self, 4));
}

/* ------------------------------------------------------------------ core dump */

#define CORE_WORDS 8

/* No text of it is in the binary: the two halves meet in memory alone. */
static void write_mark(volatile unsigned char *to, unsigned char which)
{
	for (unsigned char i = 0; i < CORE_WORDS; i++)
		to[i] = (0xa5 ^ which) + 17 * i;
}

static void dump_core(struct arena *unused)
{
	struct arena arena = arena_make(ARENA_PAGES);
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

	(void)unused;
	use_all_pages(&arena);
	for (size_t page = 0; page < ARENA_PAGES; page++)
		write_mark(page_at(&arena, page), 1);
	write_mark(malloc(PAGE), 2);
	setrlimit(RLIMIT_CORE, &all);
	write_text("/proc/self/coredump_filter", "0x7f"); /* mapped files, too */
	signal(SIGABRT, SIG_DFL);
	abort();
}

static bool has_mark(const char *path, unsigned char which)
{
	unsigned char mark[CORE_WORDS];
	int fd = open(path, O_RDONLY);
	off_t size = lseek(fd, 0, SEEK_END);
	void *core = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	bool found;

	ASSERT_NE(core, MAP_FAILED);
	write_mark(mark, which);
	found = memmem(core, size, mark, sizeof(mark));
	munmap(core, size);
	close(fd);
	return found;
}

/* The dump is whole, with the heap in it; of the arena it has the address alone. */
TEST(core_dump_leaves_arenas_out)
{
	char folder[] = "/tmp/xenmm-core.XXXXXX";
	struct stat core;
	int status;

	ASSERT_TRUE(mkdtemp(folder));
	ASSERT_EQ(chdir(folder), 0);
	status = run_child(dump_core, NULL);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	if (stat("core", &core))
		test_skip("no file core: see /proc/sys/kernel/core_pattern");
	EXPECT_TRUE(WCOREDUMP(status));
	EXPECT_LE(core.st_size, ARENA_PAGES * PAGE / 2);
	EXPECT_TRUE(has_mark("core", 2));
	EXPECT_TRUE(!has_mark("core", 1));
	unlink("core");
	rmdir(folder);
}
