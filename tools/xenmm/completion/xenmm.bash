# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Completion of xenmm(1) for bash: copy it to /etc/bash_completion.d/xenmm, or source it.
# It asks the tool itself what it can do (--help), so that it knows each option of that version.

# _xenmm_help COMMAND: its help, nothing where there is no such command.
_xenmm_help() { "${COMP_WORDS[0]}" ${1:+"$1"} --help 2>/dev/null; }

# Lines "  NAME   what it does" below "Subcommands:".
_xenmm_commands() { _xenmm_help '' | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p'; }

_xenmm_options() {
	_xenmm_help "$1" | sed -n 's/^  \(-[^ ]*\).*/\1/p' | tr ',' '\n'
	printf '%s\n' --quiet --progress
}

# _xenmm_values COMMAND OPTION: the words between braces, or those of "a|b|c".
_xenmm_values() {
	local line
	line=$(_xenmm_help "$1" | grep -E -e "^  ([^ ]*,)?$2( |,)" | head -n 1)
	case $line in
	*\{*\}*) line=${line#*\{} && printf '%s\n' "${line%%\}*}" | tr ',' '\n' ;;
	*' '*'|'*) line=${line#*"$2" } && printf '%s\n' "${line%% *}" | tr '|' '\n' ;;
	esac
}

_xenmm() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' i words
	for ((i = 1; i < COMP_CWORD; i++)); do
		[ "${COMP_WORDS[i]}" != -- ] || { mapfile -t COMPREPLY < <(compgen -c -- "$word") && return; }
		[[ -n $command || ${COMP_WORDS[i]} == -* ]] || command=${COMP_WORDS[i]}
	done
	if [ -z "$command" ]; then
		words=$(_xenmm_commands)$'\n'"--help"$'\n'"--version"
	elif [[ $before == -* && $word != -* ]]; then
		words=$(_xenmm_values "$command" "$before")
	elif [[ $word == -* ]]; then
		words=$(_xenmm_options "$command")
	else
		words=
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

# Where it has nothing to offer a file is meant.
complete -o default -F _xenmm xenmm
