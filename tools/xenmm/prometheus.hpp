// SPDX-License-Identifier: GPL-2.0
// The text format of Prometheus, version 0.0.4: what node_exporter's textfile collector
// reads. Names keep the counters' own, behind xenmm_kernel_ and xenmm_arena_.
#pragma once

#include <string>

#include "debugfs.hpp"
#include "device.hpp"
#include "guest.hpp"

namespace xenmm
{

// Counters of struct xenmm_stats, by their names.
std::string arena_metrics(const Numbers &stats);

std::string prometheus_text(const xenmm_info &info, const Guest &guest, const xenmm_kernel *kernel,
			    const xenmm_stats &arenas);

} // namespace xenmm
