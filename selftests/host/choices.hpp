// SPDX-License-Identifier: GPL-2.0
// Where a random life takes its decisions from: a seed, or the bytes of a fuzzer, each
// decision as few of them as it needs, so that a fuzzer changes one and keeps the rest.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <random>

namespace xenmm::test
{

class Choices
{
public:
	explicit Choices(uint64_t seed) : random_(seed) {}
	Choices(const uint8_t *bytes, size_t count)
		: is_given_(true), bytes_(bytes), end_(bytes + count)
	{
	}

	// 0 once all bytes are used up.
	uint64_t below(uint64_t n)
	{
		return is_given_ ? take(n <= 256 ? 1 : n <= 65536 ? 2 : 8) % n : random_() % n;
	}
	uint64_t seed() { return is_given_ ? take(1) : random_(); }
	uint64_t take(unsigned bytes)
	{
		uint64_t value = 0;
		for (; bytes && bytes_ != end_; bytes--)
			value = value << 8 | *bytes_++;
		return value;
	}
	// Without bytes there is always something to choose.
	bool at_end() const { return is_given_ && bytes_ == end_; }

private:
	std::mt19937_64 random_;
	bool is_given_ = false;
	const uint8_t *bytes_ = nullptr;
	const uint8_t *end_ = nullptr;
};

} // namespace xenmm::test
