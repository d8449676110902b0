# shellcheck shell=bash
# What every part of the lab shares: exit codes, messages, folders, temporary files.
# Sourced by "lab" first; needs bash. A part that fails calls die with one of these codes,
# and the message names the remedy.
# shellcheck disable=SC2034 # the variables are for the files that "lab" sources after this one

readonly EXIT_PAYLOAD=1 EXIT_USAGE=2 EXIT_CRASH=3 EXIT_TIMEOUT=4 EXIT_SETUP=5 EXIT_LOG=6

lab_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo_dir=$(cd "$lab_dir/../.." && pwd)
cache_dir=${XENMM_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/xenmm}

say() { printf 'lab: %s\n' "$*" >&2; }

die() {
	local code=$1
	shift
	say "$@"
	exit "$code"
}

# The payload runs in a guest that dom0 makes, or the machine that QEMU boots as a KVM host,
# not in that machine itself.
# shellcheck disable=SC2154 # set by lab
is_in_domu() { [[ $option_kind == @(domu|pvh) ]]; }
is_in_guest() { [[ $option_kind == @(domu|pvh|kvm) ]]; }
# shellcheck disable=SC2154 # set by lab
has_xen() { [[ $option_kind == @(domu|pvh|dom0) ]]; }

need_tools() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null ||
			die "$EXIT_SETUP" "$tool is missing: run $lab_dir/lab setup"
	done
}

# Set by the first new_work_dir; the trap below removes it and ends QEMU.
work_dir=
qemu_pid=

clean_up() {
	trap '' INT TERM HUP
	if [[ -n $qemu_pid ]]; then
		kill -KILL "$qemu_pid" 2>/dev/null
		wait "$qemu_pid" 2>/dev/null
	fi
	[[ -z $work_dir ]] || rm -rf -- "$work_dir"
}

new_work_dir() {
	work_dir=$(mktemp -d "${TMPDIR:-/tmp}/xenmm-lab.XXXXXX") ||
		die "$EXIT_SETUP" "no temporary folder: make ${TMPDIR:-/tmp} writable or set TMPDIR"
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# Publish FROM as TO in one step; when another run was faster, its result is kept.
publish() {
	local from=$1 to=$2
	[[ -e $to ]] && { rm -rf -- "$from"; return; }
	mkdir -p "${to%/*}"
	mv -T -- "$from" "$to" 2>/dev/null || rm -rf -- "$from"
	[[ -e $to ]] || die "$EXIT_SETUP" "cannot write $to: free some space or set XENMM_CACHE"
}

# build_once TARGET WHAT COMMAND...: unless TARGET is there, COMMAND fills the folder that is its
# last argument, and that becomes TARGET. Prints TARGET; the log is kept beside it.
build_once() {
	local target=$1 what=$2 staging log=${1%-*}.log lock
	shift 2
	mkdir -p "${target%/*}"
	exec {lock}>"$target.lock"
	flock "$lock"
	if [[ ! -d $target ]]; then
		staging=$(mktemp -d "${target%/*}/.build.XXXXXX")
		say "building $what, log in $log"
		"$@" "$staging" >"$log" 2>&1 || {
			tail -n 20 "$log" | sed 's/^/lab: | /' >&2
			rm -rf -- "$staging"
			die "$EXIT_SETUP" "${what%% (*} was not built, all of its log is in $log"
		}
		publish "$staging" "$target"
	fi
	exec {lock}>&-
	printf '%s\n' "$target"
}

# cut_bytes FILE START COUNT: a pipe of tail and head would die of SIGPIPE.
cut_bytes() { dd if="$1" iflag=skip_bytes,count_bytes skip="$2" count="$3" bs=1M status=none; }
