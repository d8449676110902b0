/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a program asks for, as the core's request. Includes nothing of the kernel's, so
 * that host tests decode as the module does.
 */
#ifndef XENMM_DECODE_H
#define XENMM_DECODE_H

#include "uapi/xenmm.h"
#include "xenmm/abi.h"

static inline struct xenmm_request xenmm_decode(enum xenmm_action action, const struct xenmm_op *op)
{
	struct xenmm_request request = {};

	request.action = action;
	request.nr_pieces = op->nr_ranges;
	request.method = op->method;
	request.batch = op->batch;
	request.prot = op->prot;
	request.reserved = op->reserved[0] | op->reserved[1];
	return request;
}

/* The outcome, beside what was asked for. */
static inline void xenmm_encode(struct xenmm_op *op, const struct xenmm_request *request)
{
	op->pages_done = request->pages_done;
	op->failed_address = request->failed_address;
	op->hypervisor_error = request->hypervisor_error;
	op->reserved_out = 0;
}

#endif /* XENMM_DECODE_H */
