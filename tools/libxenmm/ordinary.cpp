// SPDX-License-Identifier: MIT OR GPL-2.0
// The handler takes the lock, too: a mark and the right to write change together, else a
// thread that was stopped between the two would write unnoticed. It may, as a fault interrupts
// nothing but the access itself; and once more in the thread that holds it, when the memory
// that collect fills is itself tracked.
#include "ordinary.hpp"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "signal.hpp"

namespace xenmm
{

namespace
{

constexpr unsigned char kReadOnly = 1; // the program's wish
constexpr unsigned char kTracked = 2;
constexpr unsigned char kWritten = 4;
constexpr size_t kAlignment = 2 << 20;

size_t page_size()
{
	static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
	return size;
}

class Hold
{
public:
	explicit Hold(pthread_mutex_t &lock) : lock_(lock) { pthread_mutex_lock(&lock_); }
	~Hold() { pthread_mutex_unlock(&lock_); }
	Hold(const Hold &) = delete;
	Hold &operator=(const Hold &) = delete;

private:
	pthread_mutex_t &lock_;
};

void init_recursive(pthread_mutex_t &lock)
{
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

int fail(int error)
{
	errno = error;
	return -1;
}

void *map(size_t length, int prot)
{
	return mmap(nullptr, length, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

// The part of a mapping that begins at a multiple; the rest goes.
char *trim(char *base, size_t length)
{
	auto at = reinterpret_cast<uintptr_t>(base);
	size_t front = (kAlignment - at % kAlignment) % kAlignment;
	if (front)
		munmap(base, front);
	if (front < kAlignment)
		munmap(base + front + length, kAlignment - front);
	return base + front;
}

} // namespace

bool Ordinary::create(size_t length)
{
	size_t pages = length / page_size();
	void *flags = map(pages, PROT_READ | PROT_WRITE);
	if (flags == MAP_FAILED)
		return false;
	void *base = map(length + kAlignment, PROT_READ | PROT_WRITE);
	if (base == MAP_FAILED) {
		munmap(flags, pages);
		return false;
	}
	init_recursive(lock_);
	flags_ = static_cast<unsigned char *>(flags);
	start_ = trim(static_cast<char *>(base), length);
	length_ = length;
	madvise(start_, length_, MADV_DONTFORK); // as with an arena
	return true;
}

void Ordinary::destroy()
{
	forget_faults(this);
	munmap(start_, length_);
	munmap(flags_, length_ / page_size());
	pthread_mutex_destroy(&lock_);
}

Ordinary::Pages Ordinary::pages_of(const void *start, size_t length) const
{
	size_t first = (static_cast<const char *>(start) - start_) / page_size();
	return {first, first + length / page_size()};
}

// Is there a page with these flags?
bool Ordinary::has(Pages pages, unsigned char mask, unsigned char value) const
{
	for (size_t page = pages.first; page < pages.end; page++)
		if ((flags_[page] & mask) == value)
			return true;
	return false;
}

void Ordinary::change(Pages pages, unsigned char clear, unsigned char set)
{
	for (size_t page = pages.first; page < pages.end; page++)
		flags_[page] = static_cast<unsigned char>((flags_[page] & ~clear) | set);
}

// Pages that may not be written are only looked at.
int Ordinary::populate(void *start, size_t length)
{
	if (madvise(start, length, MADV_POPULATE_WRITE) == 0)
		return 0;
	if (errno != EFAULT)
		return -1;
	return madvise(start, length, MADV_POPULATE_READ);
}

int Ordinary::discard(void *start, size_t length)
{
	Hold hold(lock_);
	Pages pages = pages_of(start, length);
	if (madvise(start, length, MADV_DONTNEED) != 0)
		return -1;
	for (size_t page = pages.first; page < pages.end; page++)
		if (flags_[page] & kTracked)
			flags_[page] |= kWritten;
	return 0;
}

int Ordinary::protect(void *start, size_t length, bool writable)
{
	Hold hold(lock_);
	Pages pages = pages_of(start, length);
	if (has(pages, kTracked, kTracked))
		return fail(EBUSY);
	if (mprotect(start, length, writable ? PROT_READ | PROT_WRITE : PROT_READ) != 0)
		return -1;
	change(pages, kReadOnly, writable ? 0 : kReadOnly);
	return 0;
}

int Ordinary::track(void *start, size_t length)
{
	Hold hold(lock_);
	Pages pages = pages_of(start, length);
	if (has(pages, kReadOnly, kReadOnly))
		return fail(EACCES);
	if (!serve_faults(this, start_, length_))
		return -1;
	change(pages, 0, kTracked);
	if (mprotect(start, length, PROT_READ) == 0)
		return 0;
	int error = errno;
	mprotect(start, length, PROT_READ | PROT_WRITE);
	change(pages, 0, kWritten); // nobody knows
	return fail(error);
}

int Ordinary::untrack(void *start, size_t length)
{
	Hold hold(lock_);
	Pages pages = pages_of(start, length);
	if (has(pages, kReadOnly, kReadOnly))
		return fail(EACCES);
	if (mprotect(start, length, PROT_READ | PROT_WRITE) != 0)
		return -1;
	change(pages, kTracked | kWritten, 0);
	return 0;
}

bool Ordinary::append(xenmm_extent *written, size_t &count, size_t max, size_t page) const
{
	char *at = start_ + page * page_size();
	xenmm_extent *last = count ? &written[count - 1] : nullptr;
	if (last && static_cast<char *>(last->start) + last->length == at) {
		last->length += page_size();
		return true;
	}
	if (count == max)
		return false;
	written[count++] = {at, page_size()};
	return true;
}

// The first page that was not looked at.
size_t Ordinary::find(Pages pages, xenmm_extent *written, size_t &count, size_t max)
{
	for (size_t page = pages.first; page < pages.end; page++) {
		if (!(flags_[page] & kWritten))
			continue;
		if (!append(written, count, max, page))
			return page;
		change({page, page + 1}, kWritten, 0);
	}
	return pages.end;
}

int Ordinary::arm(const xenmm_extent *written, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (mprotect(written[i].start, written[i].length, PROT_READ) != 0)
			return -1;
	return 0;
}

void Ordinary::keep(const xenmm_extent *written, size_t count)
{
	for (size_t i = 0; i < count; i++)
		change(pages_of(written[i].start, written[i].length), 0, kWritten);
}

ssize_t Ordinary::collect(void *start, size_t length, xenmm_extent *written, size_t max,
			  void **resume)
{
	Hold hold(lock_);
	size_t count = 0;
	size_t end = find(pages_of(start, length), written, count, max);
	if (arm(written, count) != 0) {
		int error = errno;
		keep(written, count);
		return fail(error);
	}
	*resume = start_ + end * page_size();
	return static_cast<ssize_t>(count);
}

bool Ordinary::serve(void *address)
{
	Hold hold(lock_);
	size_t page = (static_cast<char *>(address) - start_) / page_size();
	if (!(flags_[page] & kTracked))
		return !(flags_[page] & kReadOnly); // untracked since it faulted
	flags_[page] |= kWritten;
	return mprotect(start_ + page * page_size(), page_size(), PROT_READ | PROT_WRITE) == 0;
}

} // namespace xenmm
