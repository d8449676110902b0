# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # variables of test.sh, which reads this file
# xenmm calibrate on the double, whose operations take what its own price list says
# (kPrices in fake_device.cpp), by a clock of its own: the tool has to find that list again.

# calibrate WORDS ARGUMENTS...: with a debugfs of ours.
calibrate() {
	words=$1
	shift
	env XENMM_ROOT="$tmp/cost" XENMM_FAKE="$words" "$fake" calibrate "$@"
}

test_calibrate() {
	debugfs=$tmp/cost/sys/kernel/debug/xenmm
	mkdir -p "$debugfs"
	printf 'calibrated 0\nhypercall 1234\nmap 5\n' >"$debugfs/cost"
	cp "$debugfs/cost" "$tmp/old-cost"

	ends "calibrate --dry-run" 0 calibrate timed --dry-run --runs 1
	says "old prices are shown" out "1,234"
	says "a full table is predicted" out "protected by rebuild takes"
	says "the dry run says so" err "keeps its prices"
	cmp -s "$debugfs/cost" "$tmp/old-cost"
	verdict "a dry run writes nothing" $?

	ends "calibrate" 0 calibrate timed --runs 2 --json
	cp "$tmp/out" "$tmp/prices.json"
	is_json "prices are those of the double" "$tmp/prices.json" \
		'all(d["prices"][name]["new"] == price for name, price in
		     dict(hypercall=8000, map=4000, unmap=3000, protect=5000, rebuild=400000,
			  validate=2000, devalidate=1000, flip=150000, trap=12000).items())'
	is_json "a price that was not there is null" "$tmp/prices.json" \
		'[d["prices"][name]["old"] for name in ("map", "flip")] == [5, None] and d["written"]'
	is_json "the prediction is right" "$tmp/prices.json" \
		'd["protect_by_rebuild"]["predicted"] == d["protect_by_rebuild"]["measured"]'
	says "it says where they went" err "debug/xenmm/cost"
	python3 -c 'import json, sys
for name, price in json.load(open(sys.argv[1]))["prices"].items():
	print(name, price["new"])' "$tmp/prices.json" >"$tmp/expected"
	cmp -s "$tmp/expected" "$debugfs/cost"
	verdict "the module is told the same nine prices" $?
}

test_calibrate_failures() {
	ends "calibrate without debugfs" 3 env XENMM_ROOT="$tmp/small" "$fake" calibrate
	says "it says what to mount" err "debugfs mounted on /sys/kernel/debug"
	ends "calibrate where there is no choice" 4 calibrate native
	says "it says why" err "one method only"
	ends "calibrate on a part of a table" 2 calibrate "" --pages 1000
	says "it says what is allowed" err "multiple of 512"
	ends "a rebuild that is none" 1 calibrate by-batch --runs 1
	says "it says by what method" err "0 of 8 tables were changed by rebuild"
	ends "an operation that fails" 1 calibrate eio
	silent "no prices of what failed" out
}
