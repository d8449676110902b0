// SPDX-License-Identifier: GPL-2.0
// See refusals.hpp.
#include "refusals.hpp"

#include <errno.h>

namespace xenmm::test
{

// What serves another way, or is repaired in any case, has no bad answer.
void Refusals::begin()
{
	FakeXen &xen = h_.xen;
	Hypervisor &hypervisor = xen.hypervisor;
	const Kind kinds[] = {
		{"an entry", &hypervisor.entry_fuse, 300, -EBUSY, Errno::kIo},
		{"a step", &hypervisor.step_fuse, 24, -EBUSY, Errno::kIo},
		{"a step with the first table", &hypervisor.step_fuse, 6, -EBUSY, Errno::kIo},
		{"a hypercall", &hypervisor.hypercall_fuse, 6, -EBUSY, Errno::kIo},
		{"a validation", &hypervisor.validation_fuse, 600, -EINVAL, Errno::kOk},
		{"the hooks", &xen.hooks_fuse, 3, -EIO, Errno::kOk},
		{"the pairs", &xen.flips_fuse, 2, -ENOENT, Errno::kOk},
		{"a table", &xen.table_make_fuse, 4, -ENOMEM, Errno::kNoMem},
		{"a page", &xen.page_fuse, 300, -ENOMEM, Errno::kNoMem},
	};
	constexpr uint64_t kKinds = std::size(kinds);
	uint64_t kind = below(kKinds + 3);
	if (kind < kKinds)
		set(kinds[kind]);
	else
		refuse_frames();
}

void Refusals::set(const Kind &kind)
{
	what_ = kind.what;
	fuse_ = kind.fuse;
	worst_ = kind.worst;
	// Where no table is pinned each one is validated when it is hooked.
	if (fuse_ == &h_.xen.hypervisor.validation_fuse && !h_.xen.has_split_locks)
		worst_ = Errno::kIo;
	uint64_t after = below(kind.occasions);
	uint64_t times = below(2) ? 1 : below(14) + 1;
	due_ = fuse_->seen() + after;
	fuse_->set(after, kind.error, times);
}

void Refusals::refuse_frames()
{
	what_ = "some frames";
	worst_ = Errno::kIo;
	bool only_writable = below(2);
	Hypervisor &hypervisor = h_.xen.hypervisor;
	auto &refused = only_writable ? hypervisor.refused_writable_pfns : hypervisor.refused_pfns;
	for (uint64_t left = below(4) + 1; left; left--) {
		uint64_t number = below(h_.nr_pages);
		if (!h_.slot(number).has_page())
			continue;
		refused.insert(h_.slot(number).pfn().number);
		refused_pages_.insert(number);
	}
}

void Refusals::end()
{
	happened_ = fuse_ ? fuse_->seen() > due_ : !refused_pages_.empty();
	if (fuse_)
		fuse_->clear();
	h_.xen.hypervisor.refused_pfns.clear();
	h_.xen.hypervisor.refused_writable_pfns.clear();
}

bool Refusals::explain(Errno error, How how) const
{
	bool is_final = fuse_ == &h_.xen.hypervisor.entry_fuse && writes_entries(how);
	if (error == Errno::kOk)
		return !happened_ || !is_final;
	return happened_ && error == worst_;
}

} // namespace xenmm::test
