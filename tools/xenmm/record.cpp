// SPDX-License-Identifier: GPL-2.0
// `xenmm record` and `xenmm replay`: a time series of the guest's page-table work, taken
// now and looked at later, elsewhere.
#include <CLI/CLI.hpp>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>

#include "command.hpp"
#include "commands.hpp"
#include "error.hpp"
#include "manners.hpp"
#include "options.hpp"
#include "table.hpp"
#include "top_frame.hpp"

namespace xenmm
{

namespace
{

struct RecordOptions {
	std::string file;
	std::vector<std::string> command;
	double delay = 1;
	unsigned seconds = 0;
};

// Appends a moment a time; every line is whole, so that a file that is cut off can be read.
class Recorder
{
public:
	Recorder(const Device &device, const std::string &path)
		: device_(device), path_(path), file_(std::fopen(path.c_str(), "we"))
	{
		if (!file_)
			throw system_failure(path);
		write(subject_line(find_subject(device)));
	}
	void note()
	{
		Moment moment = take_moment(device_);
		if (!moments_++)
			beginning_ = moment.reading.seconds;
		write(moment_line(moment, beginning_));
	}
	unsigned moments() const { return moments_; }

private:
	struct Close {
		void operator()(std::FILE *file) const { std::fclose(file); }
	};
	void write(const std::string &line)
	{
		if (std::fputs(line.c_str(), file_.get()) < 0 || std::fflush(file_.get()) != 0)
			throw system_failure(path_);
	}

	const Device &device_;
	std::string path_;
	std::unique_ptr<std::FILE, Close> file_;
	double beginning_ = 0;
	unsigned moments_ = 0;
};

int record(const RecordOptions &options)
{
	Device device = Device::open();
	KernelCounting counting(device);
	Recorder recorder(device, options.file);
	auto take = [&] { recorder.note(); };
	std::vector<std::string> command = options.command;
	if (command.empty())
		command = {"sleep",
			   options.seconds ? std::to_string(options.seconds) : "2147483647"};
	CommandEnd end = run_command(
		command, static_cast<unsigned>(std::lround(options.delay * 1000)), take, take);
	recorder.note();
	note(fmt::format("{} moments recorded in {}: 'xenmm replay {}' shows them",
			 recorder.moments(), options.file, options.file));
	return options.command.empty() ? 0 : end.status;
}

struct ReplayOptions {
	std::string file;
	bool batch = false;
	double speed = 1;
};

std::string clock(double seconds)
{
	return fmt::format("+{:.1f} s", seconds);
}

void replay(const ReplayOptions &options)
{
	Series series = read_series(options.file);
	if (series.moments.size() < 2)
		throw Failure(ExitCode::kFailed,
			      options.file + " holds fewer than two moments: nothing passed");
	TopFrame frame(series.subject);
	std::unique_ptr<Screen> screen = options.batch ? nullptr : std::make_unique<Screen>();
	for (size_t i = 1; i < series.moments.size(); i++) {
		Moment passed = difference(series.moments[i - 1], series.moments[i]);
		frame.add(passed, clock(series.moments[i].reading.seconds));
		if (!screen) {
			write_stdout((i > 1 ? "\n" : "") + frame.whole_text());
			continue;
		}
		screen->draw(frame.text(terminal_size()));
		double wait = passed.reading.seconds / options.speed * 1000;
		bool is_last = i + 1 == series.moments.size();
		int key = screen->wait_key(is_last ? 86400000 : static_cast<unsigned>(wait));
		if (key == 'q' || screen->ended())
			return;
	}
}

constexpr const char *kRecordExamples = R"(
The file has a line of JSON for each moment, and can be read while it grows.

Examples:
  xenmm record -o build.jsonl -- make    while a command runs
  xenmm record -o day.jsonl -d 60        each minute, until ^C
  xenmm record -o ten.jsonl -s 10        for ten seconds)";

constexpr const char *kReplayExamples = R"(
Needs neither the module nor a guest of Xen.

Examples:
  xenmm replay build.jsonl               as it was, in the terminal; q ends
  xenmm replay day.jsonl --speed 60      an hour in a minute
  xenmm replay build.jsonl --batch       all pictures as text)";

} // namespace

void add_record(CLI::App &app, Action &action)
{
	auto options = std::make_shared<RecordOptions>();
	CLI::App *command = app.add_subcommand("record", "Record the guest's page-table work");
	command->add_option("COMMAND", options->command, "Record while it runs, as in stat")
		->type_name("");
	command->add_option("-o,--output", options->file, "Write the moments to this file")
		->required()
		->type_name("FILE");
	command->add_option("-d,--delay", options->delay, "Seconds between two moments; default: 1")
		->check(CLI::Range(0.01, 3600.0))
		->type_name("S");
	command->add_option("-s,--seconds", options->seconds, "End after so many seconds")
		->check(CLI::Range(1U, 1000000000U))
		->type_name("S");
	command->footer(kRecordExamples);
	command->callback([options, &action] {
		action = [options] {
			if (int status = record(*options))
				std::exit(status);
		};
	});
}

void add_replay(CLI::App &app, Action &action)
{
	auto options = std::make_shared<ReplayOptions>();
	CLI::App *command = app.add_subcommand("replay", "Show what was recorded, as top does");
	command->add_option("FILE", options->file, "What 'xenmm record' wrote")
		->required()
		->type_name("");
	command->add_flag("-b,--batch", options->batch, "Text, one picture below the other");
	command->add_option("--speed", options->speed, "So many times as fast; default: 1")
		->check(CLI::Range(0.01, 100000.0))
		->type_name("X");
	command->footer(kReplayExamples);
	command->callback([options, &action] { action = [options] { replay(*options); }; });
}

} // namespace xenmm
