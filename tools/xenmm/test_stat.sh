# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154,SC2016 # variables of test.sh, and of the shells in stat
# xenmm stat on the double, whose kernel does the same from each reading to the next: counter i
# of the ABI grows by 1000 * i (fake_kernel.cpp).

# stat WORDS ARGUMENTS...: with a price list of ours.
stat_of() {
	words=$1
	shift
	env XENMM_ROOT="$tmp/stat" XENMM_FAKE="$words" "$fake" stat "$@"
}

test_stat() {
	mkdir -p "$tmp/stat/sys/kernel/debug/xenmm" "$tmp/stat/proc"
	printf 'calibrated 1\nhypercall 10\nmap 2\nprotect 3\ntrap 20\n' \
		>"$tmp/stat/sys/kernel/debug/xenmm/cost"
	echo 'cpu  100 0 50 1000 0 0 0 0 0 0' >"$tmp/stat/proc/stat"

	ends "stat of a command" 0 stat_of "" -- true
	says "stat: a counter" out "mmu_updates"
	says "stat: an estimate is marked" out "traps ~"
	says "stat: it is of the whole guest" out "of the whole guest: true"
	says "stat: the price is by the price list" out "prices calibrated here"
	ends "stat passes the exit code on" 7 stat_of "" -- sh -c 'exit 7'
	ends "stat of a command that is killed" 137 stat_of "" -- sh -c 'kill -9 $$'
	ends "stat: the last failure counts" 3 stat_of "" -r 3 -- \
		sh -c 'echo x >>'"$tmp"'/n; [ $(wc -l <'"$tmp"'/n) -ne 2 ] || exit 3'

	ends "stat --format json" 0 stat_of "" -r 3 --format json -o "$tmp/stat.json" -- true
	silent "stat -o leaves stdout to the command" out
	is_json "stat: three runs" "$tmp/stat.json" \
		'd["runs"] == 3 and d["exit_statuses"] == [0, 0, 0] and d["scope"] == "guest"'
	is_json "stat: the difference of two readings" "$tmp/stat.json" \
		'd["counters"]["batches"] == {"mean": 1000, "standard_deviation": 0, "runs": [1000] * 3}
		 and d["counters"]["batch_32"]["mean"] == 29000'
	is_json "stat: estimates stand apart" "$tmp/stat.json" \
		'list(d["estimates"]) == ["traps", "traps_fork", "traps_unmap", "traps_copy", "traps_move", "traps_advice"]
		 and not any(name.startswith("traps") for name in d["counters"])'
	is_json "stat: what was counted, at its price" "$tmp/stat.json" \
		'abs(d["price"]["traps_seconds"]["mean"] / d["price"]["hypercalls_seconds"]["mean"] - 30) < 0.5'
	ends "stat --format csv" 0 stat_of "" -r 2 --format csv -- true
	golden "stat as CSV" stat.csv
	says "csv has a title" out "counter,kind,mean,standard_deviation,run_1,run_2"
	says "csv: counted" out "hypercalls,counted,2000.000,0.000,2000,2000"
	says "csv: estimated" out "traps,estimated,30000.000,0.000,30000,30000"
}

test_stat_intervals() {
	ends "stat -I" 0 stat_of "" -I 50 --format csv -- sleep 0.5
	says "intervals have a title" out "seconds,batches,hypercalls"
	[ "$(grep -c ',1000,2000,3000,' "$tmp/out")" -ge 3 ]
	verdict "each interval is what passed in it" $?
	ends "stat -I as a table" 0 stat_of "" -I 50 -- sleep 0.2
	says "rows and the sum" out "of the whole guest: sleep 0.2"
	sleep 1 &
	ends "stat -p" 0 stat_of "" -p $!
	says "it says which process" out "process $!"
	ends "stat -p of nobody" 2 stat_of "" -p 4194303
	ends "stat of no program" 2 stat_of "" -- /nonexistent/program
	says "it says how" err "behind '--'"
	timeout -s INT 1 env XENMM_ROOT="$tmp/stat" "$fake" stat -- sleep 5 >"$tmp/out" 2>"$tmp/err"
	says "^C ends the command and shows what was counted" out "of the whole guest: sleep 5"
}

test_stat_failures() {
	ends "stat of nothing" 2 stat_of ""
	ends "stat of two things" 2 stat_of "" -p 1 -- true
	ends "stat of a process, again and again" 2 stat_of "" -r 2 -p 1
	ends "stat where nothing can be counted" 4 stat_of native -- true
	says "it says where it can" err "PV guest of Xen"
	ends "stat without tracepoints" 4 stat_of no-tracepoints -- true
	ends "stat by nobody" 3 stat_of not-root -- true
	says "it says who may" err "root"
	ends "stat with an old module" 3 stat_of old -- true
	ends "stat without the function tracer" 0 stat_of no-tracer -- true
	says "it says that traps are missing" out "not estimated"
	ends "no estimate in JSON" 0 stat_of no-tracer --format json -o "$tmp/stat.json" -- true
	is_json "estimates are null" "$tmp/stat.json" 'd["estimates"] is None'
}
