# shellcheck shell=bash
# A run whose kernel complained is not a passed run. Every line of the logs that looks like
# a complaint must match a reviewed expression of log-allow, or the run fails and says which.
# shellcheck disable=SC2154 # lab_dir is set by common.sh

readonly forbidden_pattern='WARNING|BUG|Oops|Call Trace|leak|INFO: task .* blocked|rcu.*stall|UBSAN|KASAN|KFENCE'

# Prints "FILE:LINE" of each line. A test calls the OOM killer, whose report has a call trace.
log_lines() {
	local log
	for log; do
		sed -E '/\] xenmm_pressure_ invoked oom-killer:/,/Memory cgroup out of memory: Killed/{/Call Trace:/d}' \
			"$log" | sed "s/^/$log:/"
	done
}

allowed_expressions() { sed -E '/^[[:space:]]*(#|$)/d' "$lab_dir/log-allow"; }

# Prints the forbidden lines of the logs in FOLDER; fails when there is one.
check_logs() {
	local found log logs=()
	for log in dmesg dom0-dmesg host-dmesg console.log guest-console.log; do
		[[ ! -e $1/$log ]] || logs+=("$log")
	done
	found=$(cd "$1" && log_lines "${logs[@]}" | grep -aE ":.*($forbidden_pattern)" |
		grep -avE -f <(allowed_expressions))
	[[ -n $found ]] || return 0
	printf '%s\n' "$found" | sed 's/^/lab: forbidden: /' >&2
	return 1
}
