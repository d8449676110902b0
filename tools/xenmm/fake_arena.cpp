// SPDX-License-Identifier: GPL-2.0
// Demand faults are the kernel's and are not seen here, so `present` is what the
// operations alone made of it: good enough for prices, and for nothing else.
#include "fake_arena.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>

#include "page.hpp"

namespace xenmm::fake
{

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

FakeArena::FakeArena(int fd, void *base, __u64 bytes)
	: fd_(fd), start_(static_cast<char *>(base)), bytes_(bytes), present_(bytes / kPageBytes)
{
}

__u64 FakeArena::offset(const xenmm_range &range) const
{
	return range.start - reinterpret_cast<__u64>(start_);
}

bool FakeArena::holds(const xenmm_range &range) const
{
	return range.length && offset(range) < bytes_ && range.length <= bytes_ - offset(range);
}

int FakeArena::change(unsigned long request, const xenmm_range &range, __u32 prot) const
{
	auto *start = reinterpret_cast<void *>(range.start);
	switch (request) {
	case XENMM_IOC_MAP:
		if (told("no-map"))
			return 0;
		[[fallthrough]];
	case XENMM_IOC_POPULATE:
		return madvise(start, range.length, MADV_POPULATE_READ);
	case XENMM_IOC_UNMAP:
		return told("no-unmap") ? 0 : madvise(start, range.length, MADV_DONTNEED);
	case XENMM_IOC_DISCARD:
		if (told("dirty-discard"))
			return madvise(start, range.length, MADV_DONTNEED);
		return fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				 static_cast<off_t>(offset(range)),
				 static_cast<off_t>(range.length));
	case XENMM_IOC_PROTECT:
		if (told("no-protect"))
			return 0;
		return mprotect(start, range.length,
				prot == XENMM_PROT_READ ? PROT_READ : PROT_READ | PROT_WRITE);
	}
	return error(ENOTTY);
}

std::vector<TableWork> FakeArena::note(unsigned long request,
				       const std::vector<xenmm_range> &ranges)
{
	std::vector<TableWork> tables(present_.size() / XENMM_SPAN_PAGES + 1);
	for (__u64 page = 0; page < present_.size(); page++)
		tables[page / XENMM_SPAN_PAGES].present_before += present_[page];
	for (const xenmm_range &range : ranges)
		for (__u64 byte = 0; byte < range.length; byte += kPageBytes) {
			__u64 page = (offset(range) + byte) / kPageBytes;
			tables[page / XENMM_SPAN_PAGES].asked++;
			if (request != XENMM_IOC_PROTECT)
				present_[page] =
					request == XENMM_IOC_MAP || request == XENMM_IOC_POPULATE;
		}
	for (__u64 page = 0; page < present_.size(); page++)
		tables[page / XENMM_SPAN_PAGES].present_after += present_[page];
	std::erase_if(tables, [](const TableWork &table) { return !table.asked; });
	return tables;
}

void FakeArena::drop_pages() const
{
	fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes_));
}

__s64 FakeArena::growth()
{
	struct stat file = {};
	fstat(fd_, &file);
	__u64 now = static_cast<__u64>(file.st_blocks) * 512 / kPageBytes;
	auto difference = static_cast<__s64>(now - allocated_);
	allocated_ = now;
	return difference;
}

} // namespace xenmm::fake
