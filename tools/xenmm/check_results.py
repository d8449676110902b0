#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Is FILE of the results format, version 1? Every key, its type, and nothing else.

usage: check_results.py FILE; exit 1 and a message on stderr when it is not.
"""

import json
import re
import sys

NULL = type(None)
GUESTS = {"bare", "xen-pv", "xen-pv-dom0", "xen-pvh-hap", "xen-pvh-shadow", "kvm-npt", "kvm-shadow"}
COUNTERS = """hypercalls mmu_updates traps va_mappings multicalls lazy_updates native_stores
    tlb_flushes faults fault_around_pages pages_mapped pages_unmapped pages_protected
    pages_allocated pages_freed errors partial_batches hypercall_cycles trap_cycles
    tables_rebuilt tables_flipped twins_made twins_dropped twin_updates teardown_pages repairs
    writes_noted""".split()

HEADING = {"schema_version": (int,), "tool_version": (str,), "timestamp": (str,), "results": (list,)}
RESULT = {
    "guest": (str,), "workload": (str,), "method": (str, NULL), "batch": (int, NULL),
    "pages": (int,), "density": (int, NULL), "runs": (int,), "per_page": (dict,), "unit": (str,),
    "counters": (dict, NULL), "hypervisor": (dict, NULL), "walk": (dict, NULL), "misses": (dict, NULL),
    "environment": (dict,),
}
BATCHES = {"batch": range(1, 2049), "rebuild": {None, *range(1, 513)}}
# The table references of one page walk: guest_leaf by levels that are left, in a tree of 4.
LEVELS = {"4k": 4, "2m": 3, "1g": 2}
WALK = {"guest_leaf": (str,), "vmm_leaf": (str, NULL), "references": (int, NULL), "references_max": (int,)}
MISSES = {name: (float, int, NULL) for name in ("dtlb", "cache", "instruction_cache")}
PER_PAGE = {"median": (float, int), "min": (float, int), "max": (float, int), "each": (list,)}
ENVIRONMENT = {
    "kernel": (str,), "hypervisor": (str, NULL), "module_version": (str, NULL), "vcpus": (int,),
    "memory_bytes": (int,), "emulated": (bool,), "aslr": (bool,), "pinned_cpu": (int, NULL), "xpti": (bool, NULL), "xen_options": (str, NULL),
}


def check(condition, message):
    if not condition:
        sys.exit(f"{sys.argv[1]}: {message}")


def check_keys(what, value, keys):
    check(list(value) == list(keys), f"{what} has the keys {list(value)}, not {list(keys)}")
    for key, types in keys.items():
        # To Python a bool is an int.
        check(type(value[key]) in types, f"{what}.{key} is {value[key]!r}")


def check_result(result):
    check_keys("result", result, RESULT)
    check_keys("per_page", result["per_page"], PER_PAGE)
    check_keys("environment", result["environment"], ENVIRONMENT)
    per_page = result["per_page"]
    check(0 <= per_page["min"] <= per_page["median"] <= per_page["max"], f"unordered {per_page}")
    each = per_page["each"]
    check(len(each) == result["runs"] and {min(each), max(each)} == {per_page["min"], per_page["max"]},
          f"{result['runs']} runs: {per_page}")
    check(result["guest"] in GUESTS, f"unknown guest {result['guest']}")
    check(result["unit"] in {"instructions", "ns", "cycles"}, f"unknown unit {result['unit']}")
    sizes = BATCHES.get(result["method"], {None})
    check(result["batch"] in sizes, f"method {result['method']} with batch {result['batch']}")
    density = result["density"]
    check(density is None or (density in range(1, 513) and result["pages"] % density == 0),
          f"{result['pages']} pages, density {density}")
    if result["counters"] is not None:
        check_keys("counters", result["counters"], {name: (int,) for name in COUNTERS})
    check_walk(result)


def check_walk(result):
    walk, misses, guest = result["walk"], result["misses"], result["guest"]
    check((walk is not None) == result["workload"].startswith("walk-"), f"walk is {walk}")
    check(walk is not None or misses is None, f"misses are {misses}")
    if misses is not None:
        check_keys("misses", misses, MISSES)
    if walk is None:
        return
    check_keys("walk", walk, WALK)
    check(result["unit"] != "instructions", f"a page walk in {result['unit']}")
    leaf, vmm = walk["guest_leaf"], walk["vmm_leaf"]
    check(leaf in {"4k", "2m"} and vmm in {None, *LEVELS}, f"leaves {leaf}, {vmm}")
    nested = guest in {"xen-pvh-hap", "kvm-npt"}
    check((walk["references"] is None) == (vmm is None and (nested or (
        guest.endswith("-shadow") and leaf != "4k"))), f"{guest}: {walk}")
    check((walk["references"] or 0) <= walk["references_max"], f"{walk}")
    if walk["references_max"] in {4, 24} and walk["references"] is not None:
        levels = LEVELS[leaf]
        if guest.endswith("-shadow"):
            levels = max(levels, LEVELS[vmm or leaf])
        wanted = (levels + 1) * ((LEVELS[vmm] if nested else 0) + 1) - 1
        check(walk["references"] == wanted, f"{walk}, and there are {wanted} references")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    check_keys("document", document, HEADING)
    check(document["schema_version"] == 1, "schema_version is not 1")
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["timestamp"]), "timestamp")
    check(document["results"], "no results")
    for result in document["results"]:
        check_result(result)


main()
