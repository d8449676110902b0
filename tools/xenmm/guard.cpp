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
FaultServer fault_server;

void on_fault(int signal, siginfo_t *info, void *)
{
	if (fault_server && fault_server(reinterpret_cast<uintptr_t>(info->si_addr)))
		return;
	if (active_guard)
		siglongjmp(active_guard->resume, 1);
	std::signal(signal, SIG_DFL); // and the same access faults again
}

void install_handler()
{
	struct sigaction action = {};
	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGSEGV, &action, nullptr);
	sigaction(SIGBUS, &action, nullptr);
}

} // namespace

FaultGuard::FaultGuard()
{
	install_handler();
	active_guard = this;
}

void set_fault_server(FaultServer server)
{
	install_handler();
	fault_server = server;
}

FaultGuard::~FaultGuard()
{
	active_guard = nullptr;
}

} // namespace xenmm
