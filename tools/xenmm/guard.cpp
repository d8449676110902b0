// SPDX-License-Identifier: GPL-2.0
// The signal handler behind survives(). A fault outside any guard is a bug of this
// tool and dies as usual.
#include "guard.hpp"

#include <csignal>

namespace xenmm
{

namespace
{

FaultGuard *active_guard;

void on_fault(int signal)
{
	if (active_guard)
		siglongjmp(active_guard->resume, 1);
	std::signal(signal, SIG_DFL); // and the same access faults again
}

void install_handler()
{
	struct sigaction action = {};
	action.sa_handler = on_fault;
	sigaction(SIGSEGV, &action, nullptr);
	sigaction(SIGBUS, &action, nullptr);
}

} // namespace

FaultGuard::FaultGuard()
{
	install_handler();
	active_guard = this;
}

FaultGuard::~FaultGuard()
{
	active_guard = nullptr;
}

} // namespace xenmm
