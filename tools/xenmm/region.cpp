// SPDX-License-Identifier: GPL-2.0
// Stamps and checks stay out of the measured steps: those are in this file's first part.
#include "region.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <utility>

#include "error.hpp"
#include "guard.hpp"
#include "page.hpp"

namespace xenmm
{

namespace
{

constexpr uint64_t kTouchedAt = 0;
constexpr uint64_t kStampAt = 64; // a line of its own

uint64_t stamp_of(uint64_t page)
{
	return page + 1; // an empty page has 0
}

volatile char &touched_at(void *base, uint64_t page)
{
	return static_cast<volatile char *>(base)[page * kPageBytes + kTouchedAt];
}

volatile uint64_t &stamp_at(void *base, uint64_t page)
{
	char *place = static_cast<char *>(base) + page * kPageBytes + kStampAt;
	return *reinterpret_cast<volatile uint64_t *>(place);
}

Failure wrong_outcome(const std::string &what)
{
	return Failure(ExitCode::kFailed, "wrong outcome: " + what);
}

} // namespace

Region::Region(uint64_t pages) : pages_(pages), bytes_(pages * kPageBytes) {}

void Region::map(int flags, int fd, int prot)
{
	base_ = mmap(nullptr, bytes_, prot, flags, fd, 0);
}

int Region::unmap()
{
	return base_ == MAP_FAILED ? 0 : munmap(std::exchange(base_, MAP_FAILED), bytes_);
}

int Region::move(void *target)
{
	void *moved = mremap(base_, bytes_, bytes_, MREMAP_MAYMOVE | MREMAP_FIXED, target);
	if (moved == MAP_FAILED)
		return -1;
	base_ = moved;
	return 0;
}

void Region::touch() const
{
	auto *page = static_cast<volatile char *>(base_);
	for (uint64_t offset = 0; offset < bytes_; offset += kPageBytes)
		page[offset] = 1;
}

uint64_t Region::read() const
{
	uint64_t sum = 0;
	for (uint64_t page = 0; page < pages_; page++)
		sum += stamp_at(base_, page);
	return sum;
}

void Region::require_mapped() const
{
	if (base_ == MAP_FAILED)
		throw system_failure("mmap");
}

void Region::map_empty()
{
	unmap();
	map();
	require_mapped();
	madvise(base_, bytes_, MADV_NOHUGEPAGE); // fails where there are none
}

void Region::map_stamped()
{
	map_empty();
	stamp();
}

void Region::stamp() const
{
	for (uint64_t page = 0; page < pages_; page++) {
		stamp_at(base_, page) = stamp_of(page);
		touched_at(base_, page) = 0;
	}
}

bool Region::holds(bool touched) const
{
	for (uint64_t page = 0; page < pages_; page++)
		if (stamp_at(base_, page) != stamp_of(page) ||
		    touched_at(base_, page) != static_cast<char>(touched))
			return false;
	return true;
}

void Region::require_holds(bool touched) const
{
	bool right = false;
	if (!survives([&] { right = holds(touched); }))
		throw wrong_outcome("pages cannot be read");
	if (!right)
		throw wrong_outcome(fmt::format("the pages' content is not what was {}",
						touched ? "written" : "left there"));
}

// The first and the last page; the content is spoilt.
void Region::require_writable(bool writable) const
{
	for (uint64_t page : {uint64_t{0}, pages_ - 1})
		if (survives([&] { touched_at(base_, page) = 1; }) != writable)
			throw wrong_outcome(fmt::format("page {} {} be written", page,
							writable ? "cannot" : "can"));
}

void Region::require_gone(const void *base)
{
	if (survives([&] { (void)*static_cast<const volatile char *>(base); }))
		throw wrong_outcome("memory is still there");
}

uint64_t sum_of_stamps(uint64_t pages)
{
	return pages * (pages + 1) / 2;
}

CachedFile::CachedFile(uint64_t pages)
	: pages_(pages), fd_(memfd_create("xenmm-bench", MFD_CLOEXEC))
{
	if (!fd_)
		throw system_failure("memfd_create");
	if (ftruncate(fd(), static_cast<off_t>(pages * kPageBytes)) != 0)
		throw system_failure("ftruncate");
	stamp();
}

void CachedFile::stamp() const
{
	Region region(pages_);
	region.map(MAP_SHARED, fd());
	region.require_mapped();
	region.stamp();
}

void CachedFile::require_holds(bool touched) const
{
	Region region(pages_);
	region.map(MAP_SHARED, fd(), PROT_READ);
	region.require_mapped();
	region.require_holds(touched);
}

uint64_t FaultCount::now()
{
	rusage usage = {};
	getrusage(RUSAGE_SELF, &usage);
	return static_cast<uint64_t>(usage.ru_minflt);
}

void FaultCount::start()
{
	before_ = now();
}

void FaultCount::require_few() const
{
	uint64_t faults = now() - before_;
	if (faults > kFew)
		throw wrong_outcome(
			fmt::format("{} page faults where all pages should be there", faults));
}

void FaultCount::require(uint64_t least) const
{
	uint64_t faults = now() - before_;
	if (faults < least)
		throw wrong_outcome(fmt::format("{} page faults, and at least {} were to be "
						"measured: are there huge pages?",
						faults, least));
}

} // namespace xenmm
