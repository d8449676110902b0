// SPDX-License-Identifier: GPL-2.0
// Whole tables: pins, hooks, the alias in the direct map, and what Xen looks at when it
// takes a table for one.
//
// Left out, because FakeXen knows of an L2 entry only which table it hooks: other flags
// that Xen would take, and updates that keep bits of an entry that becomes absent.
#include "script.hpp"

namespace xenmm::test
{

namespace
{

Script rebuild()
{
	Script script = {"rebuild: out, written, back", {}};
	script << update(table(0), 0, page(0), kWritable) << take_out(0)
	       << store(table(0), 0, page(0), kReadOnly) << store(table(0), 1, page(1), kP)
	       << store(table(0), 2, page(2), kWritable | kD | kG)
	       << store(table(0), 511, table(1), kReadOnly) << put_back(0)
	       << store(table(0), 511, XENMM_NO_FRAME, 0) << va_mapping(0, 2, page(2), kReadOnly);
	return script;
}

// What Xen finds in a table that it is to take back: nothing of it is taken.
Script bad_entry(const char *name, unsigned frame, uint64_t flags)
{
	Script script = {std::string("validation: ") + name, {}};
	for (unsigned slot : {0u, 255u, 511u}) {
		script << take_out(2) << store(table(2), 1, page(1), kReadOnly)
		       << store(table(2), 509, page(2), kP) << store(table(2), slot, frame, flags)
		       << put_back(2) << pin(table(2)) << hook(4, table(2)) << unpin(table(2))
		       << alias_rw(table(2)) << store(table(2), slot, XENMM_NO_FRAME, 0)
		       << put_back(2);
	}
	return script;
}

Scripts bad_entries()
{
	return {bad_entry("another domain's frame", XENMM_FOREIGN, kReadOnly),
		bad_entry("a frame of Xen", XENMM_XENS, kWritable),
		bad_entry("a device", XENMM_IO, kWritable),
		bad_entry("no memory", XENMM_BEYOND, kReadOnly),
		bad_entry("all ones", XENMM_ALL_ONES, kReadOnly),
		bad_entry("a forbidden flag", page(0), kReadOnly | kPwt),
		bad_entry("a grant", page(0), kReadOnly | kGrant),
		bad_entry("itself, writable", table(2), kWritable),
		bad_entry("itself, read-only", table(2), kReadOnly),
		bad_entry("another table, writable", table(1), kWritable),
		bad_entry("the L2 table, writable", XENMM_L2, kWritable),
		bad_entry("absent, with flags", XENMM_NO_FRAME, kRw | kD)};
}

Script pins()
{
	Script script = {"pin and unpin", {}};
	script << pin(table(0)) << unpin(table(0)) << unpin(table(0)) << pin(table(0))
	       << pin(table(0));
	for (unsigned target :
	     {page(0), unsigned{XENMM_L2}, unsigned{XENMM_FOREIGN}, unsigned{XENMM_XENS},
	      unsigned{XENMM_IO}, unsigned{XENMM_BEYOND}, unsigned{XENMM_ALL_ONES}})
		script << pin(target) << unpin(target);
	script << unhook(0) << unpin(table(0)) << unpin(table(0)) << pin(table(0))
	       << hook(0, table(0));
	return script;
}

Script hooks()
{
	Script script = {"hook and unhook", {}};
	script << hook(4, table(0)) << hook(5, table(0)) << unhook(0) << unhook(0) << unhook(4)
	       << hook(5, table(1)) << unpin(table(0)) << hook(0, table(0)) << hook(0, table(0));
	for (unsigned frame :
	     {page(0), unsigned{XENMM_L2}, unsigned{XENMM_FOREIGN}, unsigned{XENMM_XENS},
	      unsigned{XENMM_IO}, unsigned{XENMM_BEYOND}, unsigned{XENMM_ALL_ONES}})
		script << hook(6, frame) << hook(0, frame);
	return script;
}

Script hook_flags()
{
	Script script = {"hook: forbidden flags", {}};
	for (uint64_t flag : {kPwt, kPcd, kPat, kG})
		for (unsigned frame : {table(0), page(0), unsigned{XENMM_FOREIGN}})
			script << update(XENMM_L2, 0, frame, XENMM_HOOK_FLAGS | flag)
			       << update(XENMM_L2, 6, frame, XENMM_HOOK_FLAGS | flag);
	for (unsigned command : {2, 3, 4, 7})
		script << update(XENMM_L2, 6, table(0), XENMM_HOOK_FLAGS, command)
		       << update(XENMM_L2, 6, page(0), XENMM_HOOK_FLAGS, command);
	return script;
}

// Writable only while neither hooked nor pinned; not taken back while writable.
Script aliases()
{
	Script script = {"alias", {}};
	script << alias_rw(table(0)) << alias_ro(table(0)) << unpin(table(0)) << alias_rw(table(0))
	       << pin(table(0)) << unhook(0) << alias_rw(table(0)) << unpin(table(0))
	       << alias_rw(table(0)) << alias_rw(table(0)) << pin(table(0)) << hook(0, table(0))
	       << alias_ro(table(0)) << pin(table(0)) << alias_rw(table(0)) << hook(0, table(0));
	return script;
}

// The same with an ordinary entry in the place of the direct map.
Script writable_elsewhere()
{
	Script script = {"a table that another one maps", {}};
	script << update(table(0), 0, table(1), kWritable) << unpin(table(1)) << unhook(1)
	       << update(table(0), 0, table(1), kWritable) << pin(table(1)) << hook(1, table(1))
	       << update(table(0), 1, table(1), kWritable)
	       << update(table(0), 0, table(1), kReadOnly) << pin(table(1)) << alias_rw(table(1))
	       << update(table(0), 1, XENMM_NO_FRAME, 0) << pin(table(1)) << alias_ro(table(1))
	       << pin(table(1)) << hook(1, table(1)) << update(table(0), 0, table(1), kWritable)
	       << unhook(0) << unpin(table(0)) << update(table(2), 0, table(0), kWritable)
	       << pin(table(0)) << unhook(2) << unpin(table(2)) << pin(table(0));
	return script;
}

// A store is emulated where the table is one for Xen; else the alias decides.
Script stores()
{
	Script script = {"store: into tables in all states", {}};
	const xenmm_step write = store(table(0), 3, page(0), kP | kUs);
	const xenmm_step clear = store(table(0), 3, XENMM_NO_FRAME, 0);
	script << unhook(0) << write << clear << hook(0, table(0)) << unpin(table(0)) << write
	       << clear << unhook(0) << write << clear << alias_rw(table(0)) << write
	       << store(table(0), 2, XENMM_FOREIGN, kWritable) << alias_ro(table(0)) << clear
	       << alias_rw(table(0)) << clear << alias_ro(table(0)) << write;
	return script;
}

// An mmu_update of what is no table at the time is a store into memory.
Script updates_of_no_table()
{
	Script script = {"mmu_update: a table that is none at the time", {}};
	const xenmm_step write = update(table(0), 3, page(0), kP | kUs);
	const xenmm_step foreign = update(table(0), 2, XENMM_FOREIGN, kWritable);
	script << unhook(0) << write << foreign << unpin(table(0)) << write << foreign
	       << pin(table(0)) << alias_rw(table(0)) << write << foreign
	       << update(table(0), 2, page(0), kP | kPwt, 2)
	       << update(table(0), 2, XENMM_NO_FRAME, 0) << alias_ro(table(0)) << pin(table(0))
	       << hook(0, table(0));
	return script;
}

Script refused_rebuild()
{
	Script script = {"rebuild: steps in the wrong order", {}};
	script << multicall({{alias_rw(table(3))}, {unpin(table(3))}, {unhook(3)}})
	       << multicall({{hook(3, table(3))}, {alias_rw(table(3))}, {pin(table(3))}})
	       << multicall({{unhook(3)},
			     {alias_rw(table(3))},
			     {unpin(table(3))},
			     {alias_rw(table(3))},
			     {pin(table(3))},
			     {hook(3, table(3))},
			     {alias_ro(table(3))},
			     {hook(3, table(3))},
			     {pin(table(3))}});
	return script;
}

} // namespace

Scripts table_scripts()
{
	Scripts scripts = bad_entries();
	for (auto make : {rebuild, pins, hooks, hook_flags, aliases, writable_elsewhere, stores,
			  updates_of_no_table, refused_rebuild})
		scripts.push_back(make());
	return scripts;
}

} // namespace xenmm::test
