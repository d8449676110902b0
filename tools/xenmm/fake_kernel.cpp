// SPDX-License-Identifier: GPL-2.0
// XENMM_FAKE: words separated by commas.
//	native no-tracepoints not-root             why nothing can be counted
//	no-tracer                                  traps are not estimated
#include "fake_kernel.hpp"

#include <cerrno>

#include "fake_arena.hpp"
#include "kernel_counters.hpp"

namespace xenmm::fake
{

namespace
{

xenmm_kernel counted;

// From one reading to the next: 1000, 2000 and so on, in the order of the ABI.
void pass_time()
{
	__u64 amount = 0;
	for (const KernelCounter &counter : kKernelCounters) {
		amount += 1000;
		if (!counter.is_estimate() || counted.estimating)
			counted.*counter.value += amount;
	}
}

int refuse(unsigned counting)
{
	if (counting != XENMM_KERNEL_LEAVE && told("not-root"))
		return error(EPERM);
	if (counting == XENMM_KERNEL_ON && told("native"))
		return error(EOPNOTSUPP);
	if (counting == XENMM_KERNEL_ON && told("no-tracepoints"))
		return error(ENOENT);
	return 0;
}

} // namespace

int count_kernel(xenmm_kernel &kernel)
{
	if (refuse(kernel.counting) != 0)
		return -1;
	counted.estimating = !told("no-tracer");
	if (kernel.counting != XENMM_KERNEL_LEAVE)
		counted.counting = kernel.counting;
	else if (counted.counting)
		pass_time();
	kernel = counted;
	return 0;
}

} // namespace xenmm::fake
