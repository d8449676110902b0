// SPDX-License-Identifier: GPL-2.0
// Validation of an ioctl's fields: method, batch size, protection, reserved fields.
#include "xenmm/request.hpp"
#include "xenmm/method.hpp"

namespace xenmm
{

namespace
{

constexpr uint32_t kMaxRanges = 1U << 20; // XENMM_MAX_RANGES
constexpr uint32_t kProtRead = 1;
constexpr uint32_t kProtReadWrite = 3;

bool is_prot_valid(const xenmm_request &request)
{
	if (request.action != XENMM_PROTECT)
		return request.prot == 0;
	return request.prot == kProtRead || request.prot == kProtReadWrite;
}

} // namespace

Result<void> check_request(const xenmm_request &request, uint32_t offered)
{
	if (request.reserved || !is_prot_valid(request))
		return Errno::kInval;
	if (request.nr_pieces == 0 || request.nr_pieces > kMaxRanges)
		return Errno::kInval;
	return check_how(request.method, request.batch, offered).error();
}

} // namespace xenmm
