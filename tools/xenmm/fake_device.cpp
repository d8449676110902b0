// SPDX-License-Identifier: GPL-2.0
// /dev/xenmm for tests on any Linux: linked below the tool's own objects by the
// linker's --wrap, in xenmm-fake only. All of `bench` and `calibrate` runs on it, and
// their checks can be seen to fail. Counters are what the module would count.
//
// XENMM_FAKE: words separated by commas.
//	native eacces abi2                         what is found
//	no-protect no-map no-unmap dirty-discard   an operation that does not do its work
//	no-munmap no-free                          munmap that leaves pages, or keeps them
//	spill                                      pages are changed that nobody named
//	by-batch                                   rebuild and flip do not what they say
//	eio short crash                            an operation that fails, lies, or makes
//	                                           pages fault (discard)
//	timed                                      the TSC counts what kPrices says, nothing else
//	old                                        a module that cannot count the kernel
// and those of fake_memory.cpp and fake_kernel.cpp.
#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

#include "fake_arena.hpp"
#include "fake_kernel.hpp"
#include "page.hpp"

extern "C" {
int __real_open(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long request, ...);
void *__real_mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *address, size_t length);
[[noreturn]] void __real__exit(int status);
int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
void *__wrap_mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *address, size_t length);
[[noreturn]] void __wrap__exit(int status);
// NOLINTBEGIN(bugprone-reserved-identifier): Clock::tsc() in ld's --wrap
uint64_t __real__ZN5xenmm5Clock3tscEv();
uint64_t __wrap__ZN5xenmm5Clock3tscEv();
// NOLINTEND(bugprone-reserved-identifier)
}

