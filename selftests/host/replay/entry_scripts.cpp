// SPDX-License-Identifier: GPL-2.0
// Single entries: what may be mapped how, which flags, what is kept. Each script exists
// three times, because mmu_update, update_va_mapping and Xen's emulation of a store check
// in different functions.
//
// Left out: absent entries with address bits. FakeXen crashes the domain for them, as
// Debian's Xen does on a CPU with L1TF; on others Xen takes them.
#include "script.hpp"

namespace xenmm::test
{

namespace
{

struct Way {
	const char *name;
	xenmm_step (*write)(unsigned i, unsigned slot, unsigned frame, uint64_t flags);
};

const Way kWays[] = {
	{"mmu_update", [](unsigned i, unsigned slot, unsigned frame,
			  uint64_t flags) { return update(table(i), slot, frame, flags); }},
	{"va_mapping", va_mapping}, // table i hangs in span i
	{"store", [](unsigned i, unsigned slot, unsigned frame,
		     uint64_t flags) { return store(table(i), slot, frame, flags); }},
};

Script named(const Way &way, const char *what)
{
	return {std::string(way.name) + ": " + what, {}};
}

Script own_pages(const Way &way)
{
	Script script = named(way, "own pages");
	for (unsigned slot : kSlots)
		script << way.write(0, slot, page(slot % 3), kWritable)
		       << way.write(0, slot, page(slot % 3), kReadOnly)
		       << way.write(0, slot, page(slot % 3), kReadOnly | kD)
		       << way.write(0, slot, page(3), kWritable | kG)
		       << way.write(0, slot, XENMM_NO_FRAME, 0)
		       << way.write(0, slot, page(4), kReadOnly);
	return script;
}

Script strangers(const Way &way)
{
	Script script = named(way, "frames of others");
	for (unsigned slot : {0u, 511u})
		for (unsigned frame : kStrangers)
			script << way.write(1, slot, frame, kReadOnly)
			       << way.write(1, slot, frame, kWritable)
			       << way.write(1, slot, page(0), kWritable)
			       << way.write(1, slot, frame, kReadOnly)
			       << way.write(1, slot, frame, kReadOnly | kPwt)
			       << way.write(1, slot, XENMM_NO_FRAME, 0);
	return script;
}

Script page_tables(const Way &way)
{
	Script script = named(way, "page tables");
	for (unsigned frame : {table(0), table(1), table(3), unsigned{XENMM_L2}})
		script << way.write(0, 3, frame, kWritable) << way.write(0, 3, frame, kReadOnly)
		       << way.write(0, 3, frame, kReadOnly | kD)
		       << way.write(0, 3, frame, kWritable) << way.write(0, 3, XENMM_NO_FRAME, 0)
		       << way.write(0, 3, page(1), kWritable) << way.write(0, 3, frame, kWritable)
		       << way.write(0, 3, frame, kReadOnly);
	return script;
}

constexpr unsigned kBits[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 52, 53, 58, 61, 62, 63};

Script each_flag(const Way &way)
{
	Script script = named(way, "each flag alone");
	for (unsigned bit : kBits)
		for (uint64_t others : {kP, kP | kUs, kWritable})
			script << way.write(2, 2, page(2), others ^ (1ULL << bit))
			       << way.write(2, 2, page(2), others);
	return script;
}

Script each_flag_into_empty(const Way &way)
{
	Script script = named(way, "each flag, nothing there before");
	for (unsigned bit : kBits)
		for (uint64_t others : {kP, kP | kUs})
			script << way.write(2, 2, page(5), others | (1ULL << bit))
			       << way.write(2, 2, XENMM_NO_FRAME, 0);
	return script;
}

Script absent(const Way &way)
{
	Script script = named(way, "absent, with flags");
	for (unsigned bit : kBits)
		script << way.write(3, 1, XENMM_NO_FRAME, 1ULL << bit);
	script << way.write(3, 1, page(0), kWritable) << way.write(3, 1, XENMM_NO_FRAME, kA | kD)
	       << way.write(3, 1, XENMM_NO_FRAME, 0);
	return script;
}

// Only mmu_update has commands. 1, MACHPHYS_UPDATE, is left out: it changes no entry.
Script commands()
{
	Script script = {"mmu_update: commands", {}};
	for (unsigned command : {0, 2, 3, 4, 5, 6, 7})
		for (unsigned target : {table(0), unsigned{XENMM_FOREIGN}, page(0)})
			script << update(target, 1, page(0), kWritable, command)
			       << update(target, 1, XENMM_FOREIGN, kReadOnly, command)
			       << update(target, 1, XENMM_NO_FRAME, 0, command);
	return script;
}

Script preserving()
{
	Script script = {"mmu_update: accessed and dirty bits are kept", {}};
	for (uint64_t before : {kWritable, kWritable | kD, kWritable & ~kA})
		for (uint64_t after : {kReadOnly & ~kA, kReadOnly, kWritable & ~kA, uint64_t{0}})
			for (unsigned frame : {page(0), page(1)})
				script << update(table(0), 0, XENMM_NO_FRAME, 0)
				       << update(table(0), 0, page(0), before)
				       << update(table(0), 0, after ? frame : 0, after, 2);
	return script;
}

// What is no page table of ours. A page of ours that is none takes the value as data.
Script targets()
{
	Script script = {"mmu_update: targets that are no page table", {}};
	for (unsigned target : kStrangers)
		for (unsigned frame : {page(0), unsigned{XENMM_NO_FRAME}})
			script << update(target, 5, frame, frame ? kWritable : 0);
	script << update(page(0), 3, page(1), kWritable) << update(page(0), 3, XENMM_FOREIGN, kP);
	return script;
}

Script holes()
{
	Script script = {"va_mapping: where no table hangs", {}};
	for (unsigned span = XENMM_NR_TABLES; span < XENMM_NR_SPANS; span++)
		script << va_mapping(span, 0, page(0), kWritable)
		       << va_mapping(span, 511, XENMM_NO_FRAME, 0);
	script << hook(5, table(1)) << va_mapping(5, 2, page(0), kWritable)
	       << va_mapping(1, 2, page(0), kReadOnly) << unhook(1)
	       << va_mapping(1, 2, page(0), kWritable) << va_mapping(5, 2, page(1), kWritable);
	return script;
}

} // namespace

Scripts entry_scripts()
{
	Scripts scripts;
	for (const Way &way : kWays)
		for (auto make :
		     {own_pages, strangers, page_tables, each_flag, each_flag_into_empty, absent})
			scripts.push_back(make(way));
	for (auto make : {commands, preserving, targets, holes})
		scripts.push_back(make());
	return scripts;
}

} // namespace xenmm::test
