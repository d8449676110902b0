/* SPDX-License-Identifier: GPL-2.0 */
/* What Xen knows of a guest, for host-xen-answers. Lines "NUMBER NAME", or "error WHY". */
#pragma once

#include <stdio.h>
#include <xenctrl.h>

/* Xen's performance counters: those that it keeps by CPU, of `cpu`; the sums of the others. */
void counters_print(struct xc_interface_core *xc, unsigned int cpu, FILE *to);

/* What the guest's paging takes, in KiB, by debug key q. */
void memory_print(struct xc_interface_core *xc, const char *domain, FILE *to);

/* What happens on `cpu` from begin to end; `events` for xentrace -e. */
void trace_begin(struct xc_interface_core *xc, const char *events, unsigned int cpu);
void trace_end(struct xc_interface_core *xc);
void trace_print(FILE *to);
