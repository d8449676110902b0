// SPDX-License-Identifier: GPL-2.0
// Which methods there are and what they take.
#include "xenmm/method.hpp"

namespace xenmm
{

namespace
{

bool is_batch_valid(How how)
{
	switch (how.method) {
	case Method::kBatch:
		return how.batch >= 1 && how.batch <= kMaxBatch;
	case Method::kRebuild:
		return how.batch <= kTableEntries;
	default:
		return how.batch == 0;
	}
}

} // namespace

Result<How> check_how(uint32_t method, uint32_t batch, uint32_t offered)
{
	if (method >= 32 || !(kAllMethods & (1U << method)))
		return Errno::kInval;
	How how = {static_cast<Method>(method), batch};
	if (!is_batch_valid(how))
		return Errno::kInval;
	if (!(offered & method_bit(how.method)))
		return Errno::kNotSupported;
	return how;
}

} // namespace xenmm
