/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the kernel as the counters and the price list of the glue need, so that
 * host tests run the module's own code. A thread is a CPU: it sets its number, and no
 * two threads have the same at a time, as with preemption off.
 */
#ifndef XENMM_KERNEL_SHIM_H
#define XENMM_KERNEL_SHIM_H

#define _GNU_SOURCE
#include <errno.h>
#include <linux/types.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint32_t u32;
typedef uint64_t u64;

#define __user

#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value) __atomic_store_n(&(x), (value), __ATOMIC_RELAXED)

#define XENMM_SHIM_CPUS 8
extern __thread unsigned int xenmm_shim_cpu;

#define DEFINE_PER_CPU(type, name) type name[XENMM_SHIM_CPUS]
#define per_cpu_ptr(array, cpu) (&(*(array))[cpu])
#define get_cpu_ptr(array) per_cpu_ptr(array, xenmm_shim_cpu)
#define put_cpu_ptr(array) ((void)(array))
#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < XENMM_SHIM_CPUS; (cpu)++)

#define DEFINE_SPINLOCK(name) pthread_mutex_t name = PTHREAD_MUTEX_INITIALIZER
#define spin_lock pthread_mutex_lock
#define spin_unlock pthread_mutex_unlock

struct mutex {
	pthread_mutex_t lock;
};

#define DEFINE_MUTEX(name) struct mutex name = {PTHREAD_MUTEX_INITIALIZER}
#define mutex_lock(mutex) pthread_mutex_lock(&(mutex)->lock)
#define mutex_unlock(mutex) pthread_mutex_unlock(&(mutex)->lock)

struct file;
struct mm_struct;
struct task_struct;
struct vm_area_struct;
/* Members of glue.h's structures, which nobody here looks into. */
struct mmu_interval_notifier {
	int unused;
};

struct callback_head {
	int unused;
};

typedef struct {
	u64 pmd;
} pmd_t;

static inline u64 get_cycles(void)
{
	return __builtin_ia32_rdtsc();
}

static inline int kstrtou32(const char *text, unsigned int base, u32 *value)
{
	char *end;
	unsigned long long wide;

	errno = 0;
	wide = strtoull(text, &end, (int)base);
	if (end == text || *end || errno || wide > UINT32_MAX || *text == '-')
		return -EINVAL;
	*value = (u32)wide;
	return 0;
}

/* Without the blanks around it, in place. */
static inline char *strim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && strchr(" \t\n", end[-1]))
		*--end = '\0';
	return text + strspn(text, " \t\n");
}

#endif /* XENMM_KERNEL_SHIM_H */
