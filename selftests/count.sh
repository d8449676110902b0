#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sourced by selftests/check: how many tests a layer ran, from what it left in $out. Each
# function is called with the layer's name and exit code and prints "PASSED FAILED SKIPPED".
# shellcheck disable=SC2154 # out is set by selftests/check

count_lines() { grep -cE "$1" "$2" 2>/dev/null || true; }

# One test: the command itself.
count_command() { if [ "$2" -eq 0 ]; then echo "1 0 0"; else echo "0 1 0"; fi; }

# TAP files of a guest.
count_tap() {
	local skipped ok
	skipped=$(cat "$out/$1"/*.tap | count_lines '^ok .*# SKIP' -)
	ok=$(cat "$out/$1"/*.tap | count_lines '^ok ' -)
	echo "$((ok - skipped)) $(cat "$out/$1"/*.tap | count_lines '^not ok ' -) $skipped"
}

count_gtest() {
	local log=$out/$1.log
	echo "$(count_lines '^\[       OK \]' "$log") $(count_lines '^\[  FAILED  \] .*ms\)$' "$log")" \
		"$(count_lines '^\[  SKIPPED \] .*ms\)$' "$log")"
}

# A fuzzer is one test: it says how far it came, or how it failed.
count_fuzz() {
	echo "$(count_lines ' executions, ' "$out/$1.log")" \
		"$(count_lines '^fuzz: .* failed, ' "$out/$1.log") 0"
}

# A last line `N passed, N failed[, N skipped]`.
count_closing_line() {
	sed -nE 's/^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?.*/\1 \2 0\4/p' "$out/$1.log" |
		tail -n 1 | grep . || echo "0 0 0"
}

# Why a boot of the layer was followed by another one: a line each, as the lab says it.
repeated_boots() { sed -nE 's/^lab: (.*) \(boot [12] of 3\)$/\1/p' "$out/$1.log"; }

# How long the layer waited for its payload, if it boots a guest.
seconds_of_boot() { sed -nE 's/^lab: .* after [0-9]+ s, ([0-9]+) of them booting.*/\1/p' "$out/$1.log"; }
