// SPDX-License-Identifier: GPL-2.0
// The child waits at a pipe until the first reading is taken, so that its fork is not
// part of what is measured but its exec is. A second pipe, closed by a successful exec,
// brings back why there was none.
#include "command.hpp"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.hpp"
#include "pipe.hpp"
#include "unique_fd.hpp"

namespace xenmm
{

namespace
{

volatile sig_atomic_t caught;
volatile pid_t told; // whom to pass signals on to; 0: nobody

void pass_on(int signal)
{
	caught = signal;
	if (told > 0)
		kill(told, signal);
}

// While it lives, SIGINT and SIGTERM do not end this program.
class SignalsPassed
{
public:
	explicit SignalsPassed(pid_t child)
	{
		caught = 0;
		told = child;
		struct sigaction action = {};
		action.sa_handler = pass_on;
		sigaction(SIGINT, &action, &interrupt_);
		sigaction(SIGTERM, &action, &terminate_);
	}
	~SignalsPassed()
	{
		sigaction(SIGINT, &interrupt_, nullptr);
		sigaction(SIGTERM, &terminate_, nullptr);
		told = 0;
	}
	SignalsPassed(const SignalsPassed &) = delete;

private:
	struct sigaction interrupt_, terminate_;
};

double seconds(const timeval &time)
{
	return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

UniqueFd open_process(pid_t pid)
{
	return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

// The process has ended when its descriptor can be read.
void tick_until_end(int process, unsigned interval_ms, const std::function<void()> &tick,
		    bool until_signal)
{
	pollfd waiting = {process, POLLIN, 0};
	int patience = interval_ms ? static_cast<int>(interval_ms) : -1;
	for (;;) {
		int ready = poll(&waiting, 1, patience);
		if (ready > 0 || (until_signal && caught))
			return;
		if (ready == 0)
			tick();
	}
}

[[noreturn]] void become(const std::vector<std::string> &command, int start, int trouble)
{
	std::vector<char *> words;
	words.reserve(command.size() + 1);
	for (const std::string &word : command)
		words.push_back(const_cast<char *>(word.c_str()));
	words.push_back(nullptr);
	char byte = 0;
	if (read(start, &byte, 1) != 1)
		_exit(127);
	execvp(words[0], words.data());
	int error = errno;
	if (write(trouble, &error, sizeof(error)) != sizeof(error))
		_exit(126);
	_exit(127);
}

int shell_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void require_executed(const UniqueFd &trouble, const std::string &program)
{
	int error;
	if (read(trouble.get(), &error, sizeof(error)) == sizeof(error))
		throw Failure(ExitCode::kUsage,
			      fmt::format("cannot execute '{}': {}; name a program behind '--', as "
					  "in: xenmm stat -- ls",
					  program, std::strerror(error)));
}

} // namespace

CommandEnd run_command(const std::vector<std::string> &command, unsigned interval_ms,
		       const std::function<void()> &begin, const std::function<void()> &tick)
{
	Pipe start, trouble;
	for (const UniqueFd *end :
	     {&start.read_end, &start.write_end, &trouble.read_end, &trouble.write_end})
		fcntl(end->get(), F_SETFD, FD_CLOEXEC);
	pid_t child = fork();
	if (child < 0)
		throw system_failure("fork");
	if (child == 0)
		become(command, start.read_end.get(), trouble.write_end.get());
	trouble.write_end = UniqueFd();
	UniqueFd process = open_process(child);
	SignalsPassed signals(child);
	begin();
	if (write(start.write_end.get(), "", 1) != 1)
		throw system_failure("starting the command");
	tick_until_end(process.get(), interval_ms, tick, false);

	int status = 0;
	rusage usage = {};
	while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
	}
	require_executed(trouble.read_end, command.front());
	return {shell_status(status), seconds(usage.ru_utime), seconds(usage.ru_stime)};
}

void wait_for_process(pid_t pid, unsigned interval_ms, const std::function<void()> &tick)
{
	UniqueFd process = open_process(pid);
	if (!process)
		throw Failure(ExitCode::kUsage,
			      fmt::format("process {}: {}", pid, std::strerror(errno)));
	SignalsPassed signals(0);
	tick_until_end(process.get(), interval_ms, tick, true);
}

} // namespace xenmm
