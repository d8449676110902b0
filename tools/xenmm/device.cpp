// SPDX-License-Identifier: GPL-2.0
// The one place that opens the device. Its errors are the first thing a new user
// meets, so each says what to do next.
#include "device.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>

#include "error.hpp"
#include "files.hpp"

namespace xenmm
{

namespace
{

std::string why_not_open(int error)
{
	switch (error) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		if (path_exists("/sys/module/xenmm"))
			return "the module is loaded but " XENMM_DEVICE_PATH " is missing: "
			       "mount devtmpfs on /dev";
		return XENMM_DEVICE_PATH " is missing: load the module with 'insmod xenmm.ko' "
					 "(or 'modprobe xenmm')";
	case EACCES:
	case EPERM:
		return XENMM_DEVICE_PATH ": permission denied: run as root";
	default:
		return fmt::format(XENMM_DEVICE_PATH ": {}", std::strerror(error));
	}
}

Failure why_not_count(int error)
{
	switch (error) {
	case EPERM:
		return {ExitCode::kMissing, "counting what the kernel does: run as root"};
	case EOPNOTSUPP:
		return {ExitCode::kNotPossible,
			"this guest asks no hypervisor to change its page tables, so that there is "
			"nothing to count: run it in a PV guest of Xen"};
	case ENOENT:
		return {ExitCode::kNotPossible,
			"this kernel has not got the tracepoints xen_mc_* and xen_mmu_*: build it "
			"with CONFIG_TRACEPOINTS and CONFIG_XEN_PV"};
	default:
		return system_failure("counting what the kernel does");
	}
}

} // namespace

Device::Device(UniqueFd fd) : fd_(std::move(fd))
{
	if (ioctl(fd_.get(), XENMM_IOC_INFO, &info_) != 0)
		throw Failure(ExitCode::kMissing,
			      fmt::format(XENMM_DEVICE_PATH " is not served by this module: {}",
					  std::strerror(errno)));
	if (info_.abi_version != XENMM_ABI_VERSION)
		throw Failure(ExitCode::kMissing,
			      fmt::format("the module speaks ABI version {}, this tool {}: "
					  "install matching ones",
					  info_.abi_version, XENMM_ABI_VERSION));
	info_.module_version[sizeof(info_.module_version) - 1] = '\0';
}

Device Device::open()
{
	UniqueFd fd(::open(XENMM_DEVICE_PATH, O_RDWR | O_CLOEXEC));
	if (!fd)
		throw Failure(ExitCode::kMissing, why_not_open(errno));
	return Device(std::move(fd));
}

std::optional<Device> Device::try_open(std::string *why)
{
	try {
		return open();
	} catch (const Failure &failure) {
		if (why)
			*why = failure.what();
		return std::nullopt;
	}
}

xenmm_stats Device::stats() const
{
	xenmm_stats stats = {};
	if (ioctl(fd_.get(), XENMM_IOC_STATS, &stats) != 0)
		throw system_failure("reading the counters of " XENMM_DEVICE_PATH);
	return stats;
}

xenmm_kernel Device::kernel(unsigned counting) const
{
	xenmm_kernel kernel = {};
	kernel.counting = counting;
	if (!(info_.features & XENMM_FEATURE_KERNEL))
		throw Failure(ExitCode::kMissing,
			      "this module does not count what the kernel does: "
			      "load the one of this version");
	if (ioctl(fd_.get(), XENMM_IOC_KERNEL, &kernel) != 0)
		throw why_not_count(errno);
	return kernel;
}

} // namespace xenmm
