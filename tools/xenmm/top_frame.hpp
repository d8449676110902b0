// SPDX-License-Identifier: GPL-2.0
// A picture of `xenmm top`: what passed in the last interval, and what in those before.
#pragma once

#include <deque>
#include <string>

#include "series.hpp"
#include "terminal.hpp"

namespace xenmm
{

class TopFrame
{
public:
	explicit TopFrame(Subject subject) : subject_(std::move(subject)) {}

	// The interval between two moments; `clock` is shown as the time of day.
	void add(const Moment &passed, std::string clock);
	// Lines for a terminal of this size; of no size: all there are, 80 columns wide.
	std::string text(TerminalSize size) const;
	std::string whole_text() const;

private:
	std::string heading(size_t columns) const;
	std::string price_bar(size_t columns) const;
	std::string counters(size_t columns, size_t rows) const;
	std::string processes(size_t rows) const;
	std::string history(__u64 xenmm_kernel::*counter, size_t width) const;

	Subject subject_;
	std::string clock_;
	Moment last_ = {};
	std::deque<std::pair<xenmm_kernel, double>> intervals_; // and their seconds
};

} // namespace xenmm
