# shellcheck shell=bash
# "lab qemu-build": QEMU out of Debian's source package of the one that is installed, with
# kernels/qemu.patch, which guests need that have SVM or several emulated CPUs, and no devices but those
# that the lab has. What counts instructions without SVM runs on the installed one, unless --qemu
# says so. It stays in the cache, keyed by version and compiler.
# shellcheck disable=SC2034,SC2154 # set or used by lab, common.sh, run.sh

readonly qemu_configuration=(--target-list=x86_64-softmmu --with-pkgversion=xenmm
	--without-default-features --without-default-devices --with-devices-x86_64=lab
	--disable-user --disable-debug-info)

# Counting instructions means one CPU.
needs_built_qemu() { ((!option_icount)) || [[ $option_kind == @(pvh|kvm) ]]; }

qemu_source_version() {
	# shellcheck disable=SC2016 # dpkg-query's own
	dpkg-query -W -f '${source:Version}' qemu-system-x86 2>/dev/null ||
		die "$EXIT_SETUP" "qemu-system-x86 is not installed: run $lab_dir/lab setup"
}

# build_qemu SOURCE FOLDER: the patch goes into a copy.
build_qemu() (
	source=$1 to=$2
	cp -a "$source" "$to/source" && patch -s -p1 -d "$to/source" <"$lab_dir/kernels/qemu.patch" &&
		cp "$lab_dir/kernels/qemu.devices" "$to/source/configs/devices/x86_64-softmmu/lab.mak" &&
		mkdir "$to/build" && cd "$to/build" && ../source/configure "${qemu_configuration[@]}" &&
		ninja qemu-system-x86_64 && strip -o "$to/qemu-system-x86_64" qemu-system-x86_64 &&
		rm -rf -- "$to/build" "$to/source"
)

qemu_key() {
	{
		printf '%s\n' "$1" "$(gcc --version | head -n 1)" "${qemu_configuration[@]}"
		declare -f build_qemu
		cat "$lab_dir"/kernels/qemu.{patch,devices}
	} | sha256sum | cut -c 1-16
}

# Sets emulator, the command that all arguments of the machine follow. What was built takes the firmware of
# the installed one.
choose_emulator() {
	local folder
	emulator=(qemu-system-x86_64)
	[[ $option_qemu == built ]] || return 0
	folder=$(lab_qemu_build) || exit
	emulator=("$folder/qemu-system-x86_64" -L /usr/share/qemu -L /usr/share/seabios)
}

# Prints the folder with the built emulator, "qemu-system-x86_64".
lab_qemu_build() {
	local version source
	need_tools gcc patch meson ninja pkg-config python3
	version=$(qemu_source_version) || exit
	source=$(source_folder qemu "$version") || exit
	build_once "$cache_dir/qemus/$(qemu_key "${source##*/}")" \
		"QEMU (3 minutes, once)" build_qemu "$source"
}
