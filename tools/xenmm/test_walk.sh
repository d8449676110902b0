# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # variables of test.sh, which reads this file
# Tests of the page walks: what they leave out, what they refuse, and the table references.

# a_system FOLDER KIB FLAGS: a made-up one, whose mappings all hold KIB of huge pages and
# whose CPU has FLAGS.
a_system() {
	mkdir -p "$1/proc/self" "$1/sys/kernel/mm/transparent_hugepage"
	printf '0-ffffffffffff rw-p 0\nAnonHugePages: %s kB\n' "$2" >"$1/proc/self/smaps"
	printf 'processor : 0\nflags\t\t: fpu %s sse\n' "$3" >"$1/proc/cpuinfo"
	echo "always [madvise] never" >"$1/sys/kernel/mm/transparent_hugepage/enabled"
}

# references NAME WORKLOAD GUEST VMM_PAGE VMM_LEVELS WANTED: on the system $system.
references() {
	ends "walk: $1" 0 env XENMM_ROOT="$system" XENMM_GUEST="$3" XENMM_LAB_VMM_PAGE="$4" \
		XENMM_LAB_VMM_LEVELS="$5" "$xenmm" bench --workload "$2" --pages 64 --runs 1 \
		--format json
	is_results "walk: $1: the results format" "$tmp/out"
	is_json "walk: $1: references, at most" "$tmp/out" \
		'[(w["references"], w["references_max"]) for w in [d["results"][0]["walk"]]] == ['"$6"']'
}

test_walk() {
	ends "page walks" 0 "$xenmm" bench --workload walk --pages 600 --runs 2 --json "$tmp/walk.json"
	says "their table says what a figure is per" out "walk-*: per access"
	says "their table has misses" out "misses an access:"
	is_results "page walks have the results format" "$tmp/walk.json"
	is_json "near, 4k, and 2m where it can be had" "$tmp/walk.json" \
		'[(r["workload"], r["walk"]["guest_leaf"]) for r in d["results"]] in
		 [[("walk-near", "4k"), ("walk-4k", "4k"), ("walk-2m", "2m")][:n] for n in (2, 3)]'
	ends "one page, near and far" 0 "$xenmm" bench --workload walk --pages 1 --runs 1
	ends "page walks under TCG" 0 env XENMM_LAB_EMULATED=1 "$xenmm" bench --workload walk-4k \
		--pages 64 --runs 1
	says "misses under TCG" out "misses an access: n/a under TCG"
}

test_walk_references() {
	system=$tmp/small-pages
	a_system "$system" 0 vme
	references "bare" walk-4k bare "" "" "(4, 4)"
	references "PV is one dimension" walk-4k xen-pv 2m "" "(4, 4)"
	references "nested, not told" walk-4k xen-pvh-hap "" "" "(None, 24)"
	references "nested, small pages" walk-near xen-pvh-hap 4k "" "(24, 24)"
	references "nested, large pages" walk-4k kvm-npt 2m "" "(19, 24)"
	references "nested, huge pages" walk-4k kvm-npt 1g "" "(14, 24)"
	references "nested, five levels below" walk-4k kvm-npt 2m 5 "(24, 29)"
	references "shadow" walk-4k kvm-shadow "" "" "(4, 4)"
	system=$tmp/large-pages
	a_system "$system" 2048 vme
	references "large pages" walk-2m bare "" "" "(3, 4)"
	references "large pages twice" walk-2m kvm-npt 2m "" "(15, 24)"
	references "large pages above small ones" walk-2m kvm-npt 4k "" "(19, 24)"
	references "large pages, shadow not told" walk-2m kvm-shadow "" "" "(None, 4)"
	references "large pages, shadow of small ones" walk-2m xen-pvh-shadow 4k "" "(4, 4)"
	references "large pages, shadow of large ones" walk-2m kvm-shadow 2m "" "(3, 4)"
	system=$tmp/five-levels
	a_system "$system" 0 la57
	references "five levels" walk-4k bare "" "" "(5, 5)"
	references "five levels above four" walk-4k kvm-npt 2m "" "(23, 29)"
}

test_walk_failures() {
	ends "a VMM page of another size" 2 env XENMM_GUEST=kvm-npt XENMM_LAB_VMM_PAGE=4m \
		"$xenmm" bench --workload walk-4k --pages 64 --runs 1
	says "it says which there are" err "4k, 2m or 1g"
	ends "page walks in cycles" 0 "$xenmm" bench --workload walk-4k --unit cycles --pages 64 \
		--runs 1 --format json
	is_results "page walks in cycles have the results format" "$tmp/out"
	ends "page walks where instructions make the time" 4 \
		env XENMM_LAB_ICOUNT=1 "$xenmm" bench --workload walk --unit ns
	says "it says what to do" err "without --icount"
}

test_walk_small_pages() {
	a_system "$tmp/no-switch" 0 vme
	rm -r "$tmp/no-switch/sys"
	ends "no huge pages" 0 env XENMM_ROOT="$tmp/no-switch" "$xenmm" bench --workload walk \
		--pages 64 --runs 1 --format json
	says "walk-2m is left out with a message" err "walk-2m: no huge pages here: the kernel has no"
	is_json "the others are not" "$tmp/out" \
		'[r["workload"] for r in d["results"]] == ["walk-near", "walk-4k"]'
	a_system "$tmp/never" 0 vme
	echo "always madvise [never]" >"$tmp/never/sys/kernel/mm/transparent_hugepage/enabled"
	ends "no huge pages, asked for by name" 4 env XENMM_ROOT="$tmp/never" "$xenmm" bench \
		--workload walk-2m
	says "it says that they are switched off" err "is 'never'"
	a_system "$tmp/some" 4 vme
	ends "too few huge pages" 4 env XENMM_ROOT="$tmp/some" "$xenmm" bench --workload walk-2m \
		--pages 64
	says "it says how many there are" err "the kernel gave 4 of 2048 KiB"
	ends "huge pages where there should be none" 4 env XENMM_ROOT="$tmp/some" "$xenmm" bench \
		--workload walk-4k --pages 64 --runs 1
	says "it says how many there are" err "huge pages map 4 of 2048 KiB"
}
