# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # variables of test.sh, which reads this file
# Tests of --ask, with a program at the other end of a terminal that stands for a hypervisor.

# asking ANSWERS COMMAND...: runs it with "--ask DEVICE" behind; each request is answered
# by the file of its name in the folder ANSWERS, and written to ANSWERS/asked.
asking() {
	python3 "$here/test_vmm.py" "$@"
}

# answer NAME LINE...
answer() {
	mkdir -p "$tmp/vmm"
	file=$tmp/vmm/$1
	shift
	: >"$file"
	[ $# -eq 0 ] || printf '%s\n' "$@" >"$file"
}

test_processes() {
	ends "processes" 0 "$xenmm" processes --count 2,1 --tables 4 --json "$tmp/memory.json"
	says "processes has a table" out "processes"
	is_json "by count, what the guest's tables take, no hypervisor" "$tmp/memory.json" \
		'[(r["processes"], r["tables"], r["hypervisor"]) for r in d["memory"]] ==
		 [(1, 4, None), (2, 4, None)] and
		 all(r["guest_page_tables_kib"] > 0 for r in d["memory"])'
	usage "no process" "1 to 4096" processes --count 0
}

test_vmm() {
	answer reset
	answer counts "5 writable pt emulations" "0 shadow faults"
	answer memory "1024 pool" "96 pool in use"
	ends "bench asks the hypervisor" 0 asking "$tmp/vmm" "$xenmm" bench --runs 2 \
		--workload touch,munmap --pages 8 --json "$tmp/asked.json"
	is_results "its file has the results format" "$tmp/asked.json"
	is_json "the hypervisor's counts, by its own names" "$tmp/asked.json" \
		'all(r["hypervisor"] == {"writable pt emulations": 5, "shadow faults": 0}
		     for r in d["results"])'
	is_json "an empty run first, and what was wished" "$tmp/asked.json" \
		'[r["workload"] for r in d["results"]] == ["empty", "touch", "munmap"]'
	[ "$(tr '\n' ' ' <"$tmp/vmm/asked")" = "reset counts reset counts reset counts " ]
	verdict "once for each workload, not for each run" $?
	ends "processes asks the hypervisor" 0 asking "$tmp/vmm" "$xenmm" processes --count 1,2,3 \
		--tables 2 --json "$tmp/memory.json"
	says "its memory is in the table" out "pool in use"
	is_json "and in the file" "$tmp/memory.json" \
		'[r["hypervisor"] for r in d["memory"]] == 3 * [{"pool": 1024, "pool in use": 96}]'
}

test_vmm_failures() {
	bench="bench --workload touch --pages 8 --runs 1"
	answer counts "five traps"
	# shellcheck disable=SC2086 # several arguments
	ends "an answer that is no number" 1 asking "$tmp/vmm" "$xenmm" $bench
	says "the message has the answer" err "five traps"
	silent "no results" out
	answer counts "error Xen has no performance counters"
	# shellcheck disable=SC2086
	ends "a hypervisor that cannot tell" 1 asking "$tmp/vmm" "$xenmm" $bench
	says "the message says why" err "no performance counters"
	# shellcheck disable=SC2086
	ends "nobody at that address" 1 "$xenmm" $bench --ask "$tmp/none"
	says "the message names it" err "$tmp/none"
	if [ ! -e /dev/xen/xenbus ] && [ ! -e /proc/xen/xenbus ]; then
		# shellcheck disable=SC2086
		ends "xenstore without Xen" 3 "$xenmm" $bench --ask xenstore
		says "the message says what is missing" err "guest of Xen"
	fi
}
