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
    tables_rebuilt tables_flipped twins_made twins_dropped twin_updates teardown_pages repairs""".split()

HEADING = {"schema_version": (int,), "tool_version": (str,), "timestamp": (str,), "results": (list,)}
RESULT = {
    "guest": (str,), "workload": (str,), "method": (str, NULL), "batch": (int, NULL),
    "pages": (int,), "density": (int, NULL), "runs": (int,), "per_page": (dict,), "unit": (str,),
    "counters": (dict, NULL), "hypervisor": (dict, NULL), "environment": (dict,),
}
BATCHES = {"batch": range(1, 2049), "rebuild": {None, *range(1, 513)}}
PER_PAGE = {"median": (float, int), "min": (float, int), "max": (float, int)}
ENVIRONMENT = {
    "kernel": (str,), "hypervisor": (str, NULL), "module_version": (str, NULL), "vcpus": (int,),
    "memory_bytes": (int,), "emulated": (bool,), "xpti": (bool, NULL), "xen_options": (str, NULL),
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
    check(result["guest"] in GUESTS, f"unknown guest {result['guest']}")
    check(result["unit"] in {"instructions", "ns", "cycles"}, f"unknown unit {result['unit']}")
    sizes = BATCHES.get(result["method"], {None})
    check(result["batch"] in sizes, f"method {result['method']} with batch {result['batch']}")
    density = result["density"]
    check(density is None or (density in range(1, 513) and result["pages"] % density == 0),
          f"{result['pages']} pages, density {density}")
    if result["counters"] is not None:
        check_keys("counters", result["counters"], {name: (int,) for name in COUNTERS})


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
