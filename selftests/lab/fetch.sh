# shellcheck shell=bash
# "lab fetch": kernel, hypervisor, toolstack (or the VMM of a KVM guest; or programs for tests),
# their libraries and busybox are downloaded and unpacked into the cache, never installed. A package's folder is
# cache/packages/NAME_VERSION, written once (unpacked beside it, checked, renamed). All libraries
# come from packages too, so that the guest's user space does not depend on the machine's.
# shellcheck disable=SC2154 # lab_dir, cache_dir and work_dir are set by common.sh

# The release whose headers the module is built with is the release that boots.
kernel_release() (
	suite=$(kernel_suite) || exit
	use_suite "$suite"
	depends=$(header_metapackage "$suite") || exit
	package=$(grep -o 'linux-headers-[0-9][^ ,]*' <<<"$depends")
	printf '%s\n' "${package#linux-headers-}"
)

# What the package linux-headers-amd64 depends on: the one that is installed, for the own suite.
header_metapackage() {
	if [[ $1 == "$own_suite" ]]; then
		dpkg-query -W -f '${Depends}' linux-headers-amd64 2>/dev/null ||
			die "$EXIT_SETUP" "linux-headers-amd64 is not installed: run $lab_dir/lab setup"
	else
		apt-cache "${apt_options[@]}" show --no-all-versions linux-headers-amd64 |
			grep '^Depends:' ||
			die "$EXIT_SETUP" "$1 has no linux-headers-amd64: remove $cache_dir/suites/$1 and retry"
	fi
}

candidate_version() {
	apt-cache "${apt_options[@]}" policy "$1" | sed -n 's/^  Candidate: //p' | grep -vx '(none)'
}

# The folder names say what was fetched; apt quotes the epoch's colon in the same way.
package_dir() { printf '%s/%s_%s' "$packages_dir" "$1" "${2//:/%3a}"; }

cached_version() {
	local found
	found=$(find "$packages_dir" -maxdepth 1 -name "$1_*" -printf '%f\n' 2>/dev/null |
		sort -V | tail -n 1)
	[[ -n $found ]] && printf '%s\n' "${found#*_}"
}

# Names of the direct dependencies of packages that are libraries.
library_dependencies() {
	apt-cache "${apt_options[@]}" depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
		--no-enhances "$@" | sed -nE 's/^ *\|?(Pre)?Depends: ((lib|zlib1g)[^ ]*)$/\2/p' | sort -u
}

