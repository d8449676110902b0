#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sourced by what boots guests: builds the parts and collects them in a folder that
# the lab copies into a guest. The working directory is the repository.

lab_kernel=$(selftests/lab/lab kernel)

# cached COMMAND...: what was compiled before, in any clone of this user's, is not compiled again.
cached() {
	env PATH="/usr/lib/ccache:$PATH" CCACHE_DIR="$(selftests/lab/lab cache)/ccache" CCACHE_MAXSIZE=2G \
		CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1 "$@"
}

# The guest runs the lab's kernel, whatever this machine runs.
build_parts() {
	cached make --no-print-directory -j"$(nproc)" KERNEL="$lab_kernel" KDIR="$(selftests/lab/lab headers)" "$@" >&2
}

# kernel_folder NAME: of a kernel that the lab builds.
kernel_folder() { selftests/lab/lab kernel-build "$1"; }

# build_for_kernel NAME TARGET...: the same for a guest that runs such a kernel.
build_for_kernel() {
	local name=$1 folder
	shift
	folder=$(kernel_folder "$name") &&
		cached make --no-print-directory -j"$(nproc)" KERNEL="$name" KDIR="$folder" "$@" >&2
}

# module_path [-inject|-kunit] [KERNEL]
module_path() {
	local name=xenmm
	[ "${1:-}" != -kunit ] || name=xenmm_kunit
	echo "build/module${1:-}/${2:-$lab_kernel}/$name.ko"
}

# sample_path [KERNEL]: the driver of selftests/sample.
sample_path() { echo "build/module/${1:-$lab_kernel}/sample/xenmm_sample.ko"; }

# Lines of kunit/.kunitconfig that the kernel in this folder was not built with.
has_config() {
	local missing
	missing=$(grep '^CONFIG_' kunit/.kunitconfig | grep -vxFf "$1/.config") || return 0
	printf 'kernel %s lacks %s\n' "$1" "$missing" >&2
	return 1
}

# add_kunit FOLDER KERNEL: the KUnit suites, for a guest that runs such a kernel.
add_kunit() {
	local kernel
	kernel=$(kernel_folder "$2") && has_config "$kernel" && mkdir -p "$1" &&
		cp "$(module_path -kunit "$2")" "$kernel/lib/kunit/kunit.ko" selftests/kunit-in-guest "$1/"
}

new_payload() {
	local folder=build/payload/$1
	rm -rf "$folder"
	mkdir -p "$folder"
	echo "$folder"
}

# build_xen_answers FOLDER: what vmm-answers is in dom0.
build_xen_answers() {
	make -s -C selftests OUTPUT=../build/selftests ../build/selftests/host-xen-answers >&2 &&
		cp build/selftests/host-xen-answers "$1/"
}

# with_settings FILE NAME=VALUE...: a script for busybox sh, behind its settings.
with_settings() {
	local file=$1
	shift
	echo '#!/bin/sh'
	printf 'export %s\n' "$@"
	cat "$file"
}
