// SPDX-License-Identifier: GPL-2.0
// What Xen or the kernel may refuse in the middle of a random operation, once or some
// times in a row, and what the operation may answer then.
#pragma once

#include <set>

#include "choices.hpp"
#include "harness.hpp"

namespace xenmm::test
{

class Refusals
{
public:
	Refusals(Harness &harness, Choices &choices) : h_(harness), choices_(choices) {}

	// From now until end() something is refused.
	void begin();
	void end();
	// Did it come to that? Not known before end().
	bool happened() const { return happened_; }
	// The name of what is refused, for messages.
	const std::string &what() const { return what_; }
	// Is this the answer of an operation that met the refusal? An entry that Xen
	// refuses is nothing that a method of single entries can get around.
	bool explain(Errno error, How how) const;
	// Pages whose entries Xen would not write; no method can keep them mapped.
	const std::set<uint64_t> &refused_pages() const { return refused_pages_; }

private:
	struct Kind {
		const char *what;
		Fuse *fuse;
		uint64_t occasions; // it happens at one of the first so many
		int error;
		Errno worst; // answer, where no other way is found
	};
	void set(const Kind &kind);
	void refuse_frames();
	uint64_t below(uint64_t n) { return choices_.below(n); }

	Harness &h_;
	Choices &choices_;
	std::string what_ = "nothing";
	Fuse *fuse_ = nullptr;
	uint64_t due_ = 0;
	Errno worst_ = Errno::kOk;
	bool happened_ = false;
	std::set<uint64_t> refused_pages_;
};

} // namespace xenmm::test
