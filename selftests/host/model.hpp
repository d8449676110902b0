// SPDX-License-Identifier: GPL-2.0
// What an arena should be, page by page: whether there is a page, what is in it,
// whether it may be written, whether it is mapped. A model knows nothing of tables,
// methods or twins, so whatever those do has to come to the same.
#pragma once

#include <set>

#include "harness.hpp"

namespace xenmm::test
{

struct ModelPage {
	bool exists = false;
	bool writable = true;
	bool mapped = false;
	uint64_t content = 0;
};

class Model
{
public:
	explicit Model(Harness &harness) : h_(harness), pages_(harness.nr_pages) {}

	const ModelPage &page(uint64_t number) const { return pages_[number]; }
	// In front of `limit` the operation did its work; behind it each page is as before
	// or as wanted, and the arena may say which.
	void apply(Op op, const Pieces &pieces, uint64_t limit);
	void write(uint64_t number, uint64_t content) { pages_[number].content = content; }
	// Ahead of a munmap: what Xen refuses to clear is left, where `refused`.
	void retire(uint64_t first, uint64_t pages, bool refused);
	// Entries that Xen would not take back are gone, and nothing else is.
	void lose(const std::set<uint64_t> &numbers);
	// "" when the arena is what it should be.
	std::string difference();

private:
	ModelPage wanted(Op op, uint64_t number, bool is_done);
	void take_either(uint64_t number, const ModelPage &wanted);
	bool is_as(uint64_t number, const ModelPage &page);

	Harness &h_;
	std::vector<ModelPage> pages_;
};

} // namespace xenmm::test
