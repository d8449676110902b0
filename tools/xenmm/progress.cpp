// SPDX-License-Identifier: GPL-2.0
#include "progress.hpp"

#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

#include "clock.hpp"
#include "manners.hpp"

namespace xenmm
{

namespace
{

constexpr size_t kWidth = 20;

bool is_wanted(bool terminal)
{
	const std::string &wish = manners().progress;
	return wish == "always" || (wish == "auto" && terminal && !manners().quiet);
}

std::string time_left(double seconds)
{
	if (seconds < 90)
		return fmt::format("{:.0f} s left", seconds);
	return fmt::format("{:.0f} min left", seconds / 60);
}

} // namespace

std::string progress_line(size_t done, size_t total, double seconds, const std::string &what)
{
	size_t full = kWidth * done / total;
	std::string left = done ? ", " + time_left(seconds / static_cast<double>(done) *
						   static_cast<double>(total - done))
				: "";
	return fmt::format("[{}{}] {}/{}{}  {}", std::string(full, '#'),
			   std::string(kWidth - full, '.'), done, total, left, what);
}

Progress::Progress(size_t total)
	: total_(total), began_ns_(Clock(Unit::kNs).now()), terminal_(isatty(STDERR_FILENO)),
	  visible_(is_wanted(terminal_))
{
}

Progress::~Progress()
{
	if (visible_ && terminal_)
		std::fputs("\r\033[K", stderr);
}

void Progress::next(const std::string &what)
{
	double seconds = static_cast<double>(Clock(Unit::kNs).now() - began_ns_) / 1e9;
	std::string line = progress_line(done_++, total_, seconds, what);
	if (visible_)
		std::fprintf(stderr, terminal_ ? "\r\033[K%s" : "%s\n", line.c_str());
}

} // namespace xenmm
