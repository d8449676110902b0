# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # variables of test.sh, which reads this file
# top, record, replay, export and doctor: on the double, and on testdata/series.jsonl, which was
# recorded in a PV guest; its pictures are compared with the ones that were looked at.

test_replay() {
	ends "replay" 0 env LC_ALL=C "$xenmm" replay --batch "$here/testdata/series.jsonl"
	golden "replay shows what was seen" replay.txt
	ends "replay in UTF-8" 0 env LC_ALL=C.UTF-8 "$xenmm" replay -b "$here/testdata/series.jsonl"
	says "with finer bars" out "▅"
	head -c 9000 "$here/testdata/series.jsonl" >"$tmp/cut.jsonl"
	ends "replay of a file that was cut off" 0 "$xenmm" replay -b "$tmp/cut.jsonl"
	ends "replay without a terminal" 2 "$xenmm" replay "$here/testdata/series.jsonl"
	says "it says what to do" err "--batch"
	head -n 1 "$here/testdata/series.jsonl" >"$tmp/empty.jsonl"
	ends "replay of nothing" 1 "$xenmm" replay -b "$tmp/empty.jsonl"
	ends "replay of another file" 1 "$xenmm" replay -b "$here/testdata/results.json"
	says "it says how to get one" err "xenmm record -o FILE"
	ends "replay of no file" 1 "$xenmm" replay -b "$tmp/nothing.jsonl"
}

test_top() {
	ends "top --batch" 0 "$fake" top -b -i 2 -d 0.1
	[ "$(grep -c '^xenmm top' "$tmp/out")" -eq 2 ]
	verdict "two pictures" $?
	! grep -q "$(printf '\033')" "$tmp/out"
	verdict "and nothing but text" $?
	ends "top without a terminal" 2 "$fake" top
	ends "top where nothing can be counted" 4 env XENMM_FAKE=native "$fake" top -b
	ends "top of a kernel without the function tracer" 0 env XENMM_FAKE=no-tracer "$fake" top -b -i 1 -d 0.1
	says "no estimate is no figure" out "n/a"
}

# screen COMMAND...: on a terminal of 80 by 24, what it writes to $tmp/out.
screen() {
	script -qec "stty cols 80 rows 24; $*" /dev/null </dev/null >"$tmp/out" 2>"$tmp/err"
}

test_screen() {
	if ! command -v script >/dev/null; then
		echo "ok top on a terminal # SKIP no script(1)"
		return
	fi
	screen env LC_ALL=C "$fake" top -i 2 -d 0.1
	verdict "top on a terminal (exit code 0)" $?
	esc=$(printf '\033')
	[ "$(grep -c "${esc}\\[?1049h" "$tmp/out")" -eq 1 ] && [ "$(grep -c "${esc}\\[?1049l" "$tmp/out")" -eq 1 ]
	verdict "the screen before is back afterwards" $?
	! grep -q "${esc}\\[2J.*${esc}\\[2J" "$tmp/out"
	verdict "it is not cleared between two pictures" $?
	tr "$esc" '\n' <"$tmp/out" | sed 's/^\[[0-9;?]*[A-Za-z]//; s/\r//' | awk 'length > 80 { exit 1 }'
	verdict "no line is longer than the terminal" $?
}

test_record() {
	ends "record" 0 "$fake" record -o "$tmp/record.jsonl" -d 0.05 -- sleep 0.3
	says "it says where" err "xenmm replay $tmp/record.jsonl"
	[ "$(wc -l <"$tmp/record.jsonl")" -ge 5 ]
	verdict "a moment each 50 ms" $?
	ends "record, and replay" 0 "$xenmm" replay -b "$tmp/record.jsonl"
	says "it is the double's kernel" out "traps_move ~"
	ends "record passes the exit code on" 5 "$fake" record -o "$tmp/record.jsonl" -- sh -c 'exit 5'
	ends "record for a second" 0 "$fake" -q record -o "$tmp/record.jsonl" -s 1
	silent "-q: no message" err
	ends "record to nowhere" 1 "$fake" record -o "$tmp/no/folder" -- true
}

test_export() {
	ends "export" 0 "$fake" export --prometheus "$tmp/x.prom"
	says "it says that counting is off" err "echo 1 > /sys/kernel/debug/xenmm/kernel"
	cp "$tmp/x.prom" "$tmp/out"
	golden "every metric, with help and type" export.prom
	set -- "$tmp"/x.prom.*
	[ ! -e "$1" ]
	verdict "no second file is left" $?
	ends "export to standard output" 0 "$fake" -q export --prometheus -
	cmp -s "$tmp/out" "$tmp/x.prom"
	verdict "the same" $?
	ends "export to no folder" 1 "$fake" export --prometheus "$tmp/no/x.prom"
	ends "export without a module" 3 env XENMM_FAKE=eacces "$fake" export --prometheus "$tmp/y.prom"
	[ ! -e "$tmp/y.prom" ]
	verdict "nothing is written" $?
	ends "export of estimates" 0 env XENMM_FAKE=no-tracer "$fake" export --prometheus -
	! grep -q estimated "$tmp/out"
	verdict "none without the function tracer" $?
}

test_doctor() {
	ends "doctor without a module" 3 env XENMM_FAKE=eacces XENMM_GUEST=xen-pv "$fake" doctor
	says "doctor: the remedy" out "-> "
	ends "doctor elsewhere" 4 env XENMM_FAKE=native "$fake" doctor --guest kvm-npt
	says "doctor: what is possible there" out "only 'bench'"
	ends "doctor --format json" 3 env XENMM_ROOT="$tmp/nothing" XENMM_GUEST=xen-pv "$fake" doctor --format json
	is_json "doctor: each finding has a verdict" "$tmp/out" \
		'[f["subject"] for f in d["findings"]] == ["guest", "privilege", "module", "debugfs", "prices",
		 "counting", "estimates", "time"] and d["findings"][0]["verdict"] == "ok"'
	is_json "doctor: what is missing has a remedy" "$tmp/out" \
		'all(f["remedy"] for f in d["findings"] if f["verdict"] in ("missing", "hint"))'
}
