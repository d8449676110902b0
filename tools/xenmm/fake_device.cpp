// SPDX-License-Identifier: GPL-2.0
// /dev/xenmm for tests on any Linux: linked below the tool's own objects by the
// linker's --wrap, in xenmm-fake only. An arena is a memfd; what the module does to
// page-table entries, mprotect and madvise do here, so that all of `bench` runs and
// its checks can be seen to fail. Counters are what the module would count.
//
// XENMM_FAKE: words separated by commas.
//	native eacces abi2                         what is found
//	no-protect no-map no-unmap dirty-discard   an operation that does not do its work
//	eio short crash                            an operation that fails, or lies
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "uapi/xenmm.h"

extern "C" {
int __real_open(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
}

namespace
{

constexpr off_t kArenaBytes = 1LL << 36;
constexpr __u32 kPvMethods = 0x7e; // trap to batch
constexpr __u32 kNativeMethods = 1U << XENMM_METHOD_NATIVE;

xenmm_stats totals;

bool told(const char *word)
{
	const char *words = std::getenv("XENMM_FAKE");
	return words && ("," + std::string(words) + ",").find("," + std::string(word) + ",") !=
				std::string::npos;
}

int error(int number)
{
	errno = number;
	return -1;
}

int open_arena()
{
	if (told("eacces"))
		return error(EACCES);
	int fd = memfd_create("xenmm-fake", MFD_CLOEXEC);
	if (fd >= 0 && ftruncate(fd, kArenaBytes) != 0)
		return -1;
	return fd;
}

void tell_info(xenmm_info &info)
{
	info = {};
	info.abi_version = told("abi2") ? 2 : XENMM_ABI_VERSION;
	info.guest = told("native") ? XENMM_GUEST_NATIVE : XENMM_GUEST_XEN_PV;
	info.methods = told("native") ? kNativeMethods : kPvMethods;
	info.max_batch = XENMM_MAX_BATCH;
	info.fault_window = 16; // the kernel's own fault-around
	std::strcpy(info.module_version, "fake");
}

bool is_well_formed(unsigned long request, const xenmm_op &op)
{
	bool is_batch = op.method == XENMM_METHOD_BATCH;
	bool is_protect = request == XENMM_IOC_PROTECT;
	bool has_prot = op.prot == XENMM_PROT_READ || op.prot == XENMM_PROT_READ_WRITE;
	return op.nr_ranges == 1 && op.method >= 1 && op.method <= XENMM_METHOD_NATIVE &&
	       (is_batch ? op.batch >= 1 && op.batch <= XENMM_MAX_BATCH : op.batch == 0) &&
	       (is_protect ? has_prot : op.prot == 0) && !op.reserved[0] && !op.reserved[1];
}

// By the number of entries that the operation is asked to change.
void count(unsigned long request, const xenmm_op &op, __u64 pages)
{
	__u64 batch = op.method == XENMM_METHOD_BATCH ? op.batch : 1;
	switch (op.method) {
	case XENMM_METHOD_TRAP:
		totals.traps += pages;
		break;
	case XENMM_METHOD_NATIVE:
		totals.native_stores += pages;
		break;
	default:
		totals.hypercalls += (pages + batch - 1) / batch;
		totals.mmu_updates += pages;
	}
	if (request == XENMM_IOC_PROTECT)
		totals.pages_protected += pages;
	totals.tlb_flushes++;
}

// Reads, so that it works on read-only pages, too.
int make_present(void *start, size_t length)
{
	return madvise(start, length, MADV_POPULATE_READ);
}

int carry_out(int fd, unsigned long request, const xenmm_op &op, const xenmm_range &range)
{
	auto *start = reinterpret_cast<void *>(range.start);
	size_t length = range.length;
	switch (request) {
	case XENMM_IOC_POPULATE:
		return make_present(start, length);
	case XENMM_IOC_MAP:
		return told("no-map") ? 0 : make_present(start, length);
	case XENMM_IOC_UNMAP:
		return told("no-unmap") ? 0 : madvise(start, length, MADV_DONTNEED);
	case XENMM_IOC_DISCARD:
		if (told("dirty-discard"))
			return madvise(start, length, MADV_DONTNEED);
		return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				 static_cast<off_t>(length));
	case XENMM_IOC_PROTECT:
		if (told("no-protect"))
			return 0;
		return mprotect(start, length,
				op.prot == XENMM_PROT_READ ? PROT_READ : PROT_READ | PROT_WRITE);
	}
	return error(ENOTTY);
}

int fail_half_way(xenmm_op &op, const xenmm_range &range, __u64 pages)
{
	op.pages_done = pages / 2;
	op.failed_address = range.start + op.pages_done * 4096;
	op.hypervisor_error = -EINVAL;
	return error(EIO);
}

int operate(int fd, unsigned long request, xenmm_op &op)
{
	if (!is_well_formed(request, op))
		return error(EINVAL);
	const auto &range = *reinterpret_cast<const xenmm_range *>(op.ranges);
	__u64 pages = range.length / 4096;
	if (told("eio"))
		return fail_half_way(op, range, pages);
	if (carry_out(fd, request, op, range) != 0)
		return -1;
	count(request, op, pages);
	op.pages_done = told("short") ? pages / 2 : pages;
	if (told("crash")) // the pages fault from now on, whatever one does
		mprotect(reinterpret_cast<void *>(range.start), range.length, PROT_NONE);
	return 0;
}

} // namespace

int __wrap_open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
	va_end(arguments);
	if (std::strcmp(path, XENMM_DEVICE_PATH) == 0)
		return open_arena();
	return __real_open(path, flags, mode);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);
	if (_IOC_TYPE(request) != XENMM_IOC_MAGIC)
		return __real_ioctl(fd, request, argument);
	if (request == XENMM_IOC_INFO)
		return tell_info(*static_cast<xenmm_info *>(argument)), 0;
	if (request == XENMM_IOC_STATS)
		return *static_cast<xenmm_stats *>(argument) = totals, 0;
	return operate(fd, request, *static_cast<xenmm_op *>(argument));
}
