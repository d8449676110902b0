# shellcheck shell=bash
# "lab setup [PART]": the packages that building needs (file packages), or PART of what is asked for less
# often (packages-PART), are installed, or the exact command is printed. Silent and without any
# apt call when all are there.
# shellcheck disable=SC2154 # lab_dir is set by common.sh

wanted_packages() { sed 's/#.*//' "$lab_dir/packages${1:+-$1}" | tr -s ' \t' '\n' | sed '/^$/d'; }

missing_packages() {
	local package
	while read -r package; do
		[[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
			printf '%s\n' "$package"
	done < <(wanted_packages "$@")
}

lab_setup() {
	local missing
	[[ -f $lab_dir/packages${1:+-$1} ]] || usage_error "no list packages-$1 beside this program"
	mapfile -t missing < <(missing_packages "$@")
	((${#missing[@]})) || return 0
	if ((EUID)); then
		say "${#missing[@]} packages are missing; install them with:"
		die "$EXIT_SETUP" "sudo apt-get update && sudo apt-get install -y" \
			"--no-install-recommends ${missing[*]}"
	fi
	say "installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq >&2 || say "apt-get update failed; trying with the lists at hand"
	apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
		die "$EXIT_SETUP" "apt-get install failed: see its message above"
}
