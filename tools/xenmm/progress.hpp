// SPDX-License-Identifier: GPL-2.0
// A bar on stderr for work of many parts: how far it is, what is being done, and how long
// it will take yet, if the parts are alike. On a terminal it is one line, gone at the end;
// elsewhere (--progress=always) a line a part.
#pragma once

#include <cstdint>
#include <string>

namespace xenmm
{

class Progress
{
public:
	explicit Progress(size_t total);
	~Progress();
	Progress(const Progress &) = delete;

	void next(const std::string &what);

private:
	size_t total_;
	size_t done_ = 0;
	uint64_t began_ns_;
	bool terminal_;
	bool visible_;
};

// "[#####.....] 5/10, 12 s left  WHAT"; `done` parts took `seconds`.
std::string progress_line(size_t done, size_t total, double seconds, const std::string &what);

} // namespace xenmm
