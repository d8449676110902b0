# shellcheck shell=bash
# Which kernel and which Xen the lab boots: those of the machine's own Debian, unless XENMM_LAB_KERNEL
# or XENMM_LAB_XEN names a series that another suite has. A private apt beside the system's
# knows that suite; its lists and packages are in cache/suites/SUITE, and nothing of it is
# installed.
# shellcheck disable=SC2034,SC2154 # set or used by common.sh and fetch.sh

readonly own_suite=own
declare -rA kernel_suites=([6.1]=$own_suite [6.12]=bookworm-backports)
declare -rA xen_suites=([4.17]=$own_suite [4.20]=trixie)

# What apt-get and apt-cache are given, and where packages are unpacked: set by use_suite.
apt_options=()
packages_dir=$cache_dir/packages

# suite_of VARIABLE TABLE
suite_of() {
	local series=${!1:-}
	local -n table=$2
	[[ -n $series ]] || { echo "$own_suite"; return; }
	[[ -v table[$series] ]] || die "$EXIT_USAGE" "$1=$series: the lab knows ${!table[*]}"
	echo "${table[$series]}"
}

kernel_suite() { suite_of XENMM_LAB_KERNEL kernel_suites; }
xen_suite() { suite_of XENMM_LAB_XEN xen_suites; }

# "lab archives": where this machine gets its Debian from, a line "SUITE URI" each; of suites of the
# release that it runs, whatever else apt knows.
# shellcheck disable=SC1091,SC2016 # apt expands these
lab_archives() {
	local release
	release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		grep -E "^$release(-|\$| )" | sort -u ||
		die "$EXIT_SETUP" "apt's sources name no Debian archive for $release"
}

write_suite() {
	local suite=$1 folder=$2 archive
	archive=$(lab_archives | sed -n '1s/.* //p') || exit
	mkdir -p "$folder"/{parts,lists/partial,cache}
	: >"$folder/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $suite main" \
		>"$folder/parts/suite.list"
}

# Lists that are a day old are fetched again: an archive keeps no package for long that it replaced.
refresh_suite() {
	local suite=$1 folder=$2 lock
	exec {lock}>"$folder/lock"
	flock "$lock"
	if [[ -z $(find "$folder/fresh" -mmin -1440 2>/dev/null) ]]; then
		say "fetching the lists of $suite (10 MB)"
		if apt-get "${apt_options[@]}" -qq update >&2; then
			touch "$folder/fresh"
		else
			say "apt-get update failed; trying with what there is"
		fi
	fi
	exec {lock}>&-
}

# From here on apt works with that suite alone.
use_suite() {
	local suite=$1 folder=$cache_dir/suites/$1
	[[ $suite != "$own_suite" ]] || return 0
	packages_dir=$folder/packages
	apt_options=(-o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$folder/parts"
		-o Dir::State::Lists="$folder/lists" -o Dir::State::status="$folder/status"
		-o Dir::Cache="$folder/cache" -o APT::Sandbox::User="$(id -un)")
	[[ -d $folder/parts ]] || write_suite "$suite" "$folder"
	refresh_suite "$suite" "$folder"
}
