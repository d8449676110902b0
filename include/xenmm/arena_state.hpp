// SPDX-License-Identifier: GPL-2.0
// What an arena owns: its spans, their pages, the workspace of its batches. The
// arena lock, held by the caller of every function here, protects all of it.
// Invariant: a page-table entry of the arena maps the page of its slot or nothing.
#pragma once

#include "xenmm/backend.hpp"
#include "xenmm/batch.hpp"
#include "xenmm/counters.hpp"
#include "xenmm/ranges.hpp"
#include "xenmm/span.hpp"

namespace xenmm
{

template <Backend B>
class ArenaState
{
public:
	explicit ArenaState(B &backend) : backend_(backend) {}

	bool is_attached() const { return spans_; }
	B &backend() { return backend_; }
	Workspace &workspace() { return *workspace_; }
	// Flag bits of entries, fixed when the arena is attached.
	uint64_t flags(bool writable) const { return writable ? flags_rw_ : flags_ro_; }

	// kNoMem leaves nothing behind.
	Result<void> attach(VirtAddr base, uint64_t length)
	{
		uint64_t nr_spans = (length + kSpanBytes - 1) / kSpanBytes;
		auto workspace = static_cast<Workspace *>(backend_.zalloc(sizeof(Workspace)));
		auto spans = static_cast<Span **>(backend_.zalloc(nr_spans * sizeof(Span *)));
		if (!workspace || !spans) {
			backend_.free(workspace);
			backend_.free(spans);
			return Errno::kNoMem;
		}
		base_ = base;
		nr_spans_ = nr_spans;
		workspace_ = workspace;
		spans_ = spans;
		flags_rw_ = backend_.pte_flags(true);
		flags_ro_ = backend_.pte_flags(false);
		return {};
	}

	// Only when no entry maps any of the pages any more.
	void detach()
	{
		Counters counters;
		for (uint64_t i = 0; i < nr_spans_; i++) {
			if (!spans_[i])
				continue;
			free_span(*spans_[i], counters);
			(void)backend_.breathe(); // a killed process frees all the same
		}
		backend_.count(counters);
		backend_.free(spans_);
		backend_.free(workspace_);
		spans_ = nullptr;
		workspace_ = nullptr;
		nr_spans_ = 0;
	}

	// The span of an address inside the arena; nullptr where nothing was ever kept.
	Span *span(VirtAddr address) { return spans_[index_of(address)]; }

	// Make sure there is one. kNoMem.
	Result<void> need_span(VirtAddr address)
	{
		Span *&span = spans_[index_of(address)];
		if (!span)
			span = static_cast<Span *>(backend_.zalloc(sizeof(Span)));
		if (!span)
			return Errno::kNoMem;
		return {};
	}

	bool is_writable(VirtAddr address)
	{
		Span *known = span(address);
		return !known || known->slots[address.slot()].is_writable();
	}

	// Free the pages of a part, whose entries are empty and flushed.
	void release(Part part, Counters &counters)
	{
		Span *known = span(part.start);
		if (!known)
			return;
		uint64_t freed = 0;
		for (uint32_t i = 0; i < part.pages; i++)
			freed += free_slot(known->slots[part.first_slot() + i]);
		account_freed(freed, counters);
	}

	// Free one page whose entry is empty and flushed.
	bool free_slot(Slot &slot)
	{
		if (!slot.has_page())
			return false;
		backend_.page_free(slot.take());
		return true;
	}
	void account_freed(uint64_t pages, Counters &counters)
	{
		backend_.uncharge(pages);
		counters.add(XENMM_COUNTER_pages_freed, pages);
	}

private:
	uint64_t index_of(VirtAddr address) const
	{
		return (address.bytes - base_.bytes) / kSpanBytes;
	}
	void free_span(Span &span, Counters &counters)
	{
		uint64_t freed = 0;
		for (Slot &slot : span.slots)
			freed += free_slot(slot);
		account_freed(freed, counters);
		backend_.free(&span);
	}

	B &backend_;
	VirtAddr base_ = {0};
	uint64_t nr_spans_ = 0;
	Span **spans_ = nullptr;
	Workspace *workspace_ = nullptr;
	uint64_t flags_rw_ = 0;
	uint64_t flags_ro_ = 0;
};

} // namespace xenmm
