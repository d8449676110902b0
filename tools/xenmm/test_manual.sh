# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2154 # variables of test.sh, which reads this file
# Manual pages and completion: they say what the tool says.

commands="info doctor stat top record replay export stats bench calibrate plot compare report processes"

# Of one command, "-h" and "--help" each on a line.
options_of_help() { "$xenmm" "$1" --help | sed -n 's/^  \(-[^ ]*\).*/\1/p' | tr ',' '\n' | sort; }
options_of_page() {
	sed -n '/^# OPTIONS/,/^# [^O]/p' "$here/../../Documentation/man/xenmm-$1.1.scd" |
		grep '^\*-' | grep -o '\*-[^*]*\*' | tr -d '*' | sort
}

test_pages() {
	for command in $commands; do
		options_of_help "$command" >"$tmp/out"
		options_of_page "$command" | diff "$tmp/out" - >"$tmp/err"
		verdict "xenmm-$command(1) has the options that there are" $?
		grep -q "xenmm-$command\\*(1)" "$here/../../Documentation/man/xenmm.1.scd"
		verdict "xenmm(1) names xenmm-$command(1)" $?
	done
}

# completes NAME WORD TEXT...: the words typed after the tool's name offer WORD in bash.
completes() {
	name=$1
	wanted=$2
	shift 2
	PATH=$(dirname "$xenmm"):$PATH bash -c '. "$0"; COMP_WORDS=(xenmm "$@"); COMP_CWORD=$#; _xenmm
		printf "%s\n" "${COMPREPLY[@]}"' "$here/completion/xenmm.bash" "$@" >"$tmp/out" 2>"$tmp/err"
	grep -qxF -e "$wanted" "$tmp/out"
	verdict "bash completes $name" $?
}

zsh_completes() {
	name=$1
	wanted=$2
	shift 2
	PATH=$(dirname "$xenmm"):$PATH zsh -fc '_describe() { print -l -- ${(P)2%%:*} }; _files() { print FILES }
		_normal() { print COMMAND }; words=(xenmm "${@:2}"); CURRENT=$#; . "$1"' \
		zsh "$here/completion/_xenmm" "$@" >"$tmp/out" 2>"$tmp/err"
	grep -qxF -e "$wanted" "$tmp/out"
	verdict "zsh completes $name" $?
}

test_completion() {
	shells=completes
	if command -v zsh >/dev/null; then
		shells="completes zsh_completes"
	else
		echo "ok completion in zsh # SKIP no zsh"
	fi
	for try in $shells; do
		$try "a command" doctor ""
		$try "the command that begins so" stats st
		$try "an option" --interval stat --
		$try "a common option" --quiet top -
		$try "a format" csv stat --format ""
		$try "a method" flip bench --method ""
		$try "a short option's value, which is free" "$([ "$try" = completes ] || echo FILES)" stat -r ""
	done
	! command -v zsh >/dev/null || zsh_completes "what is to be run" COMMAND stat -- l
	completes "what is to be run" ls stat -- l
}
