// SPDX-License-Identifier: GPL-2.0
#include "prometheus.hpp"

#include <fmt/format.h>

#include "counters.hpp"
#include "kernel_counters.hpp"

namespace xenmm
{

namespace
{

std::string metric(const std::string &name, std::string_view type, std::string_view help,
		   const std::string &labels, uint64_t value)
{
	return fmt::format("# HELP {} {}\n# TYPE {} {}\n{}{} {}\n", name, help, name, type, name,
			   labels, value);
}

std::string escaped(std::string_view text)
{
	std::string result;
	for (char one : text)
		result += one == '"' || one == '\\' ? std::string("\\") + one : std::string(1, one);
	return result;
}

std::string info_metric(const xenmm_info &info, const Guest &guest)
{
	return metric("xenmm_info", "gauge", "The module and the kind of guest.",
		      fmt::format("{{version=\"{}\",guest=\"{}\"}}", escaped(info.module_version),
				  escaped(guest.kind)),
		      1);
}

std::string kernel_metrics(const xenmm_kernel &kernel)
{
	std::string text = metric("xenmm_kernel_counting", "gauge",
				  "Is what the kernel does being counted?", "", kernel.counting);
	for (const KernelCounter &counter : kKernelCounters) {
		if (counter.is_estimate() && !kernel.estimating)
			continue;
		text += metric(fmt::format("xenmm_kernel_{}{}_total", counter.name,
					   counter.is_estimate() ? "_estimated" : ""),
			       "counter", fmt::format("The kernel: {}.", counter.meaning), "",
			       kernel.*counter.value);
	}
	return text;
}

} // namespace

std::string arena_metrics(const Numbers &stats)
{
	std::string text;
	for (const NamedNumber &number : stats)
		text += metric(fmt::format("xenmm_arena_{}_total", number.name), "counter",
			       "All arenas: struct xenmm_stats in include/uapi/xenmm.h.", "",
			       number.value);
	return text;
}

std::string prometheus_text(const xenmm_info &info, const Guest &guest, const xenmm_kernel *kernel,
			    const xenmm_stats &arenas)
{
	std::string text = info_metric(info, guest);
	if (kernel)
		text += kernel_metrics(*kernel);
	Numbers stats;
	for (const NamedCounter &counter : kCounters)
		stats.push_back({std::string(counter.name), arenas.*counter.value});
	return text + arena_metrics(stats);
}

} // namespace xenmm
