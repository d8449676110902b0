#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Lines of the core that ran, over all objects of a --coverage build; those that
# did not are listed below the table.
#
# coverage.sh <top of the tree> <absolute build dir>
set -eu
top=$1
build=$2
work=$build/gcov
rm -rf "$work"
mkdir -p "$work"
cd "$work"
find "$build" -type f -name '*.gcda' | while read -r data; do
	mkdir -p "$(basename "$data" .gcda)"
	(cd "$(basename "$data" .gcda)" && gcov -p "$data" >/dev/null 2>&1)
done
# shellcheck disable=SC2016 # awk's fields
find . \( -name '*#include#xenmm#*.gcov' -o -name '*#src#core#*.gcov' \) -print0 |
	xargs -0 awk -F: -v top="$top/" '
	FNR == 1 { file = $4; sub(top, "", file) }
	$2 + 0 == 0 || $1 ~ /^ *-$/ { next }
	{
		key = file ":" ($2 + 0)
		if (!(key in hit)) { hit[key] = 0; lines[file]++; text[key] = substr($0, length($1 $2) + 3) }
		if ($1 !~ /[#=]/ && !hit[key]) { hit[key] = 1; reached[file]++ }
	}
	END {
		for (file in lines) {
			printf "%-32s %4d of %4d lines  %5.1f %%\n", file, reached[file], lines[file],
				100 * reached[file] / lines[file] | "sort"
			all += lines[file]; ran += reached[file]
		}
		close("sort")
		printf "%-32s %4d of %4d lines  %5.1f %%\n", "all", ran, all, 100 * ran / all
		for (key in hit) if (!hit[key]) print "not reached: " key ": " text[key] | "sort"
	}'
