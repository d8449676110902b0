// SPDX-License-Identifier: GPL-2.0
// A file that cannot be used is the rule, not the exception, for who is not root or
// whose kernel is locked down; so every failure says what is needed.
#include "debugfs.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include "error.hpp"
#include "files.hpp"
#include "unique_fd.hpp"

namespace xenmm
{

namespace
{

// "NAME VALUE": the last word is the number, the name may hold spaces.
std::optional<NamedNumber> parse_line(const std::string &line)
{
	size_t end = line.find_last_not_of(" \t");
	size_t space = line.find_last_of(" \t", end);
	if (end == std::string::npos || space == std::string::npos)
		return std::nullopt;
	auto value = parse_number(std::string_view(line).substr(space + 1, end - space));
	size_t name_end = line.find_last_not_of(" \t:", space);
	if (!value || name_end == std::string::npos)
		return std::nullopt;
	return NamedNumber{line.substr(0, name_end + 1), *value};
}

// Comments and headings, if a later module writes some, are passed over.
Numbers parse_numbers(const std::string &text)
{
	Numbers numbers;
	for (const std::string &line : split_lines(text))
		if (auto number = parse_line(line))
			numbers.push_back(std::move(*number));
	return numbers;
}

Failure failure(const char *file, std::string_view what, int error)
{
	const char *remedy = error == EINVAL ? "install a module and a tool of the same version"
					     : "run as root, with the module loaded and debugfs "
					       "mounted on /sys/kernel/debug";
	return Failure(ExitCode::kMissing, fmt::format("cannot {}: {}: {} ({})", what, file,
						       std::strerror(error), remedy));
}

} // namespace

std::optional<Numbers> read_numbers(const char *file)
{
	auto text = read_text(file);
	return text ? std::optional(parse_numbers(*text)) : std::nullopt;
}

Numbers require_numbers(const char *file, std::string_view what)
{
	auto numbers = read_numbers(file);
	if (!numbers)
		throw failure(file, what, errno);
	return *numbers;
}

void write_debugfs(const char *file, std::string_view text, std::string_view what)
{
	UniqueFd fd(open(system_path(file).c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
	if (!fd || write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
		throw failure(file, what, errno);
}

} // namespace xenmm
