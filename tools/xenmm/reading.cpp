// SPDX-License-Identifier: GPL-2.0
#include "reading.hpp"

#include <sstream>
#include <unistd.h>

#include "clock.hpp"
#include "counters.hpp"
#include "files.hpp"
#include "kernel_counters.hpp"

namespace xenmm
{

namespace
{

// The line of all CPUs in /proc/stat, in ticks of USER_HZ: user nice system ...
double system_seconds()
{
	std::istringstream line(read_line("/proc/stat").value_or(""));
	std::string name;
	double user = 0, nice = 0, system = 0;
	line >> name >> user >> nice >> system;
	return system / static_cast<double>(sysconf(_SC_CLK_TCK));
}

} // namespace

KernelCounting::KernelCounting(const Device &device)
	: device_(device), was_on_(device.kernel(XENMM_KERNEL_LEAVE).counting)
{
	device_.kernel(XENMM_KERNEL_ON);
}

KernelCounting::~KernelCounting()
{
	try {
		device_.kernel(was_on_ ? XENMM_KERNEL_ON : XENMM_KERNEL_OFF);
	} catch (const std::exception &) { // who could switch it on could switch it off
	}
}

Reading take_reading(const Device &device)
{
	Reading reading = {};
	reading.system_seconds = system_seconds();
	reading.arenas = device.stats();
	reading.kernel = device.kernel(XENMM_KERNEL_LEAVE);
	reading.seconds = static_cast<double>(Clock(Unit::kNs).now()) / 1e9;
	reading.ticks = Clock::tsc();
	return reading;
}

Reading difference(const Reading &before, const Reading &after)
{
	return {difference(before.kernel, after.kernel), difference(before.arenas, after.arenas),
		after.seconds - before.seconds, after.system_seconds - before.system_seconds,
		after.ticks - before.ticks};
}

} // namespace xenmm
