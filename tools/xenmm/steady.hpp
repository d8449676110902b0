// SPDX-License-Identifier: GPL-2.0
// A process whose runs are alike: always at the same addresses, on one CPU, without huge
// pages that would hide page-table work. Best effort: a container may forbid each of it, and
// then results are noisier, not wrong.
#pragma once

#include <optional>

namespace xenmm
{

// Executes this program once more, without randomised addresses; returns where it is so
// already, or cannot be.
void restart_without_aslr();
// Are they randomised for this process?
bool has_aslr();

// The CPU it stays on from here on.
std::optional<int> settle_process();

} // namespace xenmm
