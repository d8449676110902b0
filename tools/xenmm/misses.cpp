// SPDX-License-Identifier: GPL-2.0
// One perf event each, so that a CPU that lacks one of them still counts the others.
#include "misses.hpp"

#include <cerrno>
#include <cstring>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unique_fd.hpp"

namespace xenmm
{

namespace
{

constexpr uint64_t read_misses(uint64_t cache)
{
	return cache | PERF_COUNT_HW_CACHE_OP_READ << 8 | PERF_COUNT_HW_CACHE_RESULT_MISS << 16;
}

// Not counting yet. Without a descriptor errno says why.
class Event
{
public:
	Event(uint32_t type, uint64_t config)
	{
		perf_event_attr attributes = {};
		attributes.size = sizeof(attributes);
		attributes.type = type;
		attributes.config = config;
		attributes.disabled = 1;
		attributes.exclude_kernel = 1; // permitted without privilege
		attributes.exclude_hv = 1;
		fd_ = UniqueFd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1,
							PERF_FLAG_FD_CLOEXEC)));
		error_ = fd_ ? 0 : errno;
	}
	void start() const { ioctl(fd_.get(), PERF_EVENT_IOC_ENABLE, 0); }
	void stop() const { ioctl(fd_.get(), PERF_EVENT_IOC_DISABLE, 0); }
	std::optional<double> per(uint64_t accesses) const
	{
		uint64_t count = 0;
		if (!fd_ || read(fd_.get(), &count, sizeof(count)) != sizeof(count))
			return std::nullopt;
		return static_cast<double>(count) / static_cast<double>(accesses);
	}
	explicit operator bool() const { return static_cast<bool>(fd_); }
	int error() const { return error_; }

private:
	UniqueFd fd_;
	int error_ = 0;
};

} // namespace

MissCounts count_misses(const std::function<void()> &body, uint64_t accesses)
{
	Event dtlb(PERF_TYPE_HW_CACHE, read_misses(PERF_COUNT_HW_CACHE_DTLB));
	Event cache(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES);
	Event instructions(PERF_TYPE_HW_CACHE, read_misses(PERF_COUNT_HW_CACHE_L1I));
	if (!dtlb && !cache && !instructions)
		return {std::nullopt, std::strerror(cache.error())};

	for (const Event *event : {&dtlb, &cache, &instructions})
		event->start();
	body();
	for (const Event *event : {&dtlb, &cache, &instructions})
		event->stop();
	return {Misses{dtlb.per(accesses), cache.per(accesses), instructions.per(accesses)}, ""};
}

} // namespace xenmm
