// SPDX-License-Identifier: MIT OR GPL-2.0
// Who is asked when the program takes SIGSEGV. What nobody serves goes to the handler that
// was there before; one that is set later has to call ours in its turn.
#pragma once

#include <stddef.h>

namespace xenmm
{

class Ordinary;

// Faults inside of [start, start + length) are `memory`'s from now on, until it is
// forgotten. false, ENOMEM: there are too many already.
bool serve_faults(Ordinary *memory, void *start, size_t length);
void forget_faults(const Ordinary *memory);

} // namespace xenmm
