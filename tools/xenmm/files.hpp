// SPDX-License-Identifier: GPL-2.0
// Reading the small text files of /sys and /proc.
// Every such path goes through here, so that tests can put a made-up system in
// front of the tool: XENMM_ROOT names a folder that stands for "/".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xenmm
{

// `path` below XENMM_ROOT, or as it is.
std::string system_path(std::string_view path);

// Whole file; nothing when it cannot be opened or read (errno says why).
std::optional<std::string> read_text(std::string_view path);

// The first line without its newline; nothing also when it is empty.
std::optional<std::string> read_line(std::string_view path);

bool path_exists(std::string_view path);

// Lines without newlines; empty lines are left out.
std::vector<std::string> split_lines(const std::string &text);

// A decimal number and nothing else.
std::optional<uint64_t> parse_number(std::string_view text);

// A line of /proc/meminfo, "MemAvailable" say, in KiB; nothing where there is none.
std::optional<uint64_t> meminfo_kib(std::string_view name);

// "1" is true; anything else, or unset, is false.
bool environment_flag(const char *name);

// Unset and empty are both nothing.
std::optional<std::string> environment_text(const char *name);

} // namespace xenmm
