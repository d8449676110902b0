// SPDX-License-Identifier: GPL-2.0
/*
 * The ways by which xenmm_readonly_test tries to change a page: calls that write to memory,
 * other processes, and calls that would make it writable.
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

#include "xenmm_readonly.h"
#include "xenmm_ring.h"

static unsigned char bytes[PAGE]; /* zeroes: not what the page holds */

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
		return WAY_UNKNOWN;
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
		return WAY_UNKNOWN;
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
		return WAY_UNKNOWN;
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

const struct way ways[] = {
	{"read of /dev/zero", by_read, EFAULT, true},
	{"read of a pipe", by_pipe, EFAULT, true},
	{"recvmsg", by_recvmsg, EFAULT, true},
	{"vmsplice out of a pipe", by_vmsplice, EFAULT, true},
	{"io_uring READ", by_ring, EFAULT, true},
	{"io_uring READ, by a worker", by_ring_worker, EFAULT, true},
	{"io_uring READ_FIXED", by_ring_fixed, EFAULT, false},
	{"io_uring REGISTER_BUFFERS", by_ring_buffer, EFAULT, false},
	{"futex WAKE_OP, private", by_futex, EFAULT, true},
	{"futex WAKE_OP, shared", by_shared_futex, EFAULT, false},
	{"process_vm_writev, own", by_process_vm_writev, EFAULT, false},
	{"process_vm_writev, another's", by_other_process, EFAULT, false},
	{"pwrite to /proc/self/mem", by_proc_mem, EIO, false},
	{"PTRACE_POKEDATA", by_ptrace, EIO, false},
	{"UFFDIO_REGISTER", by_userfaultfd, EINVAL, false},
	{"mprotect PROT_WRITE", by_mprotect, EACCES, false},
	{"mremap from length 0", by_second_mapping, EFAULT, false},
	{"MADV_DONTNEED", by_dontneed, EINVAL, false},
	{"MADV_REMOVE", by_remove, ENODEV, false},
	{"MADV_POPULATE_WRITE", by_populate_write, EINVAL, false},
	{"mlock", by_mlock, 0, false},
};

const size_t nr_ways = sizeof(ways) / sizeof(ways[0]);