# The closure over library packages alone; python, perl and the like are not needed by xl.
library_packages() {
	local known=("$@") more
	while true; do
		mapfile -t more < <(library_dependencies "${known[@]}" |
			grep -vxF -f <(printf '%s\n' "${known[@]}"))
		((${#more[@]})) || break
		known+=("${more[@]}")
	done
	printf '%s\n' "${known[@]}"
}

xen_series() {
	apt-cache "${apt_options[@]}" depends xen-system-amd64 2>/dev/null |
		sed -nE 's/.*Depends: xen-hypervisor-([0-9.]+)-amd64$/\1/p' | sort -V | tail -n 1
}

refresh_lists() {
	[[ -z $(xen_series) ]] || return 0
	((EUID == 0)) || die "$EXIT_SETUP" "apt knows no package xen-system-amd64: run sudo apt-get update"
	say "apt's package lists are empty: running apt-get update"
	apt-get update -qq >&2
	[[ -n $(xen_series) ]] ||
		die "$EXIT_SETUP" "apt offers no xen-system-amd64: the lab needs Debian's main archive for amd64"
}

# Programs that selftests/programs runs, redis by the libraries that its dependencies do not name.
readonly programs=(redis-server redis-tools lua-cjson lua-bitop bash coreutils diffutils findutils
	grep sed mawk ncurses-base util-linux libnuma1 libcap2)

# Of qemu-system-x86 the host of a KVM guest has one program, which knows no accelerator but KVM, and
# needs a few of the package's libraries.
vmm_packages() {
	local libraries
	printf '%s\n' qemu-system-x86 qemu-system-data seabios
	mapfile -t libraries < <(library_dependencies qemu-system-x86 |
		grep -E '^(libc|libgcc|libpixman|libfdt|libglib|zlib)[-0-9]')
	library_packages "${libraries[@]}"
}

xen_packages() {
	local series
	series=$(xen_series)
	printf '%s\n' "xen-hypervisor-$series-amd64"
	library_packages "xen-utils-$series" xenstore-utils mawk
}

kernel_packages() { printf '%s\n' "linux-image-$(kernel_release)"; }
program_packages() { library_packages "${programs[@]}"; }

# What modules for the kernel are built with: for its architecture, for all, and programs.
header_packages() {
	local release
	release=$(kernel_release) || exit
	printf '%s\n' "linux-headers-$release" "linux-headers-${release%-*}-common" \
		"linux-kbuild-${release%-*}"
}

unpack_checked() {
	dpkg-deb -x "$1" "$2" && dpkg-deb -e "$1" "$2/DEBIAN" &&
		(cd "$2" && md5sum --quiet -c DEBIAN/md5sums >&2)
}

unpack() {
	local deb=$1 target=$2 staging
	staging=$(mktemp -d "$packages_dir/.unpack.XXXXXX")
	chmod 755 "$staging"
	if ! unpack_checked "$deb" "$staging"; then
		rm -rf -- "$staging"
		die "$EXIT_SETUP" "$deb does not unpack to what its checksums say: retry, or free some space"
	fi
	rm -f -- "$deb"
	publish "$staging" "$target"
}

# Downloads need no root; the sandbox user could not write to our temporary folder.
download() {
	say "fetching $# packages (80 MB or less): ${*%%=*}"
	(cd "$work_dir" && apt-get download -qq "${apt_options[@]}" \
		-o APT::Sandbox::User="$(id -un)" "$@" >&2) ||
		die "$EXIT_SETUP" "download failed: check the network, then run apt-get update as root"
}

fetch_missing() {
	local name version spec=() folder
	while read -r name version; do
		folder=$(package_dir "$name" "$version")
		[[ -d $folder ]] || spec+=("$name=$version")
	done
	((${#spec[@]})) || return 0
	mkdir -p "$packages_dir"
	new_work_dir
	download "${spec[@]}"
	for name in "${spec[@]}"; do
		version=${name#*=}
		unpack "$work_dir/${name%%=*}_${version//:/%3a}_"*.deb "$(package_dir "${name%%=*}" "$version")"
	done
	clean_up
}

with_versions() {
	local name version
	while read -r name; do
		version=$(candidate_version "$name") || version=$(cached_version "$name") ||
			die "$EXIT_SETUP" "apt offers no $name: run apt-get update and upgrade" \
				"linux-headers-amd64 (the lab boots the kernel of the installed headers)"
		printf '%s %s\n' "$name" "$version"
	done
}

# fetch_part SUITE COMMAND...: the packages that COMMAND names. Prints "NAME FOLDER" lines.
fetch_part() (
	use_suite "$1"
	shift
	versions=$("$@" | with_versions) && fetch_missing <<<"$versions" || exit
	while read -r name version; do
		printf '%s %s\n' "$name" "$(package_dir "$name" "$version")"
	done <<<"$versions"
)

# What a SET holds: what the kinds boot, xen or kvm, or programs, or headers.
fetch_set() {
	local from_kernel from_xen
	from_kernel=$(kernel_suite) && from_xen=$(xen_suite) || exit
	case $1 in
	headers) fetch_part "$from_kernel" header_packages ;;
	programs) fetch_part "$own_suite" program_packages ;;
	*) fetch_part "$own_suite" echo busybox-static && fetch_part "$from_kernel" kernel_packages ;;
	esac || exit
	case $1 in
	xen) fetch_part "$from_xen" xen_packages ;;
	kvm) fetch_part "$own_suite" vmm_packages ;;
	esac
}

# What was resolved is remembered until apt's lists, the headers or these files change.
set_key() {
	{
		kernel_release
		echo "$1 ${XENMM_LAB_XEN:-}"
		stat -c '%n %Y %s' /var/lib/apt/lists/*Packages* "$cache_dir"/suites/*/lists/*Packages* 2>/dev/null
		cat "$lab_dir"/{fetch,suites}.sh
	} | sha256sum | cut -c 1-16
}

set_is_whole() {
	local name folder
	[[ -s $1 ]] || return 1
	while read -r name folder; do
		[[ -d $folder ]] || return 1
	done <"$1"
}

# Prints "NAME FOLDER" lines of all that is in SET.
lab_fetch() {
	local set=${1:-xen} list
	need_tools apt-get apt-cache dpkg-deb
	list="$cache_dir/sets/$(set_key "$set")" || exit
	if ! set_is_whole "$list"; then
		refresh_lists
		mkdir -p "$cache_dir/sets"
		fetch_set "$set" >"$list.$$" || exit
		mv -f "$list.$$" "$list"
	fi
	cat "$list"
}
