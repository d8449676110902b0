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

# caught NAME WORD TEXT [ARGUMENTS...]: bench must notice a module that does this.
caught() {
	name=$1
	words=$2
	text=$3
	shift 3
	[ $# -gt 0 ] || set -- --workload arena --pages 256
	ends "$name" 1 fake "$words" bench --runs 1 "$@"
	says "$name: the message says what is wrong" err "$text"
	silent "$name: no results" out
}

test_fake_results() {
	ends "bench on the fake device" 0 \
		fake "" bench --pages 64 --runs 2 --json "$tmp/fake.json"
	says "ratios to trap" out "1.00x"
	is_results "the fake's file has the results format" "$tmp/fake.json"
	is_json "eleven arena and fourteen stock workloads" "$tmp/fake.json" \
		'len({r["workload"] for r in d["results"]}) == 25'
	is_json "eight methods, five batches" "$tmp/fake.json" \
		'[(r["method"], r["batch"]) for r in d["results"] if r["workload"] == "arena-map"] ==
		 [(m, None) for m in "trap hypercall va_mapping multicall lazy".split()] +
		 [("batch", b) for b in (1, 8, 31, 512, 2048)] + [("rebuild", None), ("auto", None)]'
	is_json "demand faults and the end of an arena have no method" "$tmp/fake.json" \
		'[r["workload"] for r in d["results"]
		  if r["workload"].startswith("arena") and r["method"] is None] ==
		 ["arena-touch", "arena-munmap", "arena-exit"]'
	is_json "no density unless asked for" "$tmp/fake.json" \
		'{r["density"] for r in d["results"]} == {None} and list(d["results"][0])[4:6] ==
		 ["pages", "density"]'
	is_json "counters are those of one run" "$tmp/fake.json" \
		'[r["counters"]["hypercalls"] for r in d["results"]
		  if r["workload"] == "arena-protect" and r["batch"]] == [64, 8, 3, 1, 1]'
	is_json "flip for protection alone" "$tmp/fake.json" \
		'{r["workload"] for r in d["results"] if r["method"] == "flip"} ==
		 {"arena-protect", "arena-protect-ro", "arena-protect-first"}'
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

# 1,536 pages are three tables.
test_fake_density() {
	ends "some pages of each table" 0 fake "" bench --density 512,1,7,256 --pages 1536 \
		--method batch,rebuild --batch 2048 --rebuild-from 1 --runs 1 --json "$tmp/density.json"
	says "its table has a density" out "pages  density  "
	is_results "density has the results format" "$tmp/density.json"
	is_json "seven workloads, four densities, two methods; pages are those worked on" \
		"$tmp/density.json" \
		'[(r["workload"], r["density"], r["method"], r["pages"]) for r in d["results"]] ==
		 [("arena-" + w, n, m, 3 * n)
		  for w in "map unmap unmap-ro protect protect-ro populate discard".split()
		  for n in (1, 7, 256, 512) for m in ("batch", "rebuild")]'
	is_json "one call, on the pages asked for alone" "$tmp/density.json" \
		'[(r["counters"]["pages_protected"], r["counters"]["hypercalls"])
		  for r in d["results"] if r["workload"] == "arena-protect"] ==
		 [(3, 1), (3, 3), (21, 1), (21, 3), (768, 1), (768, 3), (1536, 1), (1536, 3)]'
	ends "density beside two page counts" 0 fake "" bench --density 2 --pages 1024,512 \
		--workload arena-map --method auto --runs 1 --format json
	is_json "by page count, then density" "$tmp/out" '[r["pages"] for r in d["results"]] == [2, 4]'
	ends "density with a part of a table" 2 fake "" bench --density 8 --pages 512,1000
	says "it says what --pages has to be" err "multiple of 512, not 1000"
	ends "density where there is none" 2 fake "" bench --density 8 --workload stock,arena-exit
	says "it says what density is for" err "--density is for arena-map, arena-unmap"
	ends "more ranges than a call takes" 2 fake "" bench --density 256 --pages 2097664
	says "it says how many a call takes" err "one call takes 1048576 ranges"
}

# lies WORD TEXT WORKLOADS...: each of them must notice a kernel that does this.
lies() {
	word=$1
	text=$2
	shift 2
	for workload; do
		caught "$workload on a kernel that is $word" "$word" "$text" \
			--workload "$workload" --pages 600
	done
}

test_fake_memory() {
	ends "an honest kernel" 0 fake "" bench --workload stock --pages 600 --runs 2
	lies eager "page faults, and at least" touch file-fault
	lies kept "page faults, and at least" page-fault1 page-fault2 page-fault3 chunks
	lies late "where all pages should be there" populate
	lies shared "page faults, and at least" cow
	lies shared "content is not what was left" page-fault2
	lies private "content is not what was written" page-fault3
	lies private "add up to 0" file-fault
	lies no-mprotect "can be written" mprotect mprotect-rw
	lies stays "memory is still there" munmap
	lies lost "content is not what was left" mremap
	lies exec-another "a child's wait status is 0x0" exec
	lies still "the clock stood still" walk-4k
	lies bad-child "a child's wait status is 0x100" fork cow
}

test_fake_failures() {
	caught "an entry that stays writable" no-protect "is writable"
	caught "an entry that stays empty" no-map "should be mapped"
	caught "an entry that stays present" no-unmap "should be unmapped"
	caught "pages that nobody named" spill "should be mapped (nobody asked to change them)" \
		--density 1
	caught "memory that stays after munmap" no-munmap "after munmap" --workload arena-munmap
	caught "pages that stay after munmap" no-free "0 of 4096 pages were freed" \
		--workload arena-munmap
	caught "pages that stay after exit" no-free "0 of 4096 pages were freed" \
		--workload arena-exit
	caught "a child that cannot populate" eio "in the child: Input/output error" \
		--workload arena-exit
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
		'd["source"] == "ioctl" and d["histogram"] is None and len(d["stats"]) == 27'
}
