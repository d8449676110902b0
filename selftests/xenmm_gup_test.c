// SPDX-License-Identifier: GPL-2.0
/*
 * Who wants the pages themselves (get_user_pages) is refused and changes nothing: direct
 * I/O, pipes, futexes between processes, debuggers, registered buffers. Who copies through
 * the page tables, a kernel worker among them, is served (hazards.md, rule 8).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "xenmm_ring.h"
#include "xenmm_test.h"

static void fill(const struct arena *arena)
{
	fill_pages(arena, 0, arena->pages, 1);
}

static void expect_filled(const struct arena *arena)
{
	check_pages(arena, 0, arena->pages, 1);
	EXPECT_TRUE(can_write(page_at(arena, 0)));
}

TEST_ARENA(pages_cannot_be_pinned)
{
	struct iovec local = {malloc(PAGE), PAGE}, remote = {self->base, PAGE};
	int ends[2];

	fill(self);
	ASSERT_EQ(pipe(ends), 0);
	EXPECT_EQ(ERROR_OF(process_vm_readv(getpid(), &local, 1, &remote, 1, 0)), EFAULT);
	EXPECT_EQ(ERROR_OF(process_vm_writev(getpid(), &local, 1, &remote, 1, 0)), EFAULT);
	EXPECT_EQ(ERROR_OF(vmsplice(ends[1], &remote, 1, 0)), EFAULT);
	EXPECT_EQ(ERROR_OF(vmsplice(ends[1], &remote, 1, SPLICE_F_GIFT)), EFAULT);
	expect_filled(self);
}

/* ------------------------------------------------------------------- futexes */

TEST_ARENA(shared_futex_is_refused)
{
	unsigned int *word = (unsigned int *)self->base;
	const struct timespec soon = {.tv_nsec = 1000000};

	*word = 5;
	EXPECT_EQ(ERROR_OF(syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0)), EFAULT);
	EXPECT_EQ(ERROR_OF(syscall(SYS_futex, word, FUTEX_WAIT, 5, &soon, NULL, 0)), EFAULT);
	EXPECT_EQ(*word, 5);
}

/* A futex of one process needs no page. */
TEST_ARENA(private_futex_works)
{
	unsigned int *word = (unsigned int *)self->base;
	const struct timespec soon = {.tv_nsec = 1000000};

	*word = 5;
	EXPECT_EQ(syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	EXPECT_EQ(ERROR_OF(syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 4, &soon, NULL, 0)),
		  EAGAIN);
	EXPECT_EQ(ERROR_OF(syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 5, &soon, NULL, 0)),
		  ETIMEDOUT);
}

/* ----------------------------------------------------------------- debuggers */

static void be_debugged(struct arena *arena)
{
	ASSERT_EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
	*arena = arena_make(SPAN_PAGES);
	fill(arena);
	raise(SIGSTOP);
	expect_filled(arena);
	_exit(0);
}

static void expect_invisible(pid_t child, const struct arena *arena)
{
	struct iovec local = {malloc(PAGE), PAGE}, remote = {arena->base, PAGE};
	char path[32];
	int mem;

	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	mem = open(path, O_RDWR);
	ASSERT_GE(mem, 0);
	EXPECT_EQ(ERROR_OF(pread(mem, local.iov_base, PAGE, (uintptr_t)arena->base)), EIO);
	EXPECT_EQ(ERROR_OF(pwrite(mem, local.iov_base, PAGE, (uintptr_t)arena->base)), EIO);
	errno = 0;
	EXPECT_EQ(ptrace(PTRACE_PEEKDATA, child, arena->base, NULL), -1);
	EXPECT_EQ(errno, EIO);
	EXPECT_EQ(ERROR_OF(ptrace(PTRACE_POKEDATA, child, arena->base, NULL)), EIO);
	EXPECT_EQ(ERROR_OF(process_vm_readv(child, &local, 1, &remote, 1, 0)), EFAULT);
	EXPECT_EQ(ERROR_OF(process_vm_writev(child, &local, 1, &remote, 1, 0)), EFAULT);
	close(mem);
}

