# shellcheck shell=bash
# "lab xen-build NAME": a hypervisor out of Debian's source package of the Xen that the lab
# boots, with what Debian leaves out. Only the hypervisor is built, toolstack and ABI stay
# Debian's. Sources and builds stay in the cache, keyed by version, configuration and compiler.
# shellcheck disable=SC2034,SC2154 # set or used by lab, common.sh and initramfs.sh

readonly xen_builds=(counters)

xen_fragment() { printf '%s/kernels/xen-%s.config' "$lab_dir" "$1"; }

# Version of the source package, out of the hypervisor's: "Source: NAME (VERSION)" where the two
# differ, and +bN where the same source was built again.
xen_source_version() {
	local control
	control=$(package_folder 'xen-hypervisor-.*-amd64')/DEBIAN/control
	awk '/^Source: xen \(/ { gsub(/[()]/, "", $3); print $3; found = 1; exit }
		/^Version:/ { version = $2 }
		END { if (!found) { sub(/\+b[0-9]+$/, "", version); print version } }' "$control"
}

# The version wanted, then others of its series, newest first.
xen_source_candidates() {
	local wanted=$1 series
	series=$(cut -d . -f 1-2 <<<"$wanted")
	echo "$wanted"
	apt-cache "${source_apt[@]}" showsrc --only-source xen 2>/dev/null |
		sed -n "s/^Version: \(${series//./\\.}\..*\)/\1/p" | sort -rVu | grep -vxF "$wanted"
}

# Prints the version of what was downloaded. A mirror may list a source and not have it: another
# of the same series has the same interfaces towards Debian's toolstack.
download_xen_source() {
	local wanted=$1 version
	for version in $(xen_source_candidates "$wanted"); do
		rm -f -- "$work_dir"/apt/source/*
		if download_source xen "$version"; then
			[[ $version == "$wanted" ]] || say "the source of Xen $version stands in for it"
			echo "$version"
			return
		fi
		say "the source of Xen $version cannot be fetched"
	done
	die "$EXIT_SETUP" "no source of Xen $wanted: check the network, then run apt-get update as root"
}

# Prints the folder of the unpacked sources. A link says that another version of the series
# stands in for the wanted one; remove it to try again.
xen_source() {
	local wanted folder version source_apt
	wanted=$(xen_source_version)
	folder=$cache_dir/sources/xen_$wanted
	if [[ ! -d $folder ]]; then
		mkdir -p "$cache_dir/sources"
		new_work_dir
		prepare_source_apt
		version=$(download_xen_source "$wanted") || exit
		unpack_source xen "$cache_dir/sources/xen_$version" || exit
		[[ $version == "$wanted" ]] || ln -sfn "xen_$version" "$folder"
		clean_up
	fi
	readlink -f "$folder"
}

xen_patch() { printf '%s/kernels/xen-%s.patch' "$lab_dir" "$1"; }

# build_xen NAME SOURCE FOLDER: like Debian's rules, the flags of the environment left out.
# The patch goes into a copy: the sources are shared.
build_xen() {
	local source=$2 to=$3 fragment build
	fragment=$(xen_fragment "$1")
	build=(env -u CFLAGS -u CPPFLAGS -u LDFLAGS make -C "$to/source/xen" O="$to/build"
		XEN_TARGET_ARCH=x86_64)
	mkdir "$to/build"
	cp -a "$source" "$to/source" && patch -s -p1 -d "$to/source" <"$(xen_patch "$1")" || return
	cat "$source/debian/xen-kconfig" "$fragment" >"$to/build/.config"
	"${build[@]}" olddefconfig && check_config "$to/build/.config" "$fragment" &&
		"${build[@]}" -j"$(nproc)" build &&
		mv "$to/build/xen" "$to/xen" && mv "$to/build/.config" "$to/config" &&
		rm -rf -- "$to/build" "$to/source"
}

xen_key() {
	{
		printf '%s\n' "$2" "$(gcc --version | head -n 1)"
		declare -f build_xen
		cat "$(xen_fragment "$1")" "$(xen_patch "$1")"
	} | sha256sum | cut -c 1-16
}

# Prints the folder with the built hypervisor, "xen", and its "config".
lab_xen_build() {
	local name=$1 source fetched
	need_tools make gcc patch flex bison python3 dpkg-source
	fetched=$(lab_fetch) || exit
	source=$(xen_source) || exit
	build_once "$cache_dir/xens/$name-$(xen_key "$name" "${source##*/}")" \
		"hypervisor $name (2 minutes, once)" build_xen "$name" "$source"
}
