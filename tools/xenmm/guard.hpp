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
#include <cstdint>

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

// Somebody who may serve a fault at an address, so that the access is tried again and ends
// nothing; nullptr: nobody. Called in a signal handler.
using FaultServer = bool (*)(uintptr_t address);
void set_fault_server(FaultServer server);

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
