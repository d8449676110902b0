// SPDX-License-Identifier: GPL-2.0
// Random sequences of operations, accesses, save and restore, and refusals by Xen,
// against a model that knows nothing of tables: per page whether it exists, what
// is in it, whether it may be written, whether it is mapped. Seeds are fixed.
#include <errno.h>

#include <random>

#include "harness.hpp"

namespace xenmm::test
{

namespace
{

constexpr uint64_t kPages = 1200;

struct ModelPage {
	bool exists = false;
	bool writable = true;
	bool mapped = false;
	uint64_t content = 0;
};

class Model
{
public:
	Model(How how, uint64_t seed) : h_(how, kPages, seed), random_(seed), pages_(kPages) {}

	// Steps of every kind; stops at the first one that goes wrong.
	void run(unsigned steps, bool with_refusals)
	{
		for (unsigned i = 0; i < steps && !::testing::Test::HasFailure(); i++) {
			SCOPED_TRACE("step " + std::to_string(i));
			step(with_refusals && h_.is_pv());
			compare();
		}
	}

private:
	uint64_t below(uint64_t n) { return random_() % n; }

	void step(bool with_refusals)
	{
		unsigned kind = below(10);
		if (kind == 0)
			h_.xen.remap_all();
		else if (kind == 1)
			drop_a_table();
		else if (kind < 5)
			touch_some();
		else
			operate(with_refusals && below(3) == 0);
	}

	Pieces some_pieces()
	{
		Pieces pieces;
		uint64_t at = below(kPages);
		uint64_t longest = below(2) ? 4 : 700;
		for (unsigned left = below(20) + 1; left && at < kPages; left--) {
			uint64_t pages = std::min(below(longest) + 1, kPages - at);
			pieces.push_back(piece(at, pages));
			at += pages + below(40);
		}
		return pieces;
	}

	// munmap's effect without munmap: entries go, pages stay.
	void drop_a_table()
	{
		uint64_t first = below(3) * kTableEntries;
		h_.xen.drop_table(page_at(first));
		for (uint64_t i = first; i < std::min(first + kTableEntries, kPages); i++)
			pages_[i].mapped = false;
	}

	void touch_some()
	{
		for (unsigned i = 0; i < 20; i++)
			touch(below(kPages), below(2));
	}

	void touch(uint64_t number, bool write)
	{
		ModelPage &page = pages_[number];
		uint64_t content = write ? ++last_content_ : 0;
		Errno expected = write && !page.writable ? Errno::kAccess : Errno::kOk;
		ASSERT_EQ(h_.touch(below(kCpus), number, write, &content, 1), expected);
		if (expected != Errno::kOk)
			return;
		page.mapped = page.exists = true;
		if (write)
			page.content = content;
		ASSERT_EQ(content, page.content) << "page " << number;
	}

	void operate(bool refuse)
	{
		Op op = kAllOps[below(6)];
		Pieces pieces = some_pieces();
		SCOPED_TRACE(name_of(op) + (refuse ? ", refused" : ""));
		if (refuse)
			h_.xen.hypervisor.entry_fuse.set(below(300), -EBUSY);
		Errno error = h_.run(op, pieces);
		bool blew = refuse && !h_.xen.hypervisor.entry_fuse.is_set();
		h_.xen.hypervisor.entry_fuse.clear();
		ASSERT_EQ(error, blew ? Errno::kIo : Errno::kOk);
		uint64_t limit = blew ? h_.last.failed_address : ~0ULL;
		check_pages_done(pieces, limit);
		for (const xenmm_piece &piece : pieces)
			for (uint64_t i = 0; i < piece.length / kPageBytes; i++)
				apply(op, (piece.start - kBase.bytes) / kPageBytes + i,
				      piece.start + i * kPageBytes < limit);
	}

	void check_pages_done(const Pieces &pieces, uint64_t limit)
	{
		uint64_t below_limit = 0;
		for (const xenmm_piece &piece : pieces)
			for (uint64_t at = piece.start; at < piece.start + piece.length;
			     at += kPageBytes)
				below_limit += at < limit;
		ASSERT_EQ(h_.last.pages_done, below_limit);
	}

	// Behind a refusal each page may be as before or as wanted; the entry decides.
	void apply(Op op, uint64_t number, bool must)
	{
		ModelPage &page = pages_[number];
		ModelPage wanted = page;
		switch (op) {
		case Op::kPopulate:
			wanted.exists = wanted.mapped = true;
			break;
		case Op::kMap:
			wanted.mapped = page.exists;
			break;
		case Op::kUnmap:
			wanted.mapped = false;
			break;
		case Op::kDiscard:
			wanted = {.writable = page.writable};
			break;
		case Op::kProtectRo:
		case Op::kProtectRw:
			wanted.writable = op == Op::kProtectRw;
			if (!h_.is_pv() && op == Op::kProtectRo) // zapped, perhaps
				wanted.mapped = page.mapped && h_.is_mapped(number);
			break;
		}
		if (must)
			page = wanted;
		else
			take_what_is(op, page, wanted, number);
	}

	void take_what_is(Op op, ModelPage &page, const ModelPage &wanted, uint64_t number)
	{
		bool is_mapped = h_.is_mapped(number);
		ASSERT_TRUE(is_mapped == page.mapped || is_mapped == wanted.mapped);
		page.mapped = is_mapped;
		if (op == Op::kPopulate)
			page.exists |= is_mapped;
		if (is_mapped)
			page.writable = Pte(h_.entry(number)).is_writable();
	}

	void compare()
	{
		ASSERT_EQ(h_.problems(), "");
		for (uint64_t i = 0; i < kPages; i++) {
			const ModelPage &page = pages_[i];
			ASSERT_EQ(h_.slot(i).has_page(), page.exists) << "page " << i;
			ASSERT_EQ(h_.slot(i).is_writable(), page.writable) << "page " << i;
			ASSERT_EQ(h_.is_mapped(i), page.mapped) << "page " << i;
			if (page.exists) {
				ASSERT_EQ(h_.xen.memory.frame(h_.slot(i).pfn()).content,
					  page.content)
					<< "page " << i;
			}
		}
	}

	Harness h_;
	std::mt19937_64 random_;
	std::vector<ModelPage> pages_;
	uint64_t last_content_ = 0;
};

class Modelled : public EachHow
{
};
INSTANTIATE_TEST_SUITE_P(Each, Modelled, ::testing::ValuesIn(all_hows()), how_name);

TEST_P(Modelled, RandomOperationsDoWhatTheModelSays)
{
	for (uint64_t seed = 1; seed <= 3; seed++)
		Model(GetParam(), seed).run(60, false);
}

TEST_P(Modelled, RandomOperationsWithRefusalsKeepEverythingInAgreement)
{
	for (uint64_t seed = 11; seed <= 13; seed++)
		Model(GetParam(), seed).run(60, true);
}

} // namespace

} // namespace xenmm::test
