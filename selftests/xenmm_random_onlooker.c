// SPDX-License-Identifier: GPL-2.0
/*
 * The onlooker: another thread's view of a page, before and after an operation on it.
 *
 * An ioctl leaves a vCPU with an empty TLB (a PV guest changes page tables on the way
 * back to user space), so a thread cannot see a stale entry of its own. The onlooker
 * makes no system call while it looks at a page, again and again; when the operation
 * has returned, it must see what the operation has made of the page.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "xenmm_random.h"

static struct {
	pthread_t thread;
	sem_t wake, rested;
	volatile bool rests, ends;
	unsigned char *volatile address;
	volatile bool writes; /* what changes nothing */
	unsigned int asked, answered;
	int signal; /* the answer, and what the page held */
	uint64_t word;
} onlooker;

/* The first look after a question answers it: a stale entry may be gone at the next. */
static void look(unsigned int question)
{
	struct probe probe = probe_read(onlooker.address);
	const uint64_t word = probe.signal ? 0 : *(volatile uint64_t *)onlooker.address;

	if (!probe.signal && onlooker.writes)
		probe = probe_rewrite(onlooker.address);
	if (question == onlooker.answered)
		return;
	onlooker.signal = probe.signal;
	onlooker.word = word;
	__atomic_store_n(&onlooker.answered, question, __ATOMIC_RELEASE);
}

static void *look_on(void *unused)
{
	while (!sem_wait(&onlooker.wake) && !onlooker.ends) {
		while (!onlooker.rests)
			look(__atomic_load_n(&onlooker.asked, __ATOMIC_ACQUIRE));
		sem_post(&onlooker.rested);
	}
	return unused;
}

/* Returns when it has looked at least once. */
static void ask_onlooker(bool writes)
{
	onlooker.writes = writes;
	__atomic_add_fetch(&onlooker.asked, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&onlooker.answered, __ATOMIC_ACQUIRE) != onlooker.asked)
		sched_yield();
}

static void note_look(struct share *share, size_t page)
{
	note_touch(share, page);
	if (!model_of(share, page)->read_only)
		note_write(share, page);
}

/* What takes a signal enters the kernel: of a read-only page it only reads, so far. */
void begin_watch(struct share *share, size_t page)
{
	onlooker.address = page_at(&share->arena, page);
	onlooker.rests = false;
	sem_post(&onlooker.wake);
	ask_onlooker(!model_of(share, page)->read_only);
	note_look(share, page);
}

/* Does not leave it behind in the middle of a look: a later one would bring a page in. */
void end_watch(struct share *share, size_t page)
{
	const int wanted = model_of(share, page)->read_only ? SIGSEGV : 0;
	uint64_t word;

	ask_onlooker(true);
	word = *(volatile uint64_t *)onlooker.address;
	if (onlooker.signal != wanted || onlooker.word != word)
		printf("# page %zu, seen from another thread\n", page);
	ASSERT_EQ(onlooker.signal, wanted);
	ASSERT_EQ(onlooker.word, word);
	onlooker.rests = true;
	sem_wait(&onlooker.rested);
	note_look(share, page);
}

void start_onlooker(void)
{
	ASSERT_EQ(sem_init(&onlooker.wake, 0, 0), 0);
	ASSERT_EQ(sem_init(&onlooker.rested, 0, 0), 0);
	ASSERT_EQ(pthread_create(&onlooker.thread, NULL, look_on, NULL), 0);
}

void stop_onlooker(void)
{
	onlooker.ends = true;
	sem_post(&onlooker.wake);
	ASSERT_EQ(pthread_join(onlooker.thread, NULL), 0);
}
