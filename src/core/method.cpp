// SPDX-License-Identifier: GPL-2.0
// Which methods there are and what they take.
#include "xenmm/method.hpp"

namespace xenmm
{

Result<How> check_how(uint32_t method, uint32_t batch, uint32_t offered)
{
	if (method == 0 || method >= 32 || !((kPvMethods | kNativeMethods) & (1U << method)))
		return Errno::kInval;
	How how = {static_cast<Method>(method), batch};
	bool fits = how.method == Method::kBatch ? batch >= 1 && batch <= kMaxBatch : batch == 0;
	if (!fits)
		return Errno::kInval;
	if (!(offered & method_bit(how.method)))
		return Errno::kNotSupported;
	return how;
}

} // namespace xenmm
