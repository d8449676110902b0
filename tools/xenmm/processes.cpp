// SPDX-License-Identifier: GPL-2.0
// `xenmm processes`: what the page tables of many processes cost, in the guest and in the
// hypervisor. Each process touches pages that lie 2 MiB apart, so that each page needs
// a page table (L1) of its own: many tables for little memory.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "commands.hpp"
#include "error.hpp"
#include "files.hpp"
#include "options.hpp"
#include "page.hpp"
#include "pipe.hpp"
#include "results.hpp"
#include "table.hpp"
#include "vmm.hpp"

namespace xenmm
{

namespace
{

using Json = nlohmann::ordered_json;

constexpr uint64_t kTableBytes = XENMM_SPAN_PAGES * kPageBytes;

struct Options {
	std::vector<unsigned> counts = {1, 8, 32, 128};
	uint64_t tables = 64;
	std::string vmm;
	std::string guest;
	std::string json_file;
};

// With so many processes alive.
struct Reading {
	unsigned processes;
	uint64_t guest_kib; // PageTables of /proc/meminfo
	std::optional<Numbers> hypervisor;
};

// The kernel adds up its CPUs' shares now and then, or when this file is read (by root).
uint64_t page_tables_kib()
{
	(void)read_text("/proc/sys/vm/stat_refresh");
	return meminfo_kib("PageTables").value_or(0);
}

// Touches, says that it has, and lives until the parent closes its pipe.
[[noreturn]] void live(uint64_t tables, Pipe &to_child, Pipe &to_parent)
{
	to_child.write_end = UniqueFd();
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	uint64_t bytes = tables * kTableBytes;
	void *base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char ready = base == MAP_FAILED ? 'n' : 'y';
	for (uint64_t at = 0; ready == 'y' && at < bytes; at += kTableBytes)
		static_cast<volatile char *>(base)[at] = 1;
	char nothing;
	bool told = write(to_parent.write_end.get(), &ready, 1) == 1;
	_exit(told && read(to_child.read_end.get(), &nothing, 1) == 0 ? 0 : 1);
}

// A crowd grows and leaves as a whole.
class Crowd
{
public:
	explicit Crowd(uint64_t tables) : tables_(tables) {}
	~Crowd()
	{
		to_child_.write_end = UniqueFd();
		for (pid_t member : members_)
			waitpid(member, nullptr, 0);
	}
	void grow_to(unsigned count)
	{
		while (members_.size() < count)
			add();
	}

private:
	void add()
	{
		pid_t member = fork();
		if (member < 0)
			throw system_failure("fork");
		if (member == 0)
			live(tables_, to_child_, to_parent_);
		members_.push_back(member);
		char ready = 'n';
		if (read(to_parent_.read_end.get(), &ready, 1) != 1 || ready != 'y')
			throw Failure(ExitCode::kFailed,
				      fmt::format("process {} found no memory", members_.size()));
	}

	uint64_t tables_;
	Pipe to_child_;
	Pipe to_parent_;
	std::vector<pid_t> members_;
};

std::vector<Reading> take_readings(const Options &options, Vmm *vmm)
{
	std::vector<Reading> readings;
	Crowd crowd(options.tables);
	for (unsigned count : options.counts) {
		crowd.grow_to(count);
		Reading reading = {count, page_tables_kib(), std::nullopt};
		if (vmm)
			reading.hypervisor = vmm->request("memory");
		readings.push_back(std::move(reading));
	}
	return readings;
}

Json readings_json(const Options &options, const std::vector<Reading> &readings)
{
	Json list = Json::array();
	Json environment = environment_json(detect_environment(nullptr));
	for (const Reading &reading : readings) {
		const auto &hypervisor = reading.hypervisor;
		list.push_back({{"guest", detect_guest(options.guest, nullptr).kind},
				{"processes", reading.processes},
				{"tables", options.tables},
				{"guest_page_tables_kib", reading.guest_kib},
				{"hypervisor", hypervisor ? numbers_json(*hypervisor) : Json()},
				{"environment", environment}});
	}
	Json json = json_heading();
	json["memory"] = std::move(list);
	return json;
}

std::string readings_table(const std::vector<Reading> &readings)
{
	std::vector<Column> columns = {{"processes", Align::kRight}, {"guest", Align::kRight}};
	if (readings.front().hypervisor)
		for (const NamedNumber &number : *readings.front().hypervisor)
			columns.push_back({number.name, Align::kRight});
	Table table(columns);
	for (const Reading &reading : readings) {
		std::vector<std::string> cells = {grouped(reading.processes),
						  grouped(reading.guest_kib)};
		if (reading.hypervisor)
			for (const NamedNumber &number : *reading.hypervisor)
				cells.push_back(grouped(number.value));
		cells.resize(columns.size());
		table.row(std::move(cells));
	}
	return table.text() + "KiB; guest: page tables of the guest's own\n";
}

void processes(Options &options)
{
	std::sort(options.counts.begin(), options.counts.end());
	std::unique_ptr<Vmm> vmm = options.vmm.empty() ? nullptr : connect_vmm(options.vmm);
	std::vector<Reading> readings = take_readings(options, vmm.get());
	if (!options.json_file.empty())
		write_file(options.json_file, json_text(readings_json(options, readings)));
	write_stdout(readings_table(readings));
}

constexpr const char *kExamples = R"(
Where a hypervisor shadows page tables its memory grows with the guest's processes; where
it nests them, or the guest's own are used (PV), it does not. What the hypervisor spends
is known to itself alone: with --ask it is asked.

Examples:
  xenmm processes                          what the guest's own tables take
  xenmm processes --ask xenstore           and the hypervisor, in a guest of Xen
  xenmm processes --count 1,256 --tables 16 --json processes.json)";

} // namespace

void add_processes(CLI::App &app, Action &action)
{
	auto options = std::make_shared<Options>();
	CLI::App *command = app.add_subcommand(
		"processes", "Memory for page tables, by the number of processes");
	command->add_option("--count", options->counts, "How many processes; default: 1,8,32,128")
		->delimiter(',')
		->check(CLI::Range(1U, 4096U))
		->type_name("N,...");
	command->add_option("--tables", options->tables,
			    "Page tables of each process, one page in each; default: 64")
		->check(CLI::Range(1U, 65536U))
		->type_name("N");
	add_guest_option(*command, options->guest);
	add_vmm_option(*command, options->vmm);
	command->add_option("--json", options->json_file, "Write the readings to this file, too")
		->type_name("FILE");
	command->footer(kExamples);
	command->callback([options, &action] { action = [options] { processes(*options); }; });
}

} // namespace xenmm
