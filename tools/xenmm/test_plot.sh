# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # variables of test.sh, which reads this file
# xenmm plot on made-up results (testdata/results.json) and on what bench has written.

data=$here/testdata/results.json

# altered FILE PYTHON: a copy of the data after a statement over the document d.
altered() {
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
exec(sys.argv[3])
json.dump(d, open(sys.argv[2], "w"))' "$data" "$1" "$2"
}

test_plot() {
	ends "plot" 0 env LC_ALL=C "$xenmm" plot "$data"
	cmp "$tmp/out" "$here/testdata/results.txt" >>"$tmp/err"
	verdict "the charts are those of testdata/results.txt" $?
	! grep -q "$(printf '\033')" "$tmp/out"
	verdict "no colour unless stdout is a terminal" $?
	says "where one way becomes cheaper than another" out \
		"batch 512 is cheapest up to 128 pages per table, rebuild 1 at 256, flip from 512"

	ends "plot --width" 0 env LC_ALL=C "$xenmm" plot "$data" --width 50 --height 10
	awk 'length($0) > 50' "$tmp/out" >>"$tmp/err"
	silent "no line is longer" err
	ends "plot of some methods" 0 "$xenmm" plot "$data" --workload arena-protect \
		--method rebuild,batch
	says "the crossing without flip" out "up to 128 pages per table, rebuild 1 from 256 on"
	! grep -qE "fork|flip|auto" "$tmp/out"
	verdict "nothing else is drawn" $?

	ends "plot --output" 0 "$xenmm" plot "$data" --output "$tmp/chart.svg"
	says "the terminal has the charts, too" out "arena-protect, 8 tables"
	cp "$tmp/chart.svg" "$tmp/out"
	python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$tmp/out" \
		2>>"$tmp/err"
	verdict "the picture is well-formed" $?
	says "the picture says what the figures are not" out "hypervisor included; not a time"
	says "the picture has the legend" out ">rebuild 1</text>"
	says "the picture has the axis" out ">pages in each table of 512</text>"
	! grep -qE "href|url\(|<script" "$tmp/out"
	verdict "the picture needs nothing else" $?
}

test_plot_files() {
	"$xenmm" plot "$here/testdata/results.json" --output "$tmp/golden.svg" >"$tmp/out"
	cp "$tmp/golden.svg" "$tmp/out"
	golden "the picture" results.svg
	altered "$tmp/later.json" 'd["results"][-1]["per_page"]["median"] = 4321'
	ends "two files" 0 "$xenmm" plot "$data" "$tmp/later.json" --workload fork
	says "of two results for a point the later one holds" out "4,321"
	altered "$tmp/kvm.json" 'for r in d["results"]: r.update(guest="kvm-npt", unit="ns")'
	ends "two guests" 0 "$xenmm" plot "$data" "$tmp/kvm.json" --workload fork
	says "two guests: two settings" out "guest kvm-npt"
	says "times under emulation are no evidence here either" out "not evidence"
	altered "$tmp/old.json" 'for r in d["results"]: r.pop("density")'
	ends "a file of a tool without density" 0 "$xenmm" plot "$tmp/old.json"
	altered "$tmp/strange.json" 'for r in d["results"]: r["guest"] = "a<b&c"'
	ends "strange names" 0 "$xenmm" plot "$tmp/strange.json" --output "$tmp/strange.svg"
	python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' \
		"$tmp/strange.svg" 2>>"$tmp/err"
	verdict "strange names are escaped in the picture" $?
	altered "$tmp/zero.json" 'for r in d["results"]: r["per_page"]["median"] = 0'
	ends "medians of zero" 0 "$xenmm" plot "$tmp/zero.json"
	ends "one point" 0 "$xenmm" plot "$tmp/stock.json" --workload touch
	says "one point: figures" out "at 64"
}

# no_results NAME TEXT: $tmp/bad.json is refused.
no_results() {
	ends "$1" 1 "$xenmm" plot "$tmp/bad.json"
	says "$1: the message names the file" err "bad.json"
	says "$1: the message says what is wrong" err "$2"
	silent "$1: nothing on stdout" out
}

test_plot_failures() {
	ends "a file that is not there" 1 "$xenmm" plot "$tmp/none.json"
	says "it says why" err "No such file"
	echo "no json" >"$tmp/bad.json"
	no_results "not JSON" "is not what 'xenmm bench --json FILE' writes"
	echo '{"schema_version": 1, "results": [{"guest": "bare"}]}' >"$tmp/bad.json"
	no_results "other JSON" "is not what 'xenmm bench --json FILE' writes"
	altered "$tmp/bad.json" 'd["schema_version"] = 2'
	no_results "a later format" "results format 2, and this tool reads 1"
	altered "$tmp/bad.json" 'd["results"][0]["method"] = "magic"'
	no_results "a method of another tool" "unknown method magic"
	altered "$tmp/bad.json" 'd["results"][0]["density"] = 0'
	no_results "nothing measured" "a result of 0 pages"
	altered "$tmp/bad.json" 'd["results"] = []'
	ends "no results" 2 "$xenmm" plot "$tmp/bad.json"
	usage "nothing left to draw" "arena-protect by batch 512" plot "$data" --workload touch
	usage "no file" "FILE" plot
	usage "plot an unknown method" "va_mapping" plot "$data" --method frobnicate
	usage "too narrow" "40 to 400" plot "$data" --width 39
	usage "too high" "8 to 100" plot "$data" --height 101
	usage "not an SVG" "ends in .svg" plot "$data" --output x.png
	ends "a picture that cannot be written" 1 "$xenmm" plot "$data" --output "$tmp/none/x.svg"
}
