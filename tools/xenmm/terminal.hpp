// SPDX-License-Identifier: GPL-2.0
// A terminal that is drawn on again and again: the alternate screen, so that what was there
// before is back afterwards, and one write for a picture, so that nobody sees half of one.
#pragma once

#include <string>
#include <termios.h>

namespace xenmm
{

struct TerminalSize {
	unsigned columns;
	unsigned rows;
};

// Of standard output; 80 by 24 where that is no terminal.
TerminalSize terminal_size();

class Screen
{
public:
	// Failure kUsage when standard input or output is no terminal.
	Screen();
	~Screen();
	Screen(const Screen &) = delete;

	// The picture's lines from the top; those that do not fit are left out, as are the
	// ends of longer ones. What was there before is gone.
	void draw(const std::string &picture);

	// A key, if one comes in time; 0 when none does, the size changes (then it is time to
	// draw) or a signal asks to end: see ended().
	int wait_key(unsigned milliseconds);
	// SIGINT, SIGTERM, SIGHUP.
	bool ended() const;

private:
	termios before_ = {};
};

// The first `columns` characters of a line in UTF-8.
std::string clipped(const std::string &line, size_t columns);

} // namespace xenmm
