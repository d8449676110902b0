// SPDX-License-Identifier: GPL-2.0
#include "terminal.hpp"

#include <csignal>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "error.hpp"
#include "files.hpp"
#include "table.hpp"

namespace xenmm
{

namespace
{

constexpr std::string_view kEnter = "\033[?1049h\033[?25l\033[2J";
constexpr std::string_view kLeave = "\033[?25h\033[?1049l";

volatile sig_atomic_t end_asked;

void ask_end(int)
{
	end_asked = 1;
}

void interrupt_wait(int) {}

void on_signal(int signal, void (*handler)(int))
{
	struct sigaction action = {};
	action.sa_handler = handler;
	sigaction(signal, &action, nullptr);
}

bool begins_character(char byte)
{
	return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
}

} // namespace

TerminalSize terminal_size()
{
	winsize size = {};
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || !size.ws_col || !size.ws_row)
		return {80, 24};
	return {size.ws_col, size.ws_row};
}

Screen::Screen()
{
	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before_) != 0)
		throw Failure(ExitCode::kUsage,
			      "no terminal to draw on: use --batch for output to a file or a pipe");
	end_asked = 0;
	for (int signal : {SIGINT, SIGTERM, SIGHUP})
		on_signal(signal, ask_end);
	on_signal(SIGWINCH, interrupt_wait);
	termios raw = before_;
	raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	write_stdout(kEnter);
}

Screen::~Screen()
{
	tcsetattr(STDIN_FILENO, TCSANOW, &before_);
	std::fwrite(kLeave.data(), 1, kLeave.size(), stdout);
	std::fflush(stdout);
}

void Screen::draw(const std::string &picture)
{
	TerminalSize size = terminal_size();
	std::string frame = "\033[H";
	size_t begin = 0;
	for (unsigned row = 0; row < size.rows && begin < picture.size(); row++) {
		size_t end = std::min(picture.find('\n', begin), picture.size());
		frame += (row ? "\r\n" : "") +
			 clipped(picture.substr(begin, end - begin), size.columns) + "\033[K";
		begin = end + 1;
	}
	write_stdout(frame + "\033[J");
}

int Screen::wait_key(unsigned milliseconds)
{
	pollfd input = {STDIN_FILENO, POLLIN, 0};
	char key = 0;
	if (end_asked || poll(&input, 1, static_cast<int>(milliseconds)) <= 0)
		return 0;
	if (read(STDIN_FILENO, &key, 1) != 1)
		end_asked = 1; // the terminal is gone
	return key;
}

bool Screen::ended() const
{
	return end_asked;
}

std::string clipped(const std::string &line, size_t columns)
{
	size_t at = 0;
	for (size_t characters = 0; at < line.size(); at++)
		if (begins_character(line[at]) && characters++ == columns)
			break;
	return line.substr(0, at);
}

} // namespace xenmm
