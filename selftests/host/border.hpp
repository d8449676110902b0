// SPDX-License-Identifier: GPL-2.0
// The C border as the glue sees it, on the host: an arena behind src/core/entry.cpp,
// whose kernel services (xenmm_k_*) are a FakeXen's, but for the counters and the price
// list, which are the glue's own (src/glue/stats.c, cost.c).
#pragma once

#include "harness.hpp"

extern "C" {
extern __thread unsigned int xenmm_shim_cpu;
void xenmm_stats_read(struct xenmm_counts *sum);
void xenmm_stats_reset(void);
int xenmm_cost_write(char *text);
}

struct xenmm_host {
	xenmm::test::FakeXen xen;
};

struct xenmm_page_list {
	std::vector<uint64_t> pfns;
};

namespace xenmm::test
{

// An open file with a mapped arena. Services without a host are those of the arena that
// the thread has in its hands.
class Border
{
public:
	Border(xenmm_guest_kind kind, uint64_t pages);
	~Border();
	Border(const Border &) = delete;
	Border &operator=(const Border &) = delete;

	// -errno, as the module answers; out fields in `last`.
	int run(How how, Op op, const Pieces &pieces);
	int fault(uint64_t number, bool write, uint32_t window);
	int write(uint64_t number); // to a present entry that is read-only
	// munmap's notifier.
	void retire();
	void oust();
	void mend();
	uint64_t mapped();

	xenmm_guest_kind kind;
	uint64_t nr_pages;
	xenmm_host host;
	xenmm_arena *arena = nullptr;
	xenmm_request last = {};
};

// Whose FakeXen serves this thread; the one before it, to be put back.
FakeXen *enter_border(FakeXen *xen);

} // namespace xenmm::test
