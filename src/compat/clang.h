/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For builds by clang alone, before all else (Kbuild). Where gcc built the kernel, headers of 6.12
 * reach per-CPU variables through a named address space. In an operand of asm clang drops the
 * segment then, and "incl %gs:counter" becomes a write into no CPU's memory.
 */
#undef CONFIG_CC_HAS_NAMED_AS
#undef CONFIG_USE_X86_SEG_SUPPORT
