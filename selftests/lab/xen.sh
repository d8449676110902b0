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
	need_tools make gcc patch flex bison python3
	fetched=$(lab_fetch) || exit
	source=$(source_folder xen "$(xen_source_version)") || exit
	build_once "$cache_dir/xens/$name-$(xen_key "$name" "${source##*/}")" \
		"hypervisor $name (2 minutes, once)" build_xen "$name" "$source"
}
