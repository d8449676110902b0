#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sourced by what boots guests: builds the parts and collects them in a folder that
# the lab copies into a guest. The working directory is the repository.

lab_kernel=$(selftests/lab/lab kernel)

# The guest runs the lab's kernel, whatever this machine runs.
build_parts() {
	make --no-print-directory -j"$(nproc)" KERNEL="$lab_kernel" "$@" >&2
}

# module_path [-inject]
module_path() {
	echo "build/module${1:-}/$lab_kernel/xenmm.ko"
}

new_payload() {
	local folder=build/payload/$1
	rm -rf "$folder"
	mkdir -p "$folder"
	echo "$folder"
}
