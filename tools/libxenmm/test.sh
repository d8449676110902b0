#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of libxenmm: what it does, its examples, and whether a C program can be built with
# what `make install` leaves.
#   test.sh BUILD    closes with `N passed, N failed`
set -uo pipefail
cd "$(dirname "$0")" || exit
build=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0

# verdict TEXT STATUS: the output of a failed one is in $tmp/out.
verdict() {
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok: $1"
		return
	fi
	failed=$((failed + 1))
	echo "FAILED: $1"
	tail -n 20 "$tmp/out"
}

count_tests() {
	"$build/xenmm_library_test" >"$tmp/out" 2>&1
	local status=$? bad
	passed=$((passed + $(grep -c '^ok' "$tmp/out")))
	bad=$(grep -c '^not ok' "$tmp/out")
	failed=$((failed + bad))
	[ "$status" -eq 0 ] || tail -n 40 "$tmp/out"
	[ "$bad" -gt 0 ] || verdict "library_test comes to its end" "$status"
}

build_with_pkgconfig() {
	make -s install O="$build" DESTDIR="$tmp/root" PREFIX=/opt/xenmm || return
	export PKG_CONFIG_SYSROOT_DIR=$tmp/root PKG_CONFIG_LIBDIR=$tmp/root/opt/xenmm/lib/pkgconfig
	# shellcheck disable=SC2046 # words are wanted
	cc -std=gnu11 -Wall -Wextra -Werror -o "$tmp/allocator" examples/allocator.c \
		$(pkg-config --cflags --libs libxenmm)
}

# C programs need no library of C++, and see nothing that is not in the header.
needs_libc_alone() { ! readelf -d "$build/libxenmm.so.1" | grep NEEDED | grep -v 'libc\.so'; }
shows_its_interface_alone() {
	diff <(grep -o 'xenmm_memory_[a-z_]*(' libxenmm.h | tr -d '(' | sort -u) \
		<(nm -D --defined-only "$build/libxenmm.so.1" | awk '{ print $3 }' | sort)
}

count_tests
"$build/checkpoint" "$tmp/file" >"$tmp/out" 2>&1
verdict "the example checkpoint" $?
"$build/allocator" >"$tmp/out" 2>&1
verdict "the example allocator" $?
build_with_pkgconfig >"$tmp/out" 2>&1
verdict "a C program is built by pkg-config" $?
LD_LIBRARY_PATH=$tmp/root/opt/xenmm/lib "$tmp/allocator" >"$tmp/out" 2>&1
verdict "and runs with the shared library" $?
needs_libc_alone >"$tmp/out" 2>&1
verdict "the shared library needs nothing but libc" $?
shows_its_interface_alone >"$tmp/out" 2>&1
verdict "the shared library shows what the header does" $?
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
