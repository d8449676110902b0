# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # variables of test.sh, which reads this file
# Tests of report, on files made by bench and processes on this machine, and on one with
# figures that are known (testdata/comparison.json).

# a_kind KIND: $tmp/KIND.json, as if measured there.
a_kind() {
	"$xenmm" bench --workload touch,fork --pages 16 --runs 1 --guest "$1" \
		--json "$tmp/$1.json" >/dev/null 2>&1
}

test_report() {
	known=$here/testdata/comparison.json
	ends "report" 0 "$xenmm" report "$known" --html "$tmp/page.html" --json "$tmp/all.json"
	says "costs, and how many times those of bare" out "1,246 12.1x"
	says "a finding with its figures" out \
		"from 1 to 8 processes the hypervisor's memory for paging grows from 1,024 to 5,120"
	says "memory that does not grow" out "stays, from 2,048 to 2,048 KiB"
	says "a plain store is emulated" out "for 4,096 pages it emulated 4,096"
	says "why a figure is missing" out "the guest owns its page tables"
	says "what emulation cannot show" out "an emulator that walks tables in software"
	says "entries per page, by the hypervisor's count, less an empty run's" out "1.000"
	says "all entries, by xentrace's" out "1.031"
	says "a finding about entries" out "touch: entries into the hypervisor for a page: xen-pv 2.00."
	says "xenmm's, Xen's and xentrace's counts agree" out "4,096 = 4,096 = 4,096"
	! grep -qE '^xen-pv +empty' "$tmp/out"
	verdict "the empty run is no row" $?
	says "misses that emulation does not have" out "n/a under TCG"
	says "misses where they were counted" out "0.98 / n/a / 0"
	ends "report as Markdown" 0 "$xenmm" report "$known" --markdown "$tmp/out.md"
	grep -qE '^\| *touch' "$tmp/out.md" && grep -qE '^\|:?-+' "$tmp/out.md"
	verdict "tables as GitHub has them" $?
	cp "$tmp/out.md" "$tmp/out"
	golden "the whole report in Markdown" report.md
	is_json "the files' rows, as they were" "$tmp/all.json" \
		"d['results'] == json.load(open('$known'))['results'] and
		 d['memory'] == json.load(open('$known'))['memory']"
	cp "$tmp/page.html" "$tmp/out"
	golden "the whole page" report.html
	for word in '<!DOCTYPE html>' '<svg' '12.1x' 'grows from'; do
		grep -qF "$word" "$tmp/page.html"
		verdict "the page has $word" $?
	done
	! grep -qE '(src|href)=|url\(|@import|<script' "$tmp/page.html"
	verdict "the page needs no other file" $?
	python3 - "$tmp/page.html" <<-END
		import sys, xml.dom.minidom
		page = open(sys.argv[1], encoding="utf-8").read()
		for part in page.split("<svg")[1:]:
		    xml.dom.minidom.parseString("<svg" + part.split("</svg>")[0] + "</svg>")
	END
	verdict "each chart is well-formed" $?
}

test_report_files() {
	a_kind bare
	a_kind kvm-shadow
	"$xenmm" processes --count 1,2 --tables 2 --guest kvm-shadow --json "$tmp/p.json" >"$tmp/out"
	ends "report what was measured here" 0 \
		"$xenmm" report "$tmp/kvm-shadow.json" "$tmp/p.json" "$tmp/bare.json"
	says "bare is the first column" out "workload"
	grep -qE '^workload +bare +kvm-shadow' "$tmp/out"
	verdict "kinds in their order" $?
	ends "a part of the kinds" 0 "$xenmm" report "$tmp/p.json"
	ends "a file that is not there" 1 "$xenmm" report "$tmp/none.json"
	says "the message names it" err "none.json"
	echo '{"schema_version": 1, "results": [{"guest": "bare"}]}' >"$tmp/bad.json"
	ends "a file of another kind" 1 "$xenmm" report "$tmp/bad.json"
	says "the message says what writes them" err "xenmm bench --json"
	echo '{"schema_version": 1, "results": []}' >"$tmp/empty.json"
	ends "nothing to report" 2 "$xenmm" report "$tmp/empty.json"
	usage "no file" "FILE" report
}
