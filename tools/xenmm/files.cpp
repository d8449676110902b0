// SPDX-License-Identifier: GPL-2.0
// Plain read(2): files of /sys and debugfs have no useful size, and errno has to
// survive to tell "not mounted" from "not permitted".
#include "files.hpp"

#include <charconv>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

#include "unique_fd.hpp"

namespace xenmm
{

std::string system_path(std::string_view path)
{
	const char *root = std::getenv("XENMM_ROOT");
	return std::string(root ? root : "").append(path);
}

std::optional<std::string> read_text(std::string_view path)
{
	UniqueFd fd(open(system_path(path).c_str(), O_RDONLY | O_CLOEXEC));
	if (!fd)
		return std::nullopt;

	std::string text;
	char buffer[4096];
	ssize_t got;
	while ((got = read(fd.get(), buffer, sizeof(buffer))) > 0)
		text.append(buffer, static_cast<size_t>(got));
	return got < 0 ? std::nullopt : std::optional(text);
}

std::optional<std::string> read_line(std::string_view path)
{
	std::optional<std::string> text = read_text(path);
	if (!text)
		return std::nullopt;
	text->resize(std::min(text->find('\n'), text->size()));
	return text->empty() ? std::nullopt : text;
}

bool path_exists(std::string_view path)
{
	return access(system_path(path).c_str(), F_OK) == 0;
}

std::vector<std::string> split_lines(const std::string &text)
{
	std::vector<std::string> lines;
	size_t begin = 0;
	while (begin < text.size()) {
		size_t end = std::min(text.find('\n', begin), text.size());
		if (end > begin)
			lines.push_back(text.substr(begin, end - begin));
		begin = end + 1;
	}
	return lines;
}

std::optional<uint64_t> parse_number(std::string_view text)
{
	uint64_t value = 0;
	auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
	if (error != std::errc() || end != text.data() + text.size())
		return std::nullopt;
	return value;
}

std::optional<uint64_t> meminfo_kib(std::string_view name)
{
	for (const std::string &line : split_lines(read_text("/proc/meminfo").value_or("")))
		if (line.starts_with(std::string(name) + ":"))
			return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10);
	return std::nullopt;
}

bool environment_flag(const char *name)
{
	return environment_text(name) == "1";
}

std::optional<std::string> environment_text(const char *name)
{
	const char *value = std::getenv(name);
	if (!value || !*value)
		return std::nullopt;
	return value;
}

} // namespace xenmm
