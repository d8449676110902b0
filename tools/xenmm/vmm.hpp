// SPDX-License-Identifier: GPL-2.0
// Asking the hypervisor: what has it done, and what does it hold? A guest cannot see
// either. Something that can must answer for it: a script in dom0 or on KVM's host
// (selftests/compare is one). Requests are one line:
//
//	reset     counts begin at zero
//	counts    what was counted since
//	memory    what the hypervisor spends on this guest's paging, in KiB
//
// An answer is lines of "NUMBER NAME", none for reset; names may have blanks. The line
// "error WHY" alone says that it cannot be told.
#pragma once

#include <memory>
#include <string>

#include "debugfs.hpp"

namespace xenmm
{

class Vmm
{
public:
	virtual ~Vmm() = default;
	// Failure kFailed when there is no answer, or none that can be read.
	Numbers request(const std::string &what);

private:
	// The answer's text.
	virtual std::string ask(const std::string &what) = 0;
};

// `address`: "xenstore" (keys data/xenmm/ask and data/xenmm/answer of this domain's folder)
// or the path of a character device, behind which the answer ends with an empty line.
std::unique_ptr<Vmm> connect_vmm(const std::string &address);

} // namespace xenmm
