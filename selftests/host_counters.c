// SPDX-License-Identifier: GPL-2.0
/* Xen's performance counters, and what its console tells of memory. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host_answers.h"

/* Arrays, and what is not the guest's. */
static const char *const left_out[] = {"exceptions", "hypercalls", "cause vector", "vmexits",
				       "#",	     "sched",	   "csched",	   NULL};
/* Counted on whatever CPU Xen does the work. */
static const char *const shown_always[] = {"page updates", "writable pt", "calls to mmu",
					   "calls to update", NULL};

static bool begins_as_one_of(const char *name, const char *const *begins)
{
	for (; *begins; begins++)
		if (!strncmp(name, *begins, strlen(*begins)))
			return true;
	return false;
}

/* A counter of 32 bits may go up on one CPU and down on another. */
static uint32_t sum_of(const xc_perfc_val_t *values, unsigned int count)
{
	uint32_t sum = 0;

	while (count--)
		sum += values[count];
	return sum;
}

static void print_counter(const xc_perfc_desc_t *counter, const xc_perfc_val_t *values,
			  unsigned int cpu, FILE *to)
{
	uint32_t sum = sum_of(values, counter->nr_vals);
	uint32_t own = cpu < counter->nr_vals ? values[cpu] : 0;

	/* The last exit by number is the nested page fault. */
	if (!strcmp(counter->name, "vmexits") && sum)
		fprintf(to, "%u vmexits\n%u vmexits[npf]\n", sum, values[counter->nr_vals - 1]);
	if (begins_as_one_of(counter->name, left_out))
		return;
	if (own || begins_as_one_of(counter->name, shown_always))
		fprintf(to, "%u %s\n", own, counter->name);
}

void counters_print(struct xc_interface_core *xc, unsigned int cpu, FILE *to)
{
	DECLARE_HYPERCALL_BUFFER(xc_perfc_desc_t, counters);
	DECLARE_HYPERCALL_BUFFER(xc_perfc_val_t, values);
	int nr_counters, nr_values, at = 0;

	if (xc_perfc_query_number(xc, &nr_counters, &nr_values)) {
		fprintf(to, "error Xen has no performance counters: %s\n", strerror(errno));
		return;
	}
	counters = xc_hypercall_buffer_alloc(xc, counters, sizeof(*counters) * nr_counters);
	values = xc_hypercall_buffer_alloc(xc, values, sizeof(*values) * nr_values);
	if (!counters || !values ||
	    xc_perfc_query(xc, HYPERCALL_BUFFER(counters), HYPERCALL_BUFFER(values)))
		fprintf(to, "error cannot read Xen's performance counters: %s\n", strerror(errno));
	else
		for (int i = 0; i < nr_counters; at += counters[i++].nr_vals)
			print_counter(&counters[i], &values[at], cpu, to);
	xc_hypercall_buffer_free(xc, counters);
	xc_hypercall_buffer_free(xc, values);
}

static void print_pool(const char *line, FILE *to)
{
	unsigned int total = 0, left = 0, mapped = 0;

	if (sscanf(line, "paging pool: %u pages, %u free, %u of", &total, &left, &mapped) != 3)
		total = left = mapped = 0;
	fprintf(to, "%u paging pool\n%u paging in use\n", 4 * (total + mapped),
		4 * (total - left + mapped));
}

/* What Xen tells of that domain: the last line that names a pool. A PV guest has none. */
static const char *find_pool(char *text, const char *domain)
{
	const char *pool = "";
	char title[64];
	bool ours = false;

	snprintf(title, sizeof(title), "General information for domain %s:", domain);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (strstr(line, "General information for domain"))
			ours = strstr(line, title);
		else if (ours && strstr(line, "paging pool:"))
			pool = strstr(line, "paging pool:");
	}
	return pool;
}

void memory_print(struct xc_interface_core *xc, const char *domain, FILE *to)
{
	static char text[1 << 18];
	unsigned int length = sizeof(text) - 1;

	xc_readconsolering(xc, text, &length, 1, 0, NULL);
	length = sizeof(text) - 1;
	if (xc_send_debug_keys(xc, "q") || xc_readconsolering(xc, text, &length, 0, 0, NULL)) {
		fprintf(to, "error cannot read Xen's console: %s\n", strerror(errno));
		return;
	}
	text[length] = 0;
	print_pool(find_pool(text, domain), to);
}
