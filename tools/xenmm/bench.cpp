// SPDX-License-Identifier: GPL-2.0
// `xenmm bench`: what page-table work costs here, by every method there is, beside
// what the kernel's own work on ordinary memory costs.
// All or nothing: one wrong outcome, and there are no results.
#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "error.hpp"
#include "legs.hpp"
#include "manners.hpp"
#include "options.hpp"
#include "output.hpp"
#include "plan.hpp"
#include "progress.hpp"
#include "results_table.hpp"
#include "results.hpp"
#include "steady.hpp"
#include "table.hpp"
#include "workload.hpp"

namespace xenmm
{

namespace
{

struct Options {
	Wishes wishes;
	Repeats repeats = {5, 1};
	std::string json_file;
	Output output;
	std::string unit = "auto";
	std::string guest;
	std::string vmm; // where to ask the hypervisor; empty: do not
};

// Null where only stock workloads are asked for and there is no module.
std::optional<Device> open_device(const Options &options)
{
	if (!needs_arena(options.wishes.workloads))
		return Device::try_open();
	try {
		return Device::open();
	} catch (const Failure &failure) {
		throw Failure(failure.code(), fmt::format("{}, or measure ordinary memory alone "
							  "with --workload stock",
							  failure.what()));
	}
}

// A Xen guest's clock must not go back, so that it stands where its CPUs disagree: under
// emulation for milliseconds.
void require_time_passed(const Measurement &measured)
{
	if (measured.per_page.median <= 0)
		throw Failure(ExitCode::kFailed, "the clock stood still: measure more --pages, or "
						 "by the CPU's own counter with --unit cycles");
}

Result run_job(const Job &job, const Clock &clock, Counting counting, Repeats repeats)
{
	try {
		std::unique_ptr<Workload> workload = make_workload(job);
		Measurement measured = measure(*workload, clock, counting, repeats, job.touched());
		std::optional<WalkFacts> walk = workload->walk_facts();
		if (walk)
			require_time_passed(measured);
		return {job, repeats.runs, measured, walk};
	} catch (const Failure &failure) {
		throw Failure(failure.code(), job.describe() + ": " + failure.what());
	}
}

void add_leg(std::optional<Result> &result, Result leg)
{
	if (result) {
		append(result->measured, std::move(leg.measured));
		result->runs += leg.runs;
	} else {
		result = std::move(leg);
	}
}

std::vector<Result> run_all(const std::vector<Job> &jobs, const Clock &clock, Counting counting,
			    Repeats repeats)
{
	std::vector<Leg> legs = make_legs(jobs, repeats);
	std::vector<std::optional<Result>> found(jobs.size());
	Progress progress(legs.size());
	for (const Leg &leg : legs) {
		progress.next(jobs[leg.job].describe());
		add_leg(found[leg.job], run_job(jobs[leg.job], clock, counting, leg.repeats));
	}
	std::vector<Result> results;
	results.reserve(found.size());
	for (const std::optional<Result> &one : found)
		results.push_back(*one);
	return results;
}

// Asked before minutes of measuring, not after. Leaves no trace: an older file keeps
// its content, a new one is made only for results.
void require_writable(const std::string &path)
{
	UniqueFd fresh(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
	if (fresh) {
		unlink(path.c_str());
		return;
	}
	UniqueFd old(open(path.c_str(), O_WRONLY | O_CLOEXEC));
	if (!old)
		throw system_failure(path);
}

Setting find_setting(const Options &options, Unit unit, const xenmm_info *info)
{
	Guest guest = detect_guest(options.guest, info);
	if (!guest.note.empty())
		note(fmt::format(
			"guest kind {} is assumed: {}; name it with --guest or XENMM_GUEST",
			guest.kind, guest.note));
	return {guest.kind, unit, detect_environment(info)};
}

std::string text_of(const std::string &format, const Setting &setting,
		    const std::vector<Result> &results, const std::string &json)
{
	if (format == "csv")
		return results_csv(setting, results);
	return format == "json" ? json : results_table(setting, results);
}

void publish_all(const Options &options, const Setting &setting, const std::vector<Result> &results)
{
	std::string json = json_text(results_json(setting, results));
	if (!options.json_file.empty())
		write_file(options.json_file, json);
	publish(options.output, text_of(options.output.format, setting, results, json));
}

// What the hypervisor counts while nothing is done is part of its every count.
Wishes with_empty(const Options &options)
{
	Wishes wishes = options.wishes;
	if (!options.vmm.empty())
		wishes.workloads.emplace_back(kEmpty);
	return wishes;
}

void bench(const Options &options)
{
	restart_without_aslr();
	std::optional<Device> device = open_device(options);
	const xenmm_info *info = device ? &device->info() : nullptr;
	Unit unit = choose_unit(options.unit);
	require_time(options.wishes.workloads, unit);
	std::vector<Job> jobs = make_plan(with_empty(options), info);
	if (!options.json_file.empty())
		require_writable(options.json_file);
	std::unique_ptr<Vmm> vmm = options.vmm.empty() ? nullptr : connect_vmm(options.vmm);

	Setting setting = find_setting(options, unit, info); // counts CPUs, so before pinning
	setting.environment.pinned_cpu = settle_process();
	Clock clock(setting.unit);
	publish_all(
		options, setting,
		run_all(jobs, clock, {device ? &*device : nullptr, vmm.get()}, options.repeats));
}

constexpr const char *kExamples = R"(
Workloads on ordinary memory (group 'stock', no module needed; no choice of method):
  touch         first write to each page
  populate      mmap with MAP_POPULATE
  mprotect      read-write to read-only        mprotect-rw   and back
  fork          the parent, until fork returns
  cow           then the parent's first write to each page, while the child lives
  munmap
  mremap        of all pages, to where each entry has to be moved
  file-fault    first read of each page of a file in the page cache (as lmbench's
                lat_pagefault); the kernel maps 16 pages by one fault
  exec          fork, exec and end of a small static program (as lmbench's lat_proc exec):
                16 a run, whatever --pages says; a figure is per process
  page-fault1   mmap, write to each page, munmap (as will-it-scale's page_fault1)
  page-fault2   the same in a private mapping of a file
  page-fault3   ... and in a shared one; all three on --pages and not on 128 MiB
  chunks        the same in pieces of 1 MiB (as in PVM's paper, SOSP 2023)
Workloads on an arena (group 'arena'; each is one ioctl on all pages):
  arena-touch         first write to each page, by demand faults (no choice of method)
  arena-map           empty to present         arena-unmap       and back
  arena-unmap-ro      the same for pages that may only be read
  arena-protect       read-only to read-write  arena-protect-ro  and back
  arena-protect-first read-write to read-only on fresh pages: no twin table is ready
  arena-populate      allocate, zero and map   arena-discard     unmap and free
  arena-munmap        munmap of all, pages are freed (no choice of method)
  arena-exit          a process with an arena ends, until waitpid returns (the same)
What the pages hold, and whether they may be written, is checked after each run.
With --ask the hypervisor's own counts of one more run are in the JSON (key 'hypervisor'),
those of an empty run first (workload 'empty'): what asking and interrupts add to each.
The method flip is for changes of protection, and left out elsewhere.

Page walks (group 'walk', not in 'all'): pointers chased from page to page, by time per access
  walk-near     13 pages, again and again: no TLB misses
  walk-4k       all of --pages in a random order, no huge pages
  walk-2m       the same order and places in huge pages; left out where there are none
walk-4k less walk-2m is the translation, when --pages is far above what the TLB holds: try
65536. In the lab take --unit cycles: the clock of a Xen guest stands and jumps there, and
its TSC, the host's, does not. The table references of one walk are counted from the tables; the
VMM's page size (4k, 2m, 1g) has to be told by XENMM_LAB_VMM_PAGE, its levels by
XENMM_LAB_VMM_LEVELS where they are 5.

Write tracking (group 'track', not in 'all'): every 100th page is written; by each of four ways
  track-arm-WAY      from now on first writes are noted, all pages writable before
  track-write-WAY    those writes
  track-collect-WAY  the written pages are told, and armed again
  WAY: arena (XENMM_IOC_TRACK), mprotect (and a SIGSEGV a page), uffd (userfaultfd's write
       protection, and a SIGBUS a page), softdirty (the kernel's bits, of the whole process)
Figures are per page of the memory, not per page written.

The fork hint (group 'hint', not in 'all'): fork without its traps, in a PV guest
  hint          the hint alone, as libxenmm-fork.so gives it
  fork-hinted   the hint and the fork, beside 'fork'

A driver maps pages of its own (group 'driver', not in 'all'): with xenmm_sample.ko loaded
  driver-map-WAY, driver-unmap-WAY
  WAY: xenmm (what xenmm.ko exports), kernel (the loop of privcmd; what munmap does)

With --density the work is on so many pages of each table of 512, evenly spread, in one
ioctl with an array of ranges; --pages is then the address space, all of it mapped, and
figures are per page worked on. From which density on a rebuilt table is cheaper:
  xenmm bench --workload arena-protect --density 1,2,4,8,16,32,64,128,256,512 \
              --method batch,rebuild,auto --batch 512 --rebuild-from 1

Examples:
  xenmm bench                            everything, as a table
  xenmm bench --workload stock --runs 9  without the module
  xenmm bench --workload arena-protect,arena-map --method trap,batch --batch 1,31,512
  xenmm bench --json bench.json          a table for you, a file for the comparison
  xenmm bench --format json | jq '.results[] | {workload, method, per_page}')";

void add_what(CLI::App &command, Wishes &wishes)
{
	command.add_option("--workload", wishes.workloads,
			   "Workloads or groups, see below; default: all, without walk, "
			   "track, hint and driver")
		->delimiter(',')
		->check(CLI::IsMember(workload_words()).description(""))
		->type_name("NAME,...");
	command.add_option("--method", wishes.methods,
			   "How entries are changed; default: all that this guest offers")
		->delimiter(',')
		->check(CLI::IsMember(all_method_names()))
		->type_name("NAME,...");
	command.add_option("--batch", wishes.batches,
			   "Updates per hypercall with the method batch; default: 1,8,31,512,2048")
		->delimiter(',')
		->check(CLI::Range(1U, unsigned{XENMM_MAX_BATCH}))
		->type_name("N,...");
	command.add_option("--rebuild-from", wishes.thresholds,
			   "Least pages asked for in a table that the method rebuild takes; "
			   "default: 0, whole tables")
		->delimiter(',')
		->check(CLI::Range(0U, unsigned{XENMM_SPAN_PAGES}))
		->type_name("N,...");
	command.add_option("--density", wishes.densities,
			   "Work on N pages of each table of 512, not on all; see below")
		->delimiter(',')
		->check(CLI::Range(1U, unsigned{XENMM_SPAN_PAGES}))
		->type_name("N,...");
	command.add_option("--pages", wishes.pages, "Pages of 4 KiB to work on; default: 4096")
		->delimiter(',')
		->check(CLI::Range(uint64_t{1}, kMaxPages))
		->type_name("N,...");
}

void add_how(CLI::App &command, Options &options)
{
	command.add_option("--runs", options.repeats.runs, "Measured runs of each; default: 5")
		->check(CLI::Range(1U, kMaxRuns))
		->type_name("N");
	command.add_option("--warmup", options.repeats.warmup,
			   "Runs before those, not counted; default: 1")
		->check(CLI::Range(0U, kMaxRuns))
		->type_name("N");
	command.add_option("--unit", options.unit,
			   "instructions need QEMU's -icount; default: those if possible, else ns")
		->check(CLI::IsMember({"auto", "instructions", "ns", "cycles"}))
		->type_name("UNIT");
	add_guest_option(command, options.guest);
	add_vmm_option(command, options.vmm);
}

void add_output(CLI::App &command, Options &options)
{
	command.add_option("--json", options.json_file, "Write the results to this file, too")
		->type_name("FILE");
	add_output_options(command, options.output, {"table", "json", "csv"});
}

} // namespace

void add_bench(CLI::App &app, Action &action)
{
	auto options = std::make_shared<Options>();
	CLI::App *command = app.add_subcommand("bench", "Measure page-table work");
	add_what(*command, options->wishes);
	add_how(*command, *options);
	add_output(*command, *options);
	command->footer(kExamples);
	command->callback([options, &action] { action = [options] { bench(*options); }; });
}

} // namespace xenmm
