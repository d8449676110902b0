// SPDX-License-Identifier: GPL-2.0
// Judges each write of an operation at the moment at which FakeXen records it:
//
//   an entry goes from its old value to its new one, never to a third
//   entries outside of the ranges stay as they are
//   the updates of a hypercall are grouped by table
//
// The one exception: a table that Xen refused as a whole comes back empty, and its
// entries return to their old or new value from there (rebuild.hpp). The harness sets
// this up around every operation and fault, so all tests are held to it; what is wrong
// is a violation of FakeXen's.
#pragma once

#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "fake_hypervisor.hpp"
#include "xenmm/abi.h"

namespace xenmm::test
{

class Harness;
enum class Op;

class History
{
public:
	// Looks until its end, when who looked before goes on. Pieces of the arena stand
	// for those of the twins, too.
	History(Harness &harness, Op op, const std::vector<xenmm_piece> &pieces);
	~History();
	History(const History &) = delete;
	History &operator=(const History &) = delete;

private:
	// What an entry says, whatever the frames are called at present.
	struct Meaning {
		std::optional<uint64_t> pfn; // nothing: empty
		bool writable = false;

		bool operator==(const Meaning &) const = default;
	};

	void judge(const Write &write);
	void judge_exchange(VirtAddr at, const Frame &old, const Frame &now);
	void judge_order(const Write &write);
	bool is_new(VirtAddr page, const Meaning &first, const Meaning &now);
	bool is_new_of_twin(uint64_t number, const Meaning &now);
	bool is_covered(VirtAddr visible) const;
	Meaning meaning_of(VirtAddr page, uint64_t entry);
	void complain(VirtAddr page, const char *what);

	Harness &h_;
	const Op op_;
	const std::vector<xenmm_piece> pieces_;
	std::unordered_map<uint64_t, Meaning> firsts_; // by page: before the operation
	// By table, of those that were exchanged for another.
	std::unordered_map<uint64_t, std::vector<Meaning>> shown_;
	uint64_t call_ = 0;
	std::vector<uint64_t> tables_; // that the hypercall has written, in order
	decltype(Hypervisor::on_write) outer_write_;
	decltype(Hypervisor::on_exchange) outer_exchange_;
};

} // namespace xenmm::test
