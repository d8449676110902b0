# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # variables of test.sh, which reads this file
# Tests above a device made of ordinary memory: the arena workloads run, and their
# checks are seen to fail.

# fake WORDS ARGUMENTS...
fake() {
	words=$1
	shift
	env XENMM_FAKE="$words" "$fake" "$@"
}

# caught NAME WORD TEXT: bench must notice a module that does this.
caught() {
	ends "$1" 1 fake "$2" bench --workload arena --pages 256 --runs 1
	says "$1: the message says what is wrong" err "$3"
	silent "$1: no results" out
}

test_fake_results() {
	ends "bench on the fake device" 0 \
		fake "" bench --pages 64 --runs 2 --json "$tmp/fake.json"
	says "ratios to trap" out "1.00x"
	is_results "the fake's file has the results format" "$tmp/fake.json"
	is_json "seven arena and six stock workloads" "$tmp/fake.json" \
		'len({r["workload"] for r in d["results"]}) == 13'
	is_json "eight methods, five batches" "$tmp/fake.json" \
		'[(r["method"], r["batch"]) for r in d["results"] if r["workload"] == "arena-map"] ==
		 [(m, None) for m in "trap hypercall va_mapping multicall lazy".split()] +
		 [("batch", b) for b in (1, 8, 31, 512, 2048)] + [("rebuild", None), ("auto", None)]'
	is_json "demand faults have no method" "$tmp/fake.json" \
		'[r["method"] for r in d["results"] if r["workload"] == "arena-touch"] == [None]'
	is_json "counters are those of one run" "$tmp/fake.json" \
		'[r["counters"]["hypercalls"] for r in d["results"]
		  if r["workload"] == "arena-protect" and r["batch"]] == [64, 8, 3, 1, 1]'
	is_json "flip for protection alone" "$tmp/fake.json" \
		'{r["workload"] for r in d["results"] if r["method"] == "flip"} ==
		 {"arena-protect", "arena-protect-ro"}'
	ends "some methods and batches" 0 fake "" bench --workload arena-protect,arena-map \
		--method batch,trap --batch 31,8,8 --pages 1 --runs 1 --format json
	is_json "in the order of the table, each once" "$tmp/out" \
		'[(r["workload"], r["method"], r["batch"]) for r in d["results"]] ==
		 [(w, m, b) for w in ("arena-map", "arena-protect")
		  for m, b in (("trap", None), ("batch", 8), ("batch", 31))]'
}

# Whole tables: 1,024 pages are two.
test_fake_whole_tables() {
	ends "whole-table methods" 0 fake "" bench --workload arena-protect,arena-map \
		--method auto,flip,rebuild --rebuild-from 512,0,1 --pages 1024 --runs 1 --format json
	is_results "whole-table methods have the results format" "$tmp/out"
	is_json "thresholds of rebuild in the place of batch" "$tmp/out" \
		'[(r["workload"], r["method"], r["batch"]) for r in d["results"]] ==
		 [("arena-map", "rebuild", b) for b in (None, 1, 512)] +
		 [("arena-map", "auto", None)] +
		 [("arena-protect", "rebuild", b) for b in (None, 1, 512)] +
		 [("arena-protect", "flip", None), ("arena-protect", "auto", None)]'
	is_json "tables rebuilt and flipped" "$tmp/out" \
		'[(r["counters"]["tables_rebuilt"], r["counters"]["tables_flipped"])
		  for r in d["results"] if r["workload"] == "arena-protect"] ==
		 [(2, 0)] * 3 + [(0, 2)] * 2'
	ends "the threshold is shown as batch" 0 fake "" bench --workload arena-map \
		--method rebuild --rebuild-from 7 --pages 1024 --runs 1
	says "the threshold is in the table" out "rebuild      7  1,024"
	ends "flip where nothing is protected" 2 fake "" bench --workload arena-map --method flip
	says "it says what flip is for" err "the method flip is for arena-protect, arena-protect-ro"
	ends "flip beside what has no method" 0 fake "" bench --workload arena-touch,arena-map \
		--method flip --pages 8 --runs 1 --format json
	is_json "flip is left out there" "$tmp/out" \
		'[r["workload"] for r in d["results"]] == ["arena-touch"]'
}

test_fake_failures() {
	caught "an entry that stays writable" no-protect "is writable"
	caught "an entry that stays empty" no-map "should be mapped"
	caught "an entry that stays present" no-unmap "should be unmapped"
	caught "a page that is not zeroed" dirty-discard "expected 0x0"
	caught "a hypervisor that refuses" eio "128 of 256 pages done"
	caught "success that is not whole" short "128 of 256 pages done"
	caught "a page that cannot be touched" crash "memory fault"
	ends "no privilege" 3 fake eacces bench
	says "no privilege: run as root" err "run as root"
	ends "ordinary memory without privilege" 0 \
		fake eacces bench --workload munmap --pages 8 --runs 1
	ends "another ABI version" 3 fake abi2 bench
	ends "a PV method elsewhere" 4 fake native bench --method native,trap
	says "a PV method elsewhere: what there is" err "it has native"
	ends "the methods of a native guest" 0 \
		fake native bench --workload arena --pages 64 --runs 1 --format json
	is_json "native, and auto that has no choice" "$tmp/out" \
		'{r["method"] for r in d["results"]} == {None, "native", "auto"}'
	ends "stats by ioctl" 0 fake "" stats --json
	is_json "source is ioctl, no histogram" "$tmp/out" \
		'd["source"] == "ioctl" and d["histogram"] is None and len(d["stats"]) == 26'
}
