// SPDX-License-Identifier: MIT OR GPL-2.0
// The table is of fixed size and never moves, so that the handler reads it without a lock.
#include "signal.hpp"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

#include "ordinary.hpp"

namespace xenmm
{

namespace
{

struct Place {
	uintptr_t start, end;
	Ordinary *memory; // nullptr: free; set last and cleared first
};

constexpr size_t kPlaces = 1024;
Place places[kPlaces];
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
struct sigaction before;

// Where the machine does not tell, any fault may be one.
bool may_be_write(const void *context)
{
#ifdef __x86_64__
	constexpr greg_t kWrite = 2;
	return static_cast<const ucontext_t *>(context)->uc_mcontext.gregs[REG_ERR] & kWrite;
#else
	return context;
#endif
}

bool serve(void *address)
{
	auto at = reinterpret_cast<uintptr_t>(address);
	for (Place &place : places) {
		Ordinary *memory = __atomic_load_n(&place.memory, __ATOMIC_ACQUIRE);
		if (memory && at >= place.start && at < place.end)
			return memory->serve(address);
	}
	return false;
}

// As if ours were not there.
void pass_on(int number, siginfo_t *info, void *context)
{
	if (before.sa_flags & SA_SIGINFO)
		before.sa_sigaction(number, info, context);
	else if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN)
		sigaction(number, &before, nullptr); // and the same access faults again
	else
		before.sa_handler(number);
}

void on_fault(int number, siginfo_t *info, void *context)
{
	int error = errno;
	if (info->si_code != SEGV_ACCERR || !may_be_write(context) || !serve(info->si_addr))
		pass_on(number, info, context);
	errno = error;
}

// Under the lock.
void install()
{
	static bool is_installed;
	if (is_installed)
		return;
	struct sigaction ours = {};
	ours.sa_sigaction = on_fault;
	ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigemptyset(&ours.sa_mask);
	is_installed = sigaction(SIGSEGV, &ours, &before) == 0;
}

Place *find(const Ordinary *memory)
{
	for (Place &place : places)
		if (place.memory == memory)
			return &place;
	return nullptr;
}

} // namespace

bool serve_faults(Ordinary *memory, void *start, size_t length)
{
	pthread_mutex_lock(&lock);
	install();
	Place *place = find(memory);
	if (!place && (place = find(nullptr))) {
		place->start = reinterpret_cast<uintptr_t>(start);
		place->end = place->start + length;
		__atomic_store_n(&place->memory, memory, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&lock);
	if (!place)
		errno = ENOMEM;
	return place;
}

void forget_faults(const Ordinary *memory)
{
	pthread_mutex_lock(&lock);
	if (Place *place = find(memory))
		__atomic_store_n(&place->memory, nullptr, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&lock);
}

} // namespace xenmm
