#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Host tests of the tool: what it says, how it ends, and the results format. Needs
# neither the module nor privilege.
#
#	test.sh XENMM [XENMM_FAKE]
#
# XENMM_FAKE is the same tool above a device made of ordinary memory (make fake): with
# it the arena workloads run, too, and their checks are seen to fail.
set -u

if [ $# -lt 1 ]; then
	echo "usage: $0 XENMM [XENMM_FAKE]" >&2
	exit 2
fi
xenmm=$1
fake=${2:-}
here=$(dirname "$0")
passed=0
failed=0

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
unset XENMM_GUEST XENMM_ROOT XENMM_FAKE NO_COLOR
unset XENMM_LAB_VMM_PAGE XENMM_LAB_VMM_LEVELS XENMM_LAB_ICOUNT XENMM_LAB_EMULATED XENMM_LAB_XPTI XENMM_LAB_XEN_OPTIONS

# verdict NAME STATUS: count one check.
verdict() {
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok $1"
	else
		failed=$((failed + 1))
		echo "not ok $1"
		sed 's/^/# out: /' "$tmp/out" | head -n 20
		sed 's/^/# err: /' "$tmp/err" | head -n 20
	fi
}

# ends NAME CODE COMMAND...: run it, output in $tmp/out and $tmp/err.
ends() {
	name=$1
	code=$2
	shift 2
	"$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ "$got" -eq "$code" ]
	verdict "$name (exit code $code)" $?
}

# says NAME out|err TEXT: the last command's output has this text.
says() {
	grep -qF -e "$3" "$tmp/$2"
	verdict "$1" $?
}

# silent NAME out|err
silent() {
	[ ! -s "$tmp/$2" ]
	verdict "$1" $?
}

# golden NAME FILE: the last command's output is the one that is kept. After a change that is
# meant: UPDATE_GOLDEN=1 make check, and look at the difference.
golden() {
	[ -z "${UPDATE_GOLDEN:-}" ] || cp "$tmp/out" "$here/testdata/$2"
	diff "$here/testdata/$2" "$tmp/out" >"$tmp/err" 2>&1
	verdict "$1" $?
}

# is_json NAME FILE PYTHON: the expression over the parsed file d is true.
is_json() {
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
sys.exit(not eval(f"({sys.argv[2]})"))' "$2" "$3" 2>>"$tmp/err"
	verdict "$1" $?
}

# is_results NAME FILE: the results format, version 1.
is_results() {
	python3 "$here/check_results.py" "$2" 2>>"$tmp/err"
	verdict "$1" $?
}

test_binary() {
	! ldd "$xenmm" >"$tmp/out" 2>"$tmp/err"
	verdict "statically linked" $?
	[ "$(wc -c <"$xenmm")" -lt 4194304 ]
	verdict "smaller than 4 MiB" $?
}

test_help() {
	ends "--version" 0 "$xenmm" --version
	says "--version names the tool" out "xenmm "
	ends "--help" 0 "$xenmm" --help
	says "--help has the exit codes" out "Exit codes:"
	says "--help has examples" out "Examples:"
	for command in info doctor stat top record replay export stats bench calibrate plot compare report processes; do
		ends "$command --help" 0 "$xenmm" "$command" --help
		says "$command --help has examples" out "Examples:"
		silent "$command --help leaves stderr alone" err
	done
}

# usage NAME TEXT ARGUMENTS...: refused, and the message has TEXT.
usage() {
	name=$1
	text=$2
	shift 2
	ends "$name" 2 "$xenmm" "$@"
	says "$name: the message says what is allowed" err "$text"
	silent "$name: nothing on stdout" out
}

test_usage() {
	usage "no command" "doctor, stat, top"
	usage "unknown command" "doctor, stat, top" frobnicate
	usage "unknown option" "--frobnicate" info --frobnicate
	usage "batch 0" "1 to 2048" bench --batch 0
	usage "batch 2049" "1 to 2048" bench --batch 8,2049
	usage "batch not a number" "1 to 2048" bench --batch many
	usage "pages 0" "1 to 16777216" bench --pages 0
	usage "runs 0" "1 to 10000" bench --runs 0
	usage "unknown workload" "arena-touch" bench --workload frobnicate
	usage "unknown method" "va_mapping" bench --method frobnicate
	usage "density 0" "1 to 512" bench --density 0
	usage "density 513" "1 to 512" bench --density 4,513
	usage "calibrate with no whole table" "512 to 16777216" calibrate --pages 511
	usage "rebuild from 513" "0 to 512" bench --rebuild-from 513
	usage "unknown unit" "instructions" bench --unit furlongs
	usage "unknown format" "table" bench --format xml
	usage "unknown guest" "xen-pvh-hap" info --guest vmware
	usage "empty guest" "xen-pvh-hap" info --guest ""
}

test_without_module() {
	if [ -e /dev/xenmm ]; then
		echo "ok without the module # SKIP /dev/xenmm is here"
		return
	fi
	ends "bench without the module" 3 "$xenmm" bench
	says "bench says how to load it" err "insmod xenmm.ko"
	says "bench says what works without it" err "--workload stock"
	ends "one arena workload without the module" 3 "$xenmm" bench --workload touch,arena-map
	ends "stats without the module" 3 "$xenmm" stats
	says "stats says how to load it" err "modprobe xenmm"
	ends "stats --reset without the module" 3 "$xenmm" stats --reset
	ends "calibrate without the module" 3 "$xenmm" calibrate
	says "calibrate says how to load it" err "insmod xenmm.ko"
	ends "info without the module" 0 "$xenmm" info
	says "info says that it is not loaded" out "not loaded"
	mkdir -p "$tmp/loaded/sys/module/xenmm"
	ends "a module without a device" 3 env XENMM_ROOT="$tmp/loaded" "$xenmm" bench
	says "a module without a device: says devtmpfs" err "devtmpfs"
}

test_stock() {
	ends "bench of ordinary memory" 0 \
		"$xenmm" bench --workload stock --pages 64 --runs 2 --json "$tmp/stock.json"
	says "its table has a row for fork" out "fork"
	says "its table names the unit" out "ns per page"
	! grep -q "$(printf '\r')" "$tmp/err"
	verdict "no progress unless stderr is a terminal" $?
	is_results "its file has the results format" "$tmp/stock.json"
	is_json "fourteen workloads, in order" "$tmp/stock.json" \
		'[r["workload"] for r in d["results"]] ==
		 ["touch", "populate", "mprotect", "mprotect-rw", "fork", "cow", "munmap", "mremap",
		  "file-fault", "exec", "page-fault1", "page-fault2", "page-fault3", "chunks"]'
	is_json "no method, no batch" "$tmp/stock.json" \
		'all(r["method"] is None and r["batch"] is None for r in d["results"])'
	is_json "pages and runs as asked for; an exec counts as a page" "$tmp/stock.json" \
		'all(r["pages"] == (16 if r["workload"] == "exec" else 64) and r["runs"] == 2
		     for r in d["results"])'
	says "its table says what a figure of exec is per" out "exec: per process"
	is_json "no walks unless asked for" "$tmp/stock.json" \
		'all(r["walk"] is None and r["misses"] is None for r in d["results"])'
	ends "one page, and a part of a chunk" 0 \
		"$xenmm" bench --workload stock --pages 1,300 --runs 1 --format json
	is_json "exec is measured once" "$tmp/out" \
		'[r["pages"] for r in d["results"] if r["workload"] in ("exec", "chunks")] == [16, 1, 300]'
	ends "bench --format json" 0 "$xenmm" bench --workload fork,touch --pages 8,16 \
		--runs 1 --format json --unit cycles --guest kvm-shadow
	is_results "stdout has the results format" "$tmp/out"
	is_json "guest, unit and pages as asked for" "$tmp/out" \
		'[(r["workload"], r["pages"]) for r in d["results"]] ==
		 [("touch", 8), ("touch", 16), ("fork", 8), ("fork", 16)] and
		 {(r["guest"], r["unit"]) for r in d["results"]} == {("kvm-shadow", "cycles")}'
}

