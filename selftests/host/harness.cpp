// SPDX-License-Identifier: GPL-2.0
// See harness.hpp.
#include "harness.hpp"

#include <optional>

#include "history.hpp"

namespace xenmm::test
{

// The arena's state is private to it; an explicit instantiation may name it.
ArenaState<FakeBackend> &state_of(Arena<FakeBackend> &arena);
template <ArenaState<FakeBackend> Arena<FakeBackend>::*Member>
struct Opener {
	friend ArenaState<FakeBackend> &state_of(Arena<FakeBackend> &arena)
	{
		return arena.*Member;
	}
};
template struct Opener<&Arena<FakeBackend>::state_>;

namespace
{

xenmm_action action_of(Op op)
{
	switch (op) {
	case Op::kPopulate:
		return XENMM_POPULATE;
	case Op::kDiscard:
		return XENMM_DISCARD;
	case Op::kMap:
		return XENMM_MAP;
	case Op::kUnmap:
		return XENMM_UNMAP;
	case Op::kTrack:
		return XENMM_TRACK;
	case Op::kUntrack:
		return XENMM_UNTRACK;
	default:
		return XENMM_PROTECT;
	}
}

xenmm_piece window_around(uint64_t number, uint32_t window)
{
	return piece(number & ~uint64_t(window - 1), window);
}

uint32_t prot_of(Op op)
{
	return op == Op::kProtectRo ? 1 : op == Op::kProtectRw ? 3 : 0;
}

} // namespace

std::string name_of(Op op)
{
	static const char *const names[] = {"populate", "discard", "protect_ro", "protect_rw",
					    "map",	"unmap",   "track",	 "untrack"};
	return names[static_cast<int>(op)];
}

xenmm_request request_of(How how, Op op, const Pieces &pieces)
{
	xenmm_request request = {};
	request.action = action_of(op);
	request.nr_pieces = static_cast<uint32_t>(pieces.size());
	request.method = static_cast<uint32_t>(how.method);
	request.batch = how.batch;
	request.prot = prot_of(op);
	return request;
}

Harness::Harness(How how, uint64_t pages, uint64_t seed)
	: how(how), nr_pages(pages), xen(how.method != Method::kNative, seed),
	  arena(FakeBackend(xen), how.method != Method::kNative)
{
	xen.add_extent(kBase, pages * kPageBytes);
	EXPECT_TRUE(arena.attach(kBase, pages * kPageBytes).ok());
}

Harness::~Harness()
{
	oust(0, nr_pages);
	xen.unmap_all();
	arena.detach();
	EXPECT_EQ(xen.leaks(), "");
	EXPECT_EQ(xen.total_ever(XENMM_COUNTER_twins_made),
		  xen.total_ever(XENMM_COUNTER_twins_dropped));
}

Errno Harness::run(Op op, const Pieces &pieces)
{
	return run_by(how, op, pieces);
}

Errno Harness::run_by(How other, Op op, const Pieces &pieces)
{
	return ask(op, request_of(other, op, pieces), pieces);
}

Errno Harness::ask(Op op, const xenmm_request &request, const Pieces &pieces)
{
	last = request;
	last.exclusive = exclusive;
	History history(*this, op, pieces);
	xen.hypervisor.is_exclusive = exclusive;
	Errno error = arena.run(last, Ranges(pieces.data(), last.nr_pieces)).error();
	xen.hypervisor.is_exclusive = false;
	return error;
}

Errno Harness::run_meanwhile(Op op, uint64_t first, uint64_t pages)
{
	xenmm_request kept = last;
	Errno error = run(op, first, pages);
	last = kept;
	xen.hypervisor.is_exclusive = exclusive;
	return error;
}

void Harness::retire(uint64_t first, uint64_t pages)
{
	Extent extent = {page_at(first), page_at(first + pages)};
	if (has_notifier) {
		// What a dead arena has left undone comes first, and is no unmapping.
		std::optional<History> history;
		if (!is_dead())
			history.emplace(*this, Op::kUnmap, Pieces{piece(first, pages)});
		xen.hypervisor.is_exclusive = xen.hypervisor.is_leaving = true;
		arena.retire(extent);
		xen.hypervisor.is_exclusive = xen.hypervisor.is_leaving = false;
	}
	oust(first, pages);
}

void Harness::oust(uint64_t first, uint64_t pages)
{
	xen.hypervisor.is_exclusive = xen.hypervisor.is_leaving = true;
	arena.oust({page_at(first), page_at(first + pages)});
	xen.hypervisor.is_exclusive = xen.hypervisor.is_leaving = false;
}

void Harness::unmap(uint64_t first, uint64_t pages)
{
	retire(first, pages);
	for (uint64_t i = first; i < first + pages; i += kTableEntries)
		xen.drop_table(page_at(i));
	xen.remove_extent({page_at(first), page_at(first + pages)});
}

void Harness::mend()
{
	xen.hypervisor.is_exclusive = true;
	arena.mend();
	xen.hypervisor.is_exclusive = false;
}

Errno Harness::fault(uint64_t number, bool write, uint32_t window)
{
	auto extent = xen.extent(page_at(number));
	EXPECT_TRUE(extent.ok());
	History history(*this, Op::kPopulate, {window_around(number, window)});
	return arena.fault(page_at(number), write, window, extent.value()).error();
}

Errno Harness::write(uint64_t number)
{
	History history(*this, Op::kUntrack, {piece(number, 1)});
	return arena.write(page_at(number)).error();
}

Errno Harness::collect(uint64_t first, uint64_t pages, Pieces &found, uint32_t room)
{
	History history(*this, Op::kTrack, {piece(first, pages)});
	found.assign(room, {});
	harvest = {};
	harvest.range = piece(first, pages);
	harvest.found = found.data();
	harvest.max_found = room;
	Errno error = arena.collect(harvest).error();
	found.resize(harvest.nr_found);
	return error;
}

Errno Harness::touch(unsigned cpu, uint64_t number, bool write, uint64_t *content, uint32_t window)
{
	Access seen = xen.access(cpu, page_at(number), write, content);
	if (seen == Access::kDone)
		return Errno::kOk;
	Errno error =
		seen == Access::kReadOnly ? this->write(number) : fault(number, write, window);
	if (error == Errno::kOk) {
		EXPECT_EQ(xen.access(cpu, page_at(number), write, content), Access::kDone);
	}
	return error;
}

void Harness::write_meanwhile(uint64_t content)
{
	xen.hypervisor.before_entry = [this, content](VirtAddr page) mutable {
		xen.access(1, page, true, &content);
	};
	xen.hypervisor.before_step = [this, content]() mutable {
		for (uint64_t i = 0; i < nr_pages; i++)
			xen.access(1, page_at(i), true, &content);
	};
}

void Harness::write_no_more()
{
	xen.hypervisor.before_entry = nullptr;
	xen.hypervisor.before_step = nullptr;
}

void Harness::fill_tlbs(uint64_t first, uint64_t pages)
{
	for (uint64_t i = first; i < first + pages; i++)
		for (unsigned cpu = 0; cpu < kCpus; cpu++) {
			uint64_t content = 0;
			xen.access(cpu, page_at(i), false, &content);
			xen.access(cpu, page_at(i), true, &content);
		}
}

PageView Harness::slot(uint64_t number)
{
	Span &span = this->span(number);
	unsigned slot = page_at(number).slot();
	return {span.has_slots() ? span.slots()[slot] : Slot(), span.is_writable(slot),
		span.is_tracked(slot)};
}

Twin Harness::twin(uint64_t number)
{
	return span(number).twin();
}

bool Harness::is_flipped(uint64_t number)
{
	return span(number).is_flipped();
}

Span &Harness::span(uint64_t number)
{
	return state_of(arena).span(page_at(number));
}

bool Harness::is_dead()
{
	return state_of(arena).is_dead();
}

uint64_t Harness::mapped()
{
	uint64_t mapped = 0;
	for (uint64_t i = 0; i < nr_pages; i++)
		mapped += is_mapped(i);
	return mapped;
}

} // namespace xenmm::test