namespace xenmm::fake
{

namespace
{

constexpr off_t kArenaBytes = 1LL << 36;
constexpr __u32 kNativeMethods = 1U << XENMM_METHOD_NATIVE | 1U << XENMM_METHOD_AUTO;
#define XENMM_METHOD_BIT(number, NAME, name, ...) | 1U << XENMM_METHOD_##NAME
constexpr __u32 kPvMethods = (0 XENMM_METHODS(XENMM_METHOD_BIT)) & ~(1U << XENMM_METHOD_NATIVE);
#undef XENMM_METHOD_BIT

// In TSC ticks. test_calibrate.sh knows them.
constexpr struct {
	__u64 call = 200000, table = 10000, trap = 12000, hypercall = 8000;
	__u64 map = 4000, unmap = 3000, protect = 5000;
	__u64 rebuild = 400000, validate = 2000, devalidate = 1000, flip = 150000;
} kPrices;

// Shared with children: the real ones are of the whole system, too.
xenmm_stats &totals = *static_cast<xenmm_stats *>(__real_mmap(
	nullptr, sizeof(xenmm_stats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
std::vector<FakeArena> arenas;
__u64 spent; // what the operations so far took
const pid_t kFirstProcess = getpid();

int open_arena()
{
	if (told("eacces"))
		return error(EACCES);
	int fd = memfd_create("xenmm-fake", MFD_CLOEXEC);
	if (fd >= 0 && ftruncate(fd, kArenaBytes) != 0)
		return -1;
	return fd;
}

bool is_arena_file(int fd)
{
	return fd >= 0 && lseek(fd, 0, SEEK_END) == kArenaBytes;
}

void tell_info(xenmm_info &info)
{
	info = {};
	info.abi_version = told("abi2") ? 2 : XENMM_ABI_VERSION;
	info.guest = told("native") ? XENMM_GUEST_NATIVE : XENMM_GUEST_XEN_PV;
	info.methods = told("native") ? kNativeMethods : kPvMethods;
	info.max_batch = XENMM_MAX_BATCH;
	info.features = told("old") ? 0 : XENMM_FEATURE_KERNEL;
	info.fault_window = 16; // the kernel's own fault-around
	std::strcpy(info.module_version, "fake");
}

bool is_well_formed(unsigned long request, const xenmm_op &op)
{
	bool is_protect = request == XENMM_IOC_PROTECT;
	bool has_prot = op.prot == XENMM_PROT_READ || op.prot == XENMM_PROT_READ_WRITE;
	bool has_batch = op.method == XENMM_METHOD_BATCH
				 ? op.batch >= 1 && op.batch <= XENMM_MAX_BATCH
				 : op.batch == 0 || (op.method == XENMM_METHOD_REBUILD &&
						     op.batch <= XENMM_SPAN_PAGES);
	return op.nr_ranges >= 1 && op.nr_ranges <= XENMM_MAX_RANGES &&
	       op.method <= XENMM_METHOD_FLIP && has_batch &&
	       (is_protect || op.method != XENMM_METHOD_FLIP) &&
	       (is_protect ? has_prot : op.prot == 0) && !op.reserved[0] && !op.reserved[1];
}

bool are_ranges_right(const FakeArena &arena, const std::vector<xenmm_range> &ranges)
{
	__u64 end = 0;
	for (const xenmm_range &range : ranges) {
		if (!arena.holds(range) || range.start < end)
			return false;
		end = range.start + range.length;
	}
	return true;
}

// What becomes of a table by this method; batch where it does not take the whole.
__u32 method_of_table(unsigned long request, const xenmm_op &op, const TableWork &table)
{
	bool whole = table.asked == XENMM_SPAN_PAGES;
	bool rebuilt = whole || (op.batch && table.asked >= op.batch);
	if (told("by-batch") || told("native"))
		return told("native") ? XENMM_METHOD_NATIVE : XENMM_METHOD_BATCH;
	if (op.method == XENMM_METHOD_REBUILD)
		return rebuilt ? XENMM_METHOD_REBUILD : XENMM_METHOD_BATCH;
	if (op.method == XENMM_METHOD_FLIP || op.method == XENMM_METHOD_AUTO)
		return !whole			      ? XENMM_METHOD_BATCH
		       : request == XENMM_IOC_PROTECT ? XENMM_METHOD_FLIP
						      : XENMM_METHOD_REBUILD;
	return op.method;
}

// Counts a table that is changed as a whole; its price.
__u64 change_whole(__u32 method, const TableWork &table)
{
	totals.hypercalls++;
	totals.mmu_updates += 2;
	bool is_flip = method == XENMM_METHOD_FLIP;
	(is_flip ? totals.tables_flipped : totals.tables_rebuilt)++;
	return is_flip ? kPrices.flip
		       : kPrices.rebuild + table.present_after * kPrices.validate +
				 table.present_before * kPrices.devalidate;
}

__u64 price_of_entry(unsigned long request)
{
	switch (request) {
	case XENMM_IOC_PROTECT:
		return kPrices.protect;
	case XENMM_IOC_MAP:
	case XENMM_IOC_POPULATE:
		return kPrices.map;
	}
	return kPrices.unmap;
}

// Counts entries that are changed each by itself; their price.
__u64 change_entries(unsigned long request, const xenmm_op &op, __u64 pages)
{
	if (op.method == XENMM_METHOD_TRAP) {
		totals.traps += pages;
		return pages * kPrices.trap;
	}
	if (told("native")) {
		totals.native_stores += pages;
		return pages;
	}
	bool single = op.method >= XENMM_METHOD_HYPERCALL && op.method <= XENMM_METHOD_LAZY;
	__u64 batch = single ? 1 : op.method == XENMM_METHOD_BATCH ? op.batch : 512;
	__u64 hypercalls = (pages + batch - 1) / batch;
	totals.hypercalls += hypercalls;
	totals.mmu_updates += pages;
	return hypercalls * kPrices.hypercall + pages * price_of_entry(request);
}

// By the number of entries that the operation is asked to change; its price.
__u64 count(unsigned long request, const xenmm_op &op, const std::vector<TableWork> &tables)
{
	__u64 price = kPrices.call + tables.size() * kPrices.table;
	__u64 single = 0; // entries of the section, which is four tables for long batches
	size_t section = op.batch > XENMM_SPAN_PAGES ? 4 : 1;
	for (size_t i = 0; i < tables.size(); i++) {
		const TableWork &table = tables[i];
		__u32 method = method_of_table(request, op, table);
		if (method == XENMM_METHOD_REBUILD || method == XENMM_METHOD_FLIP)
			price += change_whole(method, table);
		else
			single += table.asked;
		if (request == XENMM_IOC_PROTECT)
			totals.pages_protected += table.asked;
		if ((i + 1) % section == 0 || i + 1 == tables.size())
			price += change_entries(request, op, std::exchange(single, 0));
	}
	totals.tlb_flushes++;
	return price;
}

void count_pages(FakeArena &arena)
{
	__s64 growth = arena.growth();
	(growth > 0 ? totals.pages_allocated : totals.pages_freed) +=
		static_cast<__u64>(growth > 0 ? growth : -growth);
}

void end_arena(FakeArena &arena)
{
	if (told("no-free"))
		return;
	count_pages(arena); // what demand faults allocated
	arena.drop_pages();
	count_pages(arena);
}

int fail_half_way(xenmm_op &op, const xenmm_range &first, __u64 pages)
{
	op.pages_done = pages / 2;
	op.failed_address = first.start;
	op.hypervisor_error = -EINVAL;
	return error(EIO);
}

int change(FakeArena &arena, unsigned long request, xenmm_op &op, std::vector<xenmm_range> ranges)
{
	if (told("spill"))
		ranges = {{ranges.front().start,
			   ranges.back().start + ranges.back().length - ranges.front().start}};
	for (const xenmm_range &range : ranges)
		if (arena.change(request, range, op.prot) != 0)
			return -1;
	spent += count(request, op, arena.note(request, ranges));
	count_pages(arena);
	if (told("crash") && request == XENMM_IOC_DISCARD) // whatever one does from now on
		for (const xenmm_range &range : ranges)
			mprotect(reinterpret_cast<void *>(range.start), range.length, PROT_NONE);
	return 0;
}

int operate(int fd, unsigned long request, xenmm_op &op)
{
	auto arena = std::find_if(arenas.begin(), arenas.end(),
				  [fd](const FakeArena &one) { return one.fd() == fd; });
	const auto *first = reinterpret_cast<const xenmm_range *>(op.ranges);
	if (arena == arenas.end() || !is_well_formed(request, op))
		return error(EINVAL);
	std::vector<xenmm_range> ranges(first, first + op.nr_ranges);
	if (!are_ranges_right(*arena, ranges))
		return error(EINVAL);

	__u64 pages = 0;
	for (const xenmm_range &range : ranges)
		pages += range.length / kPageBytes;
	if (told("eio"))
		return fail_half_way(op, *first, pages);
	op.pages_done = told("short") ? pages / 2 : pages;
	return change(*arena, request, op, std::move(ranges));
}

} // namespace

} // namespace xenmm::fake

using namespace xenmm::fake;

int __wrap_open(const char *path, int flags, ...)
{
	va_list arguments;
	va_start(arguments, flags);
	int mode = (flags & O_CREAT) ? va_arg(arguments, int) : 0;
	va_end(arguments);
	if (std::strcmp(path, XENMM_DEVICE_PATH) == 0)
		return open_arena();
	return __real_open(path, flags, mode);
}

void *__wrap_mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset)
{
	if (!is_arena_file(fd))
		return map_memory(length, prot, flags, fd);
	void *base = __real_mmap(address, length, prot, flags, fd, offset);
	if (base != MAP_FAILED)
		arenas.emplace_back(fd, base, length);
	return base;
}

int __wrap_munmap(void *address, size_t length)
{
	auto arena = std::find_if(arenas.begin(), arenas.end(), [address](const FakeArena &one) {
		return one.begins_at(address);
	});
	if (arena != arenas.end()) {
		if (told("no-munmap"))
			return 0;
		end_arena(*arena);
		arenas.erase(arena);
	}
	return unmap_memory(address, length);
}

uint64_t __wrap__ZN5xenmm5Clock3tscEv()
{
	return told("timed") ? spent : __real__ZN5xenmm5Clock3tscEv();
}

void __wrap__exit(int status)
{
	for (FakeArena &arena : arenas)
		end_arena(arena);
	bool is_bad = told("bad-child") && getpid() != kFirstProcess;
	__real__exit(is_bad ? status + 1 : status);
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
	if (request == XENMM_IOC_KERNEL)
		return count_kernel(*static_cast<xenmm_kernel *>(argument));
	if (request == XENMM_IOC_STATS)
		return *static_cast<xenmm_stats *>(argument) = totals, 0;
	return operate(fd, request, *static_cast<xenmm_op *>(argument));
}
