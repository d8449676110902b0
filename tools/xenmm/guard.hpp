// SPDX-License-Identifier: GPL-2.0
// Surviving a fault: run a piece of code and learn whether SIGSEGV or SIGBUS ended
// it. Pages under test are expected to fault, or must be caught doing so.
//
//	if (!survives([&] { *page = 1; }))
//		the page is read-only
//
// The body must not own anything: a fault leaves it without running destructors.
// Guards do not nest; one thread only.
#pragma once

#include <csetjmp>

namespace xenmm
{

class FaultGuard
{
public:
	FaultGuard();
	~FaultGuard();
	FaultGuard(const FaultGuard &) = delete;

	sigjmp_buf resume;
};

template <typename Body>
bool survives(Body &&body)
{
	FaultGuard guard;
	// Saves the signal mask: the handler is left by a jump, not by return.
	if (sigsetjmp(guard.resume, 1))
		return false;
	body();
	return true;
}

} // namespace xenmm