test_lab_environment() {
	ends "the lab's variables" 0 env XENMM_LAB_EMULATED=1 XENMM_LAB_XPTI=0 \
		XENMM_LAB_XEN_OPTIONS="xpti=no spec-ctrl=no" XENMM_GUEST=xen-pv \
		"$xenmm" bench --workload touch --pages 8 --runs 1 --json "$tmp/lab.json"
	says "times under emulation are no evidence" out "times under emulation are not evidence"
	is_results "the lab's file has the results format" "$tmp/lab.json"
	is_json "the lab's variables are in the environment" "$tmp/lab.json" \
		'[(e["emulated"], e["xpti"], e["xen_options"]) for e in
		  [r["environment"] for r in d["results"]]] == [(True, False, "xpti=no spec-ctrl=no")]'
	is_json "XENMM_GUEST names the guest" "$tmp/lab.json" 'd["results"][0]["guest"] == "xen-pv"'
	ends "instructions without the lab" 4 "$xenmm" bench --workload stock --unit instructions
	says "it says what they need" err "icount"
	ends "XENMM_GUEST with a wrong kind" 2 env XENMM_GUEST=vmware "$xenmm" info
}

test_errors() {
	ends "a file that cannot be written" 1 \
		"$xenmm" bench --workload touch --pages 8 --json "$tmp/none/x.json"
	silent "it is refused before measuring" out
	ends "more pages than memory" 4 env XENMM_ROOT="$tmp/small" \
		"$xenmm" bench --workload touch --pages 1024
	if [ -w /dev/full ]; then
		"$xenmm" info >/dev/full 2>"$tmp/err"
		[ $? -eq 1 ]
		verdict "a full standard output is a failure" $?
	fi
	"$xenmm" bench >"$tmp/out" 2>&- --batch 0
	[ $? -eq 2 ]
	verdict "a closed stderr does not matter" $?
}

