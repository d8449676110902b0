// SPDX-License-Identifier: GPL-2.0
// What happens around the operations, which are in life_operations.cpp. See life.hpp.
#include "life.hpp"

namespace xenmm::test
{

namespace
{

How usual_how(const Setting &setting)
{
	return setting.hows.size() == 1 ? setting.hows[0] : How{Method::kAuto, 0};
}

} // namespace

Life::Life(const Setting &setting, Choices &choices)
	: setting_(setting), pages_(setting.pages),
	  spans_((setting.pages + kTableEntries - 1) / kTableEntries), choices_(choices),
	  h_(usual_how(setting), pages_, choices.seed()), model_(h_)
{
	h_.xen.has_split_locks = below(2);
	h_.xen.remap_on_breathe = !below(4);
	h_.has_notifier = below(8);
	h_.xen.refuse_twins = !h_.has_notifier || !below(8);
	if (setting.prices)
		h_.xen.prices = *setting.prices;
	else if (below(2)) // the planner finds that whole tables pay
		h_.xen.prices.ticks[XENMM_COST_rebuild] = 1000;
}

unsigned Life::run(unsigned steps)
{
	unsigned done = 0;
	while (done < steps && !h_.is_dead() && !choices_.at_end() &&
	       !::testing::Test::HasFailure()) {
		SCOPED_TRACE("step " + std::to_string(done++) + " of a life");
		step();
		if (!h_.is_dead())
			compare();
	}
	if (!::testing::Test::HasFailure())
		end();
	return done;
}

void Life::compare()
{
	ASSERT_EQ(h_.problems(), "") << doing_;
	ASSERT_EQ(model_.difference(), "") << doing_;
	// FakeXen also sees entries that are emptied and filled again where it refused some.
	if (!setting_.with_refusals) {
		ASSERT_EQ(h_.counter_problems(), "") << doing_;
	}
}

void Life::step()
{
	doing_ = "nothing that is refused";
	switch (below(20)) {
	case 0:
		return h_.xen.remap_all();
	case 1:
		return refuse_a_move();
	case 2:
		return drop_a_table();
	case 3:
		return oust_twins();
	case 4:
		return below(8) ? refuse_a_move() : unmap_a_span();
	case 5:
		return look_at_all(0, pages_);
	case 6 ... 8:
		return touch_some();
	default:
		return operate();
	}
}

// munmap or exit: a dead arena gives back what was nowhere hooked, either way.
void Life::end()
{
	bool is_dead = h_.is_dead();
	if (is_dead) {
		uint64_t first = 0;
		while (is_in_hole(first))
			first += kTableEntries;
		EXPECT_TRUE(setting_.with_refusals);
		EXPECT_EQ(h_.run(Op::kMap, first, 1), Errno::kIo);
	}
	if (below(2) || !h_.has_notifier) {
		h_.mend();
	} else if (h_.is_pv()) {
		h_.retire(0, pages_);
		EXPECT_EQ(h_.mapped(), 0u);
	}
	h_.oust(0, pages_);
	EXPECT_EQ(h_.xen.badly_hooked(), "");
	EXPECT_EQ(h_.xen.tables_lost(), 0u);
	EXPECT_EQ(h_.xen.deaths(), is_dead);
	EXPECT_EQ(h_.xen.violations.text(), "");
}

// --- accesses

void Life::touch_some()
{
	constexpr uint32_t kWindows[] = {1, 1, 16, 512};
	uint32_t window = kWindows[below(4)];
	for (unsigned i = 0; i < 20; i++) {
		uint64_t number = below(pages_);
		bool write = below(2);
		if (!is_in_hole(number))
			touch(number, write, window);
	}
}

void Life::touch(uint64_t number, bool write, uint32_t window)
{
	ModelPage page = model_.page(number);
	uint64_t content = write ? ++last_content_ : 0;
	Errno expected = write && !page.writable ? Errno::kAccess : Errno::kOk;
	ASSERT_EQ(h_.touch(below(kCpus), number, write, &content, window), expected);
	if (expected != Errno::kOk)
		return;
	uint64_t first = number & ~uint64_t(window - 1);
	if (!page.mapped)
		model_.apply(Op::kPopulate,
			     {piece(first, std::min<uint64_t>(window, pages_ - first))}, ~0ULL);
	if (write)
		model_.write(number, content);
	ASSERT_EQ(content, model_.page(number).content) << "page " << number;
}

// Leaves everything as it is, but for the TLBs.
void Life::look_at(VirtAddr page)
{
	for (unsigned cpu = 0; cpu < kCpus; cpu++) {
		uint64_t content = 0;
		if (h_.xen.access(cpu, page, false, &content) == Access::kDone)
			h_.xen.access(cpu, page, true, &content);
	}
}

void Life::look_at_all(uint64_t first, uint64_t pages)
{
	for (uint64_t i = first; i < first + pages; i++)
		look_at(page_at(i));
}

// Another vCPU does so in the middle of what follows.
void Life::look_around()
{
	uint64_t first = below(pages_ - 64);
	h_.xen.hypervisor.before_entry = [this](VirtAddr page) { look_at(page); };
	h_.xen.hypervisor.before_step = [this, first] { look_at_all(first, 64); };
}

// --- what unmaps

// mremap asks the notifier, and is refused afterwards: entries are gone, twins too, and
// the arena goes on.
void Life::refuse_a_move()
{
	if (!h_.is_pv() || !h_.has_notifier)
		return;
	uint64_t first = below(2) ? below(spans_) * kTableEntries : below(pages_);
	uint64_t pages = std::min(below(2) ? kTableEntries : below(pages_) + 1, pages_ - first);
	Refusals refusals(h_, choices_);
	if (setting_.with_refusals && !below(3))
		refusals.begin();
	std::set<uint64_t> ousted = shown_by_twins(first, pages);
	h_.retire(first, pages);
	refusals.end();
	doing_ = "a move, refused: " + refusals.what();
	model_.lose(refusals.refused_pages());
	model_.lose(ousted);
	model_.retire(first, pages, refusals.happened());
}

// The tables of ours that are hooked in a range: the kernel's own come back empty.
std::set<uint64_t> Life::shown_by_twins(uint64_t first, uint64_t pages)
{
	std::set<uint64_t> shown;
	uint64_t begin = first / kTableEntries * kTableEntries;
	for (uint64_t i = begin; i < first + pages; i += kTableEntries)
		for (uint64_t k = 0; k < kTableEntries && h_.is_flipped(i); k++)
			if (i + k < pages_)
				shown.insert(i + k);
	return shown;
}

// munmap's effect without munmap. Without a notifier nobody knew.
void Life::drop_a_table()
{
	if (h_.is_pv() && !h_.has_notifier)
		return;
	uint64_t first = below(spans_) * kTableEntries;
	uint64_t pages = std::min<uint64_t>(kTableEntries, pages_ - first);
	h_.retire(first, pages);
	h_.xen.drop_table(page_at(first));
	model_.retire(first, pages, false);
}

// There is no way back into a hole, so a part of the arena is left.
void Life::unmap_a_span()
{
	uint64_t span = below(spans_);
	uint64_t first = span * kTableEntries;
	uint64_t pages = std::min<uint64_t>(kTableEntries, pages_ - first);
	if (!h_.is_pv() || holes_.size() + 2 > spans_ || !holes_.insert(span).second)
		return;
	h_.unmap(first, pages);
	model_.retire(first, pages, false);
}

// Another move, while somebody has the arena lock.
void Life::oust_twins()
{
	uint64_t first = below(spans_) * kTableEntries;
	uint64_t pages = std::min((below(2) ? 1 : spans_) * kTableEntries, pages_ - first);
	std::set<uint64_t> ousted = shown_by_twins(first, pages);
	h_.oust(first, pages);
	model_.lose(ousted);
}

} // namespace xenmm::test
