// SPDX-License-Identifier: GPL-2.0
/*
 * Answers in dom0 what `xenmm bench --ask xenstore`, `processes` and `stat` want to know of Xen
 * (tools/xenmm/vmm.hpp). One process without shared libraries: the guest waits for each answer, and
 * to start xenstore, xenperf and xentrace takes a second of an emulated machine.
 *	host-xen-answers DOMAIN CPU EVENTS
 * are the domain's number, the CPU that is its own, and what to trace there: xentrace -e, or 0 for
 * nothing.
 */
#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "host_answers.h"

static const char *domain, *events;
static unsigned int cpu;
static struct xc_interface_core *xc;

static bool is_traced(void)
{
	return strcmp(events, "0");
}

static void reset(FILE *to)
{
	if (is_traced())
		trace_begin(xc, events, cpu);
	if (xc_perfc_reset(xc))
		fprintf(to, "error Xen has no performance counters\n");
}

static void print_counts(FILE *to)
{
	counters_print(xc, cpu, to);
	if (!is_traced())
		return;
	trace_end(xc);
	trace_print(to);
}

static void answer(const char *request, FILE *to)
{
	if (!strcmp(request, "reset"))
		reset(to);
	else if (!strcmp(request, "counts"))
		print_counts(to);
	else if (!strcmp(request, "memory"))
		memory_print(xc, domain, to);
	else
		fprintf(to, "error unknown request %s\n", request);
}

/* What was asked is "SERIAL REQUEST"; the answer begins with a line of that serial. */
static void serve(struct xs_handle *store, const char *to, const char *asked)
{
	const char *blank = strchr(asked, ' ');
	char *text;
	size_t length;
	FILE *stream = open_memstream(&text, &length);

	if (!stream)
		err(1, "no memory");
	fprintf(stream, "%.*s\n", (int)(blank - asked), asked);
	answer(blank + 1, stream);
	fclose(stream);
	if (length && text[length - 1] == '\n')
		length--;
	if (!xs_write(store, XBT_NULL, to, text, length))
		warn("%s", to);
	free(text);
}

/* A watch tells once of itself, and may tell of one change twice. */
static void serve_all(struct xs_handle *store, const char *from, const char *to)
{
	char *asked, *last = strdup("");
	unsigned int ignored;

	for (;;) {
		free(xs_read_watch(store, &ignored));
		asked = xs_read(store, XBT_NULL, from, &ignored);
		if (!asked || !strchr(asked, ' ') || !strcmp(asked, last)) {
			free(asked);
			continue;
		}
		serve(store, to, asked);
		free(last);
		last = asked;
	}
}

int main(int argc, char **argv)
{
	struct xs_handle *store;
	char from[80], to[80];

	if (argc != 4)
		errx(2, "usage: host-xen-answers DOMAIN CPU EVENTS");
	domain = argv[1];
	cpu = strtoul(argv[2], NULL, 10);
	events = argv[3];
	xc = xc_interface_open(NULL, NULL, 0);
	store = xs_open(0);
	if (!xc || !store)
		err(1, "Xen cannot be reached: run it in dom0, as root");
	snprintf(from, sizeof(from), "/local/domain/%s/data/xenmm/ask", domain);
	snprintf(to, sizeof(to), "/local/domain/%s/data/xenmm/answer", domain);
	if (!xs_watch(store, from, "ask"))
		err(1, "%s", from);
	serve_all(store, from, to);
}
