// SPDX-License-Identifier: GPL-2.0
// What it costs to know which pages were written: one page in a hundred is. Each way has
// its three measured steps, a workload each:
//
//	track-arm-WAY      writes are noted from now on, all pages writable before
//	track-write-WAY    the first writes, which fault
//	track-collect-WAY  the written pages are told and armed again
//
// Figures are per page of the memory, not per page written.
#include "workload.hpp"

#include <fmt/format.h>

#include "error.hpp"
#include "write_tracker.hpp"

namespace xenmm
{

namespace
{

constexpr uint64_t kOneIn = 100;

enum class Step { kArm, kWrite, kCollect };

class TrackWorkload final : public Workload
{
public:
	TrackWorkload(const WriteTrackerKind &kind, Step step, uint64_t pages)
		: tracker_(kind.make(pages)), step_(step)
	{
		for (uint64_t page = 0; page < pages; page += kOneIn)
			wanted_.push_back(page);
		written_.reserve(pages);
	}

	void prepare() override
	{
		tracker_->disarm();
		if (step_ != Step::kArm)
			arm();
		if (step_ == Step::kCollect)
			write();
		written_.clear();
	}
	void run() override
	{
		switch (step_) {
		case Step::kArm:
			return tracker_->arm();
		case Step::kWrite:
			return write();
		case Step::kCollect:
			return tracker_->collect(written_);
		}
	}
	void finish() override
	{
		tracker_->require_armed();
		if (step_ == Step::kArm)
			write();
		if (step_ != Step::kCollect)
			tracker_->collect(written_);
		require_told(wanted_);
		tracker_->word(1) = 1; // armed again
		written_.clear();
		tracker_->collect(written_);
		require_told({1});
	}

private:
	void arm()
	{
		tracker_->arm();
		tracker_->require_armed();
	}
	void write() const
	{
		for (uint64_t page : wanted_)
			tracker_->word(page) = page;
	}
	void require_told(const PageNumbers &wanted) const
	{
		if (written_ != wanted)
			throw Failure(ExitCode::kFailed,
				      fmt::format("wrong outcome: {} written pages were told, {} "
						  "pages were written",
						  written_.size(), wanted.size()));
	}

	std::unique_ptr<WriteTracker> tracker_;
	Step step_;
	PageNumbers wanted_;
	PageNumbers written_;
};

} // namespace

void add_track_workloads(WorkloadKinds &kinds)
{
	static constexpr struct {
		const char *name;
		Step step;
	} kSteps[] = {{"arm", Step::kArm}, {"write", Step::kWrite}, {"collect", Step::kCollect}};

	for (const WriteTrackerKind &tracker : kWriteTrackers)
		for (const auto &step : kSteps) {
			WorkloadKind kind = {fmt::format("track-{}-{}", step.name, tracker.name),
					     [&tracker, step](const Job &job) {
						     return std::make_unique<TrackWorkload>(
							     tracker, step.step, job.pages);
					     }};
			kind.group = kTrackGroup;
			kind.in_all = false;
			kinds.push_back(std::move(kind));
		}
}

} // namespace xenmm