# a_guest FOLDER TYPE FEATURES: what Xen's guests show of themselves.
a_guest() {
	mkdir -p "$1/sys/hypervisor/version" "$1/sys/hypervisor/properties"
	echo xen >"$1/sys/hypervisor/type"
	echo "$2" >"$1/sys/hypervisor/guest_type"
	echo 4 >"$1/sys/hypervisor/version/major"
	echo 17 >"$1/sys/hypervisor/version/minor"
	echo .7 >"$1/sys/hypervisor/version/extra"
	echo "$3" >"$1/sys/hypervisor/properties/features"
}

# detects NAME FOLDER KIND
detects() {
	ends "$1" 0 env XENMM_ROOT="$2" "$xenmm" info --json
	is_json "$1 is $3" "$tmp/out" "d['guest'] == '$3' and d['xen']['version'] == '4.17.7'"
}

test_guests() {
	a_guest "$tmp/pv" PV 00000100
	a_guest "$tmp/dom0" PV 00008900
	a_guest "$tmp/dom0-xenfs" PV 00000100
	a_guest "$tmp/pvh" PVH 00000705
	mkdir -p "$tmp/dom0-xenfs/proc/xen"
	echo control_d >"$tmp/dom0-xenfs/proc/xen/capabilities"
	detects "a PV guest" "$tmp/pv" xen-pv
	detects "dom0 by its features" "$tmp/dom0" xen-pv-dom0
	detects "dom0 by xenfs" "$tmp/dom0-xenfs" xen-pv-dom0
	detects "a PVH guest" "$tmp/pvh" xen-pvh-hap
	is_json "whether PVH nests is assumed" "$tmp/out" "d['guest_source'] == 'assumed'"
	is_json "features by name" "$tmp/out" "'auto_translated_physmap' in d['xen']['features']"
	ends "info as text" 0 env XENMM_ROOT="$tmp/pv" "$xenmm" info
	says "info shows Xen's version" out "Xen 4.17.7"
}

test_debugfs() {
	debugfs=$tmp/debugfs/sys/kernel/debug/xenmm
	mkdir -p "$debugfs"
	printf 'hypercalls 1234567\ntraps 0\n' >"$debugfs/stats"
	printf '1 7\n2 0\n3-4 12\n' >"$debugfs/histogram"
	printf 'longest 9000\n1024 3\n' >"$debugfs/sections"
	: >"$debugfs/reset"
	ends "stats from debugfs" 0 env XENMM_ROOT="$tmp/debugfs" "$xenmm" stats
	says "numbers can be read" out "1,234,567"
	says "it says where they are from" err "debug/xenmm/stats"
	[ ! -s "$debugfs/reset" ]
	verdict "stats alone resets nothing" $?
	ends "stats --json --reset" 0 env XENMM_ROOT="$tmp/debugfs" "$xenmm" stats --json --reset
	is_json "source, stats and histograms" "$tmp/out" \
		"d['source'] == 'debugfs' and d['stats'] == {'hypercalls': 1234567, 'traps': 0}
		 and d['histogram'] == {'1': 7, '2': 0, '3-4': 12}
		 and d['sections'] == {'longest': 9000, '1024': 3}"
	[ -s "$debugfs/reset" ]
	verdict "--reset writes to reset" $?
}

mkdir -p "$tmp/small/proc"
echo "MemAvailable:       2048 kB" >"$tmp/small/proc/meminfo"
test_binary
test_help
test_usage
test_without_module
test_stock
# shellcheck source=tools/xenmm/test_walk.sh
. "$here/test_walk.sh"
test_walk
test_walk_references
test_walk_failures
test_walk_small_pages
test_lab_environment
test_errors
test_guests
test_debugfs
# shellcheck source=tools/xenmm/test_plot.sh
. "$here/test_plot.sh"
test_plot
test_plot_files
test_plot_failures
# shellcheck source=tools/xenmm/test_vmm.sh
. "$here/test_vmm.sh"
test_processes
test_vmm
test_vmm_failures
# shellcheck source=tools/xenmm/test_report.sh
. "$here/test_report.sh"
test_report
test_report_files
# shellcheck source=tools/xenmm/test_compare.sh
. "$here/test_compare.sh"
test_compare
test_compare_files
# shellcheck source=tools/xenmm/test_top.sh
. "$here/test_top.sh"
test_replay
# shellcheck source=tools/xenmm/test_manual.sh
. "$here/test_manual.sh"
test_pages
test_completion
if [ -n "$fake" ]; then
	test_order
	test_top
	test_screen
	test_record
	test_export
	test_doctor
	# shellcheck source=tools/xenmm/test_fake.sh
	. "$here/test_fake.sh"
	test_fake_results
	test_fake_whole_tables
	test_fake_density
	test_fake_failures
	test_fake_memory
	# shellcheck source=tools/xenmm/test_calibrate.sh
	. "$here/test_calibrate.sh"
	test_calibrate
	test_calibrate_failures
	# shellcheck source=tools/xenmm/test_stat.sh
	. "$here/test_stat.sh"
	test_stat
	test_stat_intervals
	test_stat_failures
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
