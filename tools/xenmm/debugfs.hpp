// SPDX-License-Identifier: GPL-2.0
// The module's files in debugfs (Documentation/ABI/testing/debugfs-xenmm): lines of
// "NAME VALUE" to read, short texts to write.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xenmm
{

inline constexpr const char *kStatsFile = "/sys/kernel/debug/xenmm/stats";
inline constexpr const char *kHistogramFile = "/sys/kernel/debug/xenmm/histogram";
inline constexpr const char *kSectionsFile = "/sys/kernel/debug/xenmm/sections";
inline constexpr const char *kResetFile = "/sys/kernel/debug/xenmm/reset";
inline constexpr const char *kCostFile = "/sys/kernel/debug/xenmm/cost";

struct NamedNumber {
	std::string name;
	uint64_t value;
};
using Numbers = std::vector<NamedNumber>;

// Nothing when the file cannot be read (errno says why).
std::optional<Numbers> read_numbers(const char *file);
// The same for files that have to be there: Failure kMissing, "cannot WHAT: ...".
Numbers require_numbers(const char *file, std::string_view what);

// In one write(2), which the module takes whole or not at all; Failure kMissing.
void write_debugfs(const char *file, std::string_view text, std::string_view what);

} // namespace xenmm
