// SPDX-License-Identifier: GPL-2.0
// `xenmm top`: the guest's page-table work, live.
#include <CLI/CLI.hpp>
#include <cmath>
#include <ctime>
#include <unistd.h>

#include "commands.hpp"
#include "error.hpp"
#include "options.hpp"
#include "table.hpp"
#include "top_frame.hpp"

namespace xenmm
{

namespace
{

struct Options {
	bool batch = false;
	unsigned iterations = 0; // without end
	double delay = 2;
};

std::string time_of_day()
{
	std::time_t now = std::time(nullptr);
	std::tm local = {};
	localtime_r(&now, &local);
	char text[sizeof("00:00:00")] = {};
	std::strftime(text, sizeof(text), "%H:%M:%S", &local);
	return text;
}

unsigned milliseconds(double seconds)
{
	return static_cast<unsigned>(std::lround(seconds * 1000));
}

// The picture of what passes from one call to the next.
class Live
{
public:
	explicit Live(const Device &device)
		: device_(device), last_(take_moment(device)), frame_(find_subject(device))
	{
	}
	const TopFrame &next()
	{
		Moment now = take_moment(device_);
		frame_.add(difference(last_, now), time_of_day());
		last_ = std::move(now);
		return frame_;
	}
	const TopFrame &same() const { return frame_; }

private:
	const Device &device_;
	Moment last_;
	TopFrame frame_;
};

void run_batch(Live &live, const Options &options)
{
	for (unsigned i = 0; !options.iterations || i < options.iterations; i++) {
		usleep(milliseconds(options.delay) * 1000);
		write_stdout((i ? "\n" : "") + live.next().whole_text());
	}
}

uint64_t now_ms()
{
	timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<uint64_t>(now.tv_sec) * 1000 +
	       static_cast<uint64_t>(now.tv_nsec) / 1000000;
}

// A key or a new size come before the interval is over: then it is drawn anew, as it was.
void run_screen(Live &live, const Options &options)
{
	Screen screen;
	unsigned shown = 0;
	uint64_t due = now_ms() + 100; // the first picture soon
	screen.draw(live.same().text(terminal_size()));
	while (!screen.ended() && (!options.iterations || shown < options.iterations)) {
		uint64_t now = now_ms();
		if (now >= due) {
			live.next();
			shown++;
			due = now + milliseconds(options.delay);
		}
		screen.draw(live.same().text(terminal_size()));
		int key = screen.wait_key(static_cast<unsigned>(due - std::min(due, now_ms())));
		if (key == 'q' || key == 'Q')
			return;
		if (key == ' ')
			due = now_ms();
	}
}

void top(const Options &options)
{
	Device device = Device::open();
	KernelCounting counting(device);
	Live live(device);
	if (options.batch)
		run_batch(live, options);
	else
		run_screen(live, options);
}

constexpr const char *kExamples = R"(
'page tables ~' is what the counted work takes at the module's prices, a lower bound ('xenmm
calibrate' measures them here). ~ marks estimates: no tracepoint shows a store that Xen traps.
Processes stand by their page faults, each of which changes an entry at least. What does not
fit on the terminal is left out. Keys: q ends, the blank shows the next picture now.

Counting is on meanwhile and afterwards as it was before.

Examples:
  xenmm top                              a picture each 2 seconds
  xenmm top -d 0.5                       each half second
  xenmm top -b -i 3                      three pictures as text, for a file or a pipe)";

} // namespace

void add_top(CLI::App &app, Action &action)
{
	auto options = std::make_shared<Options>();
	CLI::App *command = app.add_subcommand("top", "Show the guest's page-table work, live");
	command->add_flag("-b,--batch", options->batch, "Text, one picture below the other");
	command->add_option("-i,--iterations", options->iterations,
			    "So many pictures; default: until told to end")
		->check(CLI::Range(1U, 1000000000U))
		->type_name("N");
	command->add_option("-d,--delay", options->delay, "Seconds between two; default: 2")
		->check(CLI::Range(0.1, 3600.0))
		->type_name("S");
	command->footer(kExamples);
	command->callback([options, &action] { action = [options] { top(*options); }; });
}

} // namespace xenmm
