// SPDX-License-Identifier: GPL-2.0
// See fake_player.hpp; kunit/player.c does the same with Xen.
#include "fake_player.hpp"

#include <assert.h>

#include <algorithm>

namespace xenmm::test
{

namespace
{

constexpr uint64_t kFirstSpan = 0x40000000; // the first of an L2 table
constexpr uint64_t kNoHypercall = 63;

VirtAddr span(unsigned i)
{
	return {kFirstSpan + i * kSpanBytes};
}

Steps steps_of(const std::vector<xenmm_row> &group)
{
	Steps steps;
	for (const xenmm_row &row : group)
		steps.push_back(row.step);
	return steps;
}

// Steps from `begin` on that are one mmu_update, or 1.
size_t length_of_call(const std::vector<xenmm_row> &group, size_t begin)
{
	size_t end = begin + 1;
	while (end < group.size() && group[end].step.link == XENMM_LINK_UPDATE)
		end++;
	return end - begin;
}

} // namespace

FakePlayer::FakePlayer()
{
	for (unsigned i = 0; i < XENMM_NR_PAGES; i++)
		pfns_[page(i)] = memory_.take(Kind::kRam).number;
	for (unsigned i = 0; i < XENMM_NR_TABLES; i++)
		pfns_[table(i)] = memory_.make_table(span(i), true).number;
	pfns_[XENMM_L2] = memory_.upper(span(0))->pfn.number;
	for (unsigned symbol = XENMM_PAGE; symbol <= XENMM_L2; symbol++)
		mfns_[symbol] = memory_.mfn_of({pfns_[symbol]}).number;
	mfns_[XENMM_FOREIGN] = kFirstOtherMfn + 7;
	mfns_[XENMM_XENS] = kFirstOtherMfn;
	mfns_[XENMM_IO] = 0xfee00;
	mfns_[XENMM_BEYOND] = 0x7fffffff;
	mfns_[XENMM_ALL_ONES] = Pte::kFrameMask >> kPageShift;
}

std::vector<xenmm_row> FakePlayer::play(const Steps &steps)
{
	std::vector<xenmm_row> rows;
	for (size_t begin = 0; begin < steps.size();) {
		Group group;
		do
			group.push_back({steps[begin++], {}});
		while (begin < steps.size() && steps[begin].link != XENMM_LINK_NONE);
		play_group(group);
		rows.insert(rows.end(), group.begin(), group.end());
	}
	return rows;
}

void FakePlayer::play_group(Group &group)
{
	assert(group.size() <= XENMM_MAX_GROUP);
	if (length_of_call(group, 0) == group.size())
		call_alone(group);
	else
		call_multi(group);
	for (xenmm_row &row : group)
		row.answer = {row.answer.result, row.answer.done, entry_of(row.step),
			      xenmm_digest(watched().data())};
}

void FakePlayer::call_alone(Group &group)
{
	uint32_t done = 0;
	int result;
	if (group[0].step.act == XENMM_ACT_UPDATE) {
		std::vector<xen::Update> updates;
		for (const xenmm_row &row : group)
			updates.push_back(update_of(row.step));
		result = xen_.mmu_update(updates.data(), updates.size(), &done);
	} else {
		result = call_one(group[0].step);
	}
	for (xenmm_row &row : group)
		row.answer = {result, done, 0, 0};
}

int FakePlayer::call_one(const xenmm_step &step)
{
	if (step.act == XENMM_ACT_STORE)
		return store(step);
	forget_arguments();
	xen::Call call = call_for(&step, 1);
	if (step.act == XENMM_ACT_VA_MAPPING)
		return xen_.update_va_mapping({call.args[0]}, call.args[1]);
	(void)xen_.multicall(&call, 1);
	return xen::result_of(call);
}

// A table that Xen does not watch over is what its mapping says: writable, or a fault.
int FakePlayer::store(const xenmm_step &step)
{
	Frame &frame = table_frame(step.target);
	uint64_t *entry = &memory_.guest_view(frame)[step.slot];
	if (!frame.alias_writable)
		return xen_.emulate_store(entry, value_of(step));
	*entry = value_of(step);
	return 0;
}

void FakePlayer::forget_arguments()
{
	updates_.clear();
	ops_.clear();
	done_.clear();
	// Calls point to them.
	updates_.reserve(XENMM_MAX_GROUP);
	ops_.reserve(XENMM_MAX_GROUP);
	done_.reserve(XENMM_MAX_GROUP);
}

void FakePlayer::call_multi(Group &group)
{
	std::vector<xen::Call> calls;
	std::vector<size_t> call_of;
	Steps steps = steps_of(group);
	forget_arguments();
	for (size_t begin = 0, count; begin < group.size(); begin += count) {
		count = length_of_call(group, begin);
		call_of.insert(call_of.end(), count, calls.size());
		calls.push_back(call_for(&steps[begin], count));
	}
	(void)xen_.multicall(calls.data(), calls.size());
	for (size_t i = 0; i < group.size(); i++)
		group[i].answer = {xen::result_of(calls[call_of[i]]), done_[call_of[i]], 0, 0};
}

// Of a step, or of `count` updates. The arguments stay until they are forgotten.
xen::Call FakePlayer::call_for(const xenmm_step *step, size_t count)
{
	done_.push_back(0);
	switch (step->act) {
	case XENMM_ACT_UPDATE: {
		size_t first = updates_.size();
		for (size_t i = 0; i < count; i++)
			updates_.push_back(update_of(step[i]));
		return xen::mmu_update_call(&updates_[first], count, &done_.back());
	}
	case XENMM_ACT_VA_MAPPING:
		return xen::va_mapping_call(address_of(*step).bytes, value_of(*step), UVMF_NONE);
	case XENMM_ACT_ALIAS_RO:
	case XENMM_ACT_ALIAS_RW:
		return xen::va_mapping_call(alias_of(step->target), value_of(*step),
					    UVMF_INVLPG | UVMF_LOCAL);
	case XENMM_ACT_PIN:
	case XENMM_ACT_UNPIN:
	case XENMM_ACT_FLUSH:
		ops_.push_back(op_of(*step));
		return xen::extended_call(&ops_.back());
	}
	return {.op = kNoHypercall, .result = 0, .args = {}};
}

xen::ExtendedOp FakePlayer::op_of(const xenmm_step &step) const
{
	if (step.act == XENMM_ACT_FLUSH)
		return xen::flush_all_op();
	xen::ExtendedOp op = {};
	op.cmd = step.act == XENMM_ACT_PIN ? MMUEXT_PIN_L1_TABLE : MMUEXT_UNPIN_TABLE;
	op.arg1.mfn = mfns_[step.target];
	return op;
}

xen::Update FakePlayer::update_of(const xenmm_step &step)
{
	return {(mfns_[step.target] << kPageShift) + step.slot * sizeof(uint64_t) + step.command,
		value_of(step)};
}

uint64_t FakePlayer::value_of(const xenmm_step &step) const
{
	uint64_t alias = (mfns_[step.target] << kPageShift) | Pte::kPresent;
	if (step.act == XENMM_ACT_ALIAS_RO)
		return alias;
	if (step.act == XENMM_ACT_ALIAS_RW)
		return alias | Pte::kWritable;
	return (mfns_[step.frame] << kPageShift) | step.flags;
}

VirtAddr FakePlayer::address_of(const xenmm_step &step) const
{
	return span(step.target).page(step.slot);
}

uint64_t FakePlayer::alias_of(unsigned symbol) const
{
	return kAliasBase + (pfns_[symbol] << kPageShift);
}

unsigned FakePlayer::symbol_of(uint64_t mfn) const
{
	for (unsigned symbol = 0; symbol < XENMM_NR_SYMBOLS; symbol++)
		if (mfns_[symbol] == mfn)
			return symbol;
	return XENMM_UNKNOWN;
}

xenmm_u64 FakePlayer::named(uint64_t entry) const
{
	return xenmm_symbolic(entry, symbol_of(Pte(entry).frame().number));
}

xenmm_u64 FakePlayer::hooked_in(unsigned i)
{
	auto pfn = memory_.upper(span(0))->hooked[i];
	if (!pfn)
		return 0;
	return named((memory_.mfn_of({*pfn}).number << kPageShift) | XENMM_HOOK_FLAGS);
}

xenmm_u64 FakePlayer::entry_of(const xenmm_step &step)
{
	if (step.act != XENMM_ACT_UPDATE && step.act != XENMM_ACT_STORE)
		return 0;
	if (step.target == XENMM_L2)
		return hooked_in(step.slot);
	bool is_table = step.target >= XENMM_TABLE && step.target < XENMM_L2;
	return is_table ? named(memory_.entries(table_frame(step.target))[step.slot]) : 0;
}

Watched FakePlayer::watched()
{
	Watched watched = {};
	xenmm_u64 *next = watched.data();
	for (unsigned i = 0; i < XENMM_NR_TABLES; i++)
		for (unsigned slot : kSlots)
			*next++ = named(memory_.entries(table_frame(table(i)))[slot]);
	for (unsigned i = 0; i < XENMM_NR_SPANS; i++)
		*next++ = hooked_in(i);
	return watched;
}

// Entries that are not watched would be compared with nothing.
bool FakePlayer::is_tidy()
{
	size_t filled = 0, seen = 0;
	for (unsigned i = 0; i < XENMM_NR_TABLES; i++) {
		const uint64_t *entries = memory_.entries(table_frame(table(i)));
		filled += std::count_if(entries, entries + kTableEntries,
					[](uint64_t entry) { return entry; });
		for (unsigned slot : kSlots)
			seen += entries[slot] != 0;
	}
	return filled == seen;
}

std::string FakePlayer::trouble()
{
	if (xen_.is_crashed())
		return "the domain was crashed";
	return is_tidy() ? "" : "an entry that is not watched was written";
}

} // namespace xenmm::test
