// SPDX-License-Identifier: GPL-2.0
// See model.hpp.
#include "model.hpp"

namespace xenmm::test
{

void Model::apply(Op op, const Pieces &pieces, uint64_t limit)
{
	for (const xenmm_piece &piece : pieces)
		for (uint64_t at = piece.start; at < piece.start + piece.length; at += kPageBytes) {
			uint64_t number = (at - kBase.bytes) / kPageBytes;
			ModelPage now = wanted(op, number, at < limit);
			if (at < limit)
				pages_[number] = now;
			else
				take_either(number, now);
		}
}

ModelPage Model::wanted(Op op, uint64_t number, bool is_done)
{
	ModelPage page = pages_[number];
	switch (op) {
	case Op::kPopulate:
		page.exists = page.mapped = true;
		break;
	case Op::kMap:
		page.mapped = page.exists;
		break;
	case Op::kDiscard:
		if (is_done) // else no page is freed
			return {.writable = page.writable};
		[[fallthrough]];
	case Op::kUnmap:
		page.mapped = false;
		break;
	case Op::kProtectRo:
	case Op::kProtectRw:
	case Op::kTrack:
	case Op::kUntrack:
		page.writable = gives_writing(op);
		if (!h_.is_pv() && takes_writing(op)) // zapped, perhaps
			page.mapped &= h_.is_mapped(number);
		break;
	}
	return page;
}

void Model::take_either(uint64_t number, const ModelPage &wanted)
{
	if (is_as(number, pages_[number]))
		return;
	EXPECT_TRUE(is_as(number, wanted)) << "page " << number << " is neither old nor new";
	pages_[number] = wanted;
}

void Model::retire(uint64_t first, uint64_t pages, bool refused)
{
	for (uint64_t i = first; i < first + pages; i++)
		pages_[i].mapped &= refused && h_.is_mapped(i);
}

void Model::lose(const std::set<uint64_t> &numbers)
{
	for (uint64_t number : numbers)
		pages_[number].mapped &= h_.is_mapped(number);
}

bool Model::is_as(uint64_t number, const ModelPage &page)
{
	PageView view = h_.slot(number);
	return view.has_page() == page.exists && view.is_writable() == page.writable &&
	       h_.is_mapped(number) == page.mapped;
}

std::string Model::difference()
{
	std::string text;
	for (uint64_t i = 0; i < pages_.size(); i++) {
		PageView view = h_.slot(i);
		bool is_same = is_as(i, pages_[i]) &&
			       (!view.has_page() ||
				h_.xen.memory.frame(view.pfn()).content == pages_[i].content);
		text += is_same ? "" : " " + std::to_string(i);
	}
	return text.empty() ? "" : "pages that are not as they should be:" + text;
}

} // namespace xenmm::test