TEST(a_debugger_sees_nothing)
{
	struct arena *arena =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t child;

	ASSERT_NE(arena, MAP_FAILED);
	child = fork();
	ASSERT_GE(child, 0);
	if (!child)
		be_debugged(arena);
	ASSERT_EQ(waitpid(child, &status, 0), child);
	ASSERT_TRUE(WIFSTOPPED(status));
	expect_invisible(child, arena);
	ASSERT_EQ(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
}

/* ---------------------------------------------------------------- direct I/O */

/* From Linux 6.6 on tmpfs takes O_DIRECT, and copies all the same (shmem_file_open). */
static bool is_direct(int fd)
{
	struct statfs system;

	return !fstatfs(fd, &system) && system.f_type != TMPFS_MAGIC;
}

/*
 * A descriptor with O_DIRECT at whose start a page can be read, or -1. Files first; where
 * only memory is mounted, a disk. A disk is opened for writing in the lab alone, which
 * throws it away; nothing is written but what was read.
 */
static int open_direct_file(void)
{
	static const char *const paths[] = {"/tmp/xenmm-direct", "/var/tmp/xenmm-direct",
					    "xenmm-direct"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int fd = open(paths[i], O_RDWR | O_CREAT | O_DIRECT, 0600);

		unlink(paths[i]);
		if (fd >= 0 && is_direct(fd) && !ftruncate(fd, 2 * PAGE))
			return fd;
		close(fd);
	}
	return -1;
}

static int open_direct_disk(void)
{
	const int access = getenv("XENMM_LAB_KIND") ? O_RDWR : O_RDONLY;
	DIR *disks = opendir("/sys/class/block");
	struct dirent *disk;
	char path[300];
	int fd = -1;

	while (disks && fd < 0 && (disk = readdir(disks))) {
		snprintf(path, sizeof(path), "/dev/%s", disk->d_name);
		fd = *disk->d_name == '.' ? -1 : open(path, access | O_DIRECT);
	}
	return fd;
}

/* Two pages of ordinary memory show that the descriptor takes direct I/O. */
static int open_direct(void)
{
	int fd = open_direct_file();
	void *page = aligned_alloc(PAGE, PAGE);

	if (fd < 0)
		fd = open_direct_disk();
	if (fd < 0)
		test_skip("no file system and no disk that knows O_DIRECT");
	ASSERT_EQ(pread(fd, page, PAGE, 0), PAGE);
	free(page);
	return fd;
}

static bool may_be_written(int fd)
{
	return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
}

TEST_ARENA(direct_io_is_refused)
{
	int fd = open_direct();

	fill(self);
	EXPECT_EQ(ERROR_OF(pread(fd, self->base, PAGE, 0)), EFAULT);
	EXPECT_EQ(ERROR_OF(pread(fd, page_at(self, 1), PAGE, 0)), EFAULT);
	expect_filled(self);
	if (!may_be_written(fd))
		return;
	discard(self, any_method(), 0, self->pages);
	ASSERT_EQ(pread(open("/dev/zero", O_RDONLY), self->base, PAGE, 0), PAGE);
	EXPECT_EQ(ERROR_OF(pwrite(fd, self->base, PAGE, PAGE)), EFAULT);
}

/* Direct I/O into pages that are not there, and that are read-only. */
TEST_ARENA(direct_io_brings_no_page)
{
	struct xenmm_stats before;
	int fd = open_direct();

	protect(self, any_method(), 8, 1, XENMM_PROT_READ);
	before = read_stats(self->fd);
	EXPECT_EQ(ERROR_OF(pread(fd, self->base, PAGE, 0)), EFAULT);
	EXPECT_EQ(ERROR_OF(pread(fd, page_at(self, 8), PAGE, 0)), EFAULT);
	expect_growth(self->fd, &before, &(struct xenmm_stats){});
}

/* The errno of one request by the old asynchronous interface, 0 when it is served. */
static long run_aio(int fd, int command, void *buffer)
{
	struct iocb request = {.aio_lio_opcode = command,
			       .aio_fildes = fd,
			       .aio_buf = (uintptr_t)buffer,
			       .aio_nbytes = PAGE};
	struct iocb *requests[] = {&request};
	aio_context_t context = 0;
	struct io_event event;
	long result;

	result = ERROR_OF(syscall(SYS_io_setup, 1, &context));
	if (result)
		return result;
	result = ERROR_OF(syscall(SYS_io_submit, context, 1, requests));
	if (!result) {
		ASSERT_EQ(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), 1);
		result = event.res == PAGE ? 0 : -event.res;
	}
	syscall(SYS_io_destroy, context);
	return result;
}

TEST_ARENA(aio_copies)
{
	int zeroes = memfd_create("xenmm", 0);
	long error;

	ASSERT_EQ(ftruncate(zeroes, PAGE), 0);
	fill(self);
	error = run_aio(zeroes, IOCB_CMD_PREAD, self->base);
	if (error == ENOSYS)
		test_skip("no AIO in this kernel");
	EXPECT_EQ(error, 0);
	check_zero(self, 0, 1);
	check_pages(self, 1, self->pages - 1, 1);
}

TEST_ARENA(direct_aio_is_refused)
{
	int fd = open_direct();
	long error;

	fill(self);
	error = run_aio(fd, IOCB_CMD_PREAD, self->base);
	if (error == ENOSYS)
		test_skip("no AIO in this kernel");
	EXPECT_EQ(error, EFAULT);
	expect_filled(self);
}

/* ------------------------------------------------------------------ io_uring */

TEST_ARENA(io_uring_copies_but_pins_nothing)
{
	struct iovec buffer = {self->base, PAGE};
	struct ring ring;
	int zeroes = memfd_create("xenmm", 0);

	if (ring_make(&ring))
		test_skip("no io_uring in this kernel");
	ASSERT_EQ(ftruncate(zeroes, PAGE), 0);
	fill(self);
	EXPECT_EQ(ERROR_OF(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &buffer,
				   1)),
		  EFAULT);
	protect(self, any_method(), 4, 1, XENMM_PROT_READ);
	EXPECT_EQ(read_by_worker(&ring, zeroes, page_at(self, 0)), PAGE);
	EXPECT_EQ(read_by_worker(&ring, zeroes, page_at(self, 4)), -EFAULT);
	discard(self, any_method(), 9, 1);
	EXPECT_EQ(read_by_worker(&ring, zeroes, page_at(self, 9)), PAGE); /* it faults */
	check_zero(self, 0, 1);
	check_pages(self, 1, 8, 1);
	check_zero(self, 9, 1);
	check_pages(self, 10, self->pages - 10, 1);
	expect_read_only(page_at(self, 4));
}
