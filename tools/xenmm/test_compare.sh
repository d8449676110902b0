# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154,SC2016 # variables of test.sh, and of the shell in compare
# xenmm compare: on made-up runs whose p stands in tables, and on what bench writes here.

# runs FILE WORKLOAD=RUN,RUN,... ...: results of these runs.
runs() {
	python3 - "$@" <<-'END'
		import json, sys, statistics
		def row(text):
		    name, runs = text.split("=")
		    each = [float(one) for one in runs.split(",") if one]
		    per_page = {"median": statistics.median(each or [1]), "min": 0, "max": 0}
		    return {"guest": "xen-pv", "workload": name, "method": None, "batch": None, "pages": 16,
		            "density": None, "runs": len(each), "unit": "ns",
		            "per_page": per_page | ({"each": each} if each else {}),
		            "environment": {"kernel": "6.1", "emulated": False}}
		json.dump({"schema_version": 1, "results": [row(text) for text in sys.argv[2:]]}, open(sys.argv[1], "w"))
	END
}

test_compare() {
	runs "$tmp/a.json" apart=1,2,3,4,5 few=1,2,3 mixed=1,4,5,8,9,12 equal=7,7,7,7,7 ties=1,2,2,3,4,4 old= gone=1,2
	runs "$tmp/b.json" apart=6,7,8,9,10 few=4,5,6 mixed=2,3,6,7,10,11 equal=7,7,7,7,7 ties=2,3,4,5,5,6 old= fresh=1,2
	ends "compare" 0 env LC_ALL=C sh -c 'cd "$1" && "$2" compare a.json b.json' - "$tmp" "$(realpath "$xenmm")"
	golden "compare as a table" compare.txt
	ends "compare as CSV" 0 "$xenmm" compare "$tmp/a.json" "$tmp/b.json" --format csv
	golden "compare as CSV" compare.csv
	ends "compare as JSON" 0 "$xenmm" compare "$tmp/a.json" "$tmp/b.json" --format json
	cp "$tmp/out" "$tmp/pair.json"
	# Exact: 2 of C(10,5) = 252 orders, 2 of C(6,3) = 20; U is 18 of 36 for the third.
	is_json "p, exactly" "$tmp/pair.json" \
		'[abs(row["p"] - wanted) < 1e-9 for row, wanted in zip(d["rows"], (2 / 252, 2 / 20, 1))] == [True] * 3'
	is_json "no difference, no chance" "$tmp/pair.json" 'd["rows"][3]["p"] == 1 and d["rows"][3]["change"] == "same"'
	# By ranks: U is 7.5 of 36, ties of 2, 3 and 3 values, z 1.63.
	is_json "p with ties" "$tmp/pair.json" 'abs(d["rows"][4]["p"] - 0.103095) < 0.000001'
	is_json "what it means" "$tmp/pair.json" \
		'[row["change"] for row in d["rows"]] == ["slower", "too few runs", "same", "same", "same", "too few runs"]
		 and d["rows"][5]["p"] is None and d["rows"][0]["ratio"] == 8 / 3'
	is_json "what only one has" "$tmp/pair.json" \
		'[[r["workload"] for r in d[k]] for k in ("only_a", "only_b")] == [["gone"], ["fresh"]]'
	ends "the other way round" 0 "$xenmm" compare "$tmp/b.json" "$tmp/a.json" --format csv
	says "it is faster" out "0.007937,faster"
	ends "slower than tolerated" 1 "$xenmm" compare "$tmp/a.json" "$tmp/b.json" --fail-if-slower 50
	says "it says how many" err "1 of 6 are slower by more than 50 %"
	ends "slower, and tolerated" 0 "$xenmm" compare "$tmp/a.json" "$tmp/b.json" --fail-if-slower 200
	ends "a stricter alpha" 0 "$xenmm" compare "$tmp/a.json" "$tmp/b.json" --alpha 0.001
	says "then five runs are too few" out "too few runs"
}

test_compare_files() {
	"$xenmm" -q bench --workload touch,fork --pages 16 --runs 4 --json "$tmp/now.json" >/dev/null
	ends "compare with itself" 0 "$xenmm" compare "$tmp/now.json" "$tmp/now.json"
	says "it is the same" out "same"
	runs "$tmp/other.json" mremap=1,2
	ends "nothing in common" 2 "$xenmm" compare "$tmp/now.json" "$tmp/other.json"
	runs "$tmp/twice.json" touch=1,2 touch=1,2
	ends "two results of one work" 1 "$xenmm" compare "$tmp/twice.json" "$tmp/other.json"
	says "it says what can take that" err "xenmm report"
	ends "no such file" 1 "$xenmm" compare "$tmp/now.json" "$tmp/none.json"
	usage "one file" "B is required" compare "$tmp/now.json"
}

# Two ways of one work in the order A B B A; all runs count.
test_order() {
	ends "two methods" 0 "$fake" --progress=always bench --workload arena-protect --method trap,batch \
		--batch 8 --pages 512 --runs 5 --json "$tmp/order.json"
	[ "$(sed -n 's/.* by \([a-z]*\).*/\1/p' "$tmp/err" | tr '\n' ' ')" = "trap batch trap " ]
	verdict "the first one begins and ends" $?
	is_results "each has its runs" "$tmp/order.json"
	is_json "all five of both" "$tmp/order.json" '[len(r["per_page"]["each"]) for r in d["results"]] == [5, 5]'
	is_json "addresses are not random, and it stays on a CPU" "$tmp/order.json" \
		'all(not r["environment"]["aslr"] and r["environment"]["pinned_cpu"] is not None for r in d["results"])'
	ends "three methods" 0 "$fake" --progress=always bench --workload arena-protect --batch 8 \
		--method trap,batch,lazy --pages 512 --runs 5
	[ "$(wc -l <"$tmp/err")" -eq 3 ]
	verdict "one by one" $?
	says "and how long it takes" err "[######..............] 1/3"
}
