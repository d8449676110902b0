// SPDX-License-Identifier: GPL-2.0
// Two ways of asking. Nothing is started and no memory touched for the first time between
// the answer to "reset" and that to "counts": the guest's own doings would be counted, too.
// That is why xenstore is read again and again, not watched: its library would make a thread.
#include "vmm.hpp"

#include <chrono>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>

#include "error.hpp"
#include "files.hpp"
#include "unique_fd.hpp"

extern "C" {
#include <xenstore.h> // knows nothing of C++
}

namespace xenmm
{

namespace
{

constexpr int kPatienceMs = 30000;
constexpr int kPauseMs = 20;

Failure no_answer(const std::string &from, const std::string &what)
{
	return Failure(ExitCode::kFailed,
		       fmt::format("no answer to '{}' from {} after {} s: is there a script that "
				   "answers, as selftests/vmm-answers does?",
				   what, from, kPatienceMs / 1000));
}

NamedNumber parse_line(const std::string &line)
{
	size_t blank = line.find(' ');
	auto value = parse_number(std::string_view(line).substr(0, blank));
	if (!value || blank == std::string::npos)
		throw Failure(ExitCode::kFailed,
			      "the hypervisor's answer is not 'NUMBER NAME': " + line);
	return {line.substr(blank + 1), *value};
}

bool becomes_readable(int fd)
{
	pollfd waiting = {fd, POLLIN, 0};
	return poll(&waiting, 1, kPatienceMs) > 0;
}

// The ask key's value is "SERIAL REQUEST"; the answer's first line is the serial.
class XenstoreVmm final : public Vmm
{
public:
	XenstoreVmm() : store_(xs_open(0))
	{
		if (!store_)
			throw Failure(ExitCode::kMissing,
				      fmt::format("cannot reach xenstore: {}; is this a guest of "
						  "Xen, and are you root?",
						  std::strerror(errno)));
	}

private:
	static constexpr const char *kAsk = "data/xenmm/ask";
	static constexpr const char *kAnswer = "data/xenmm/answer";
	struct Close {
		void operator()(xs_handle *store) const { xs_close(store); }
	};

	std::string ask(const std::string &what) override
	{
		serial_++;
		std::string text = fmt::format("{} {}", serial_, what);
		if (!xs_write(store_.get(), XBT_NULL, kAsk, text.data(),
			      static_cast<unsigned>(text.size())))
			throw system_failure("cannot write to xenstore");
		for (int waited = 0; waited < kPatienceMs; waited += kPauseMs) {
			if (auto answer = read_answer())
				return *answer;
			usleep(kPauseMs * 1000);
		}
		throw no_answer("dom0", what);
	}
	// Nothing as long as it is the one before.
	std::optional<std::string> read_answer()
	{
		unsigned length = 0;
		std::unique_ptr<void, decltype(&free)> value(
			xs_read(store_.get(), XBT_NULL, kAnswer, &length), free);
		std::string text(static_cast<char *>(value.get()), value ? length : 0);
		std::string serial = std::to_string(serial_);
		size_t end = text.find('\n');
		if (text.substr(0, end) != serial)
			return std::nullopt;
		return end == std::string::npos ? "" : text.substr(end + 1);
	}

	std::unique_ptr<xs_handle, Close> store_;
	// Greater than those of any run before.
	int64_t serial_ = std::chrono::system_clock::now().time_since_epoch().count();
};

class DeviceVmm final : public Vmm
{
public:
	explicit DeviceVmm(const std::string &path)
		: path_(path), fd_(open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC))
	{
		if (!fd_)
			throw system_failure(path);
	}

private:
	std::string ask(const std::string &what) override
	{
		std::string line = what + "\n";
		if (write(fd_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
			throw system_failure(path_);
		std::string answer;
		while (!is_whole(answer))
			answer += read_some(what);
		return answer;
	}
	static bool is_whole(const std::string &answer)
	{
		return answer == "\n" || answer.ends_with("\n\n");
	}
	std::string read_some(const std::string &what)
	{
		char buffer[4096];
		if (!becomes_readable(fd_.get()))
			throw no_answer(path_, what);
		ssize_t length = read(fd_.get(), buffer, sizeof(buffer));
		if (length <= 0)
			throw Failure(ExitCode::kFailed, path_ + ": nobody is at the other end");
		return {buffer, static_cast<size_t>(length)};
	}

	std::string path_;
	UniqueFd fd_;
};

} // namespace

Numbers Vmm::request(const std::string &what)
{
	std::string answer = ask(what);
	if (answer.starts_with("error "))
		throw Failure(ExitCode::kFailed,
			      fmt::format("the hypervisor's side cannot tell '{}': {}", what,
					  split_lines(answer).front().substr(6)));
	Numbers numbers;
	for (const std::string &line : split_lines(answer))
		numbers.push_back(parse_line(line));
	return numbers;
}

std::unique_ptr<Vmm> connect_vmm(const std::string &address)
{
	if (address == "xenstore")
		return std::make_unique<XenstoreVmm>();
	return std::make_unique<DeviceVmm>(address);
}

} // namespace xenmm
