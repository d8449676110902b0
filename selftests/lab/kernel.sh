# shellcheck shell=bash
# "lab kernel-build NAME": a kernel for PV guests out of Debian's linux-source package,
# configured by fragments of the folder kernels/, later ones winning. Sources and builds stay
# in the cache, keyed by version, fragments and compiler. dom0 always runs Debian's own.
# A build's folder is what `make KDIR=` takes, with vmlinux and its modules.
# shellcheck disable=SC2154 # lab_dir, cache_dir and work_dir are set by common.sh

declare -rA kernel_fragments=([kunit]='xenpv tests kunit' [debug]='xenpv tests debug')

fragment_files() {
	local fragment
	for fragment in ${kernel_fragments[$1]}; do
		printf '%s\n' "$lab_dir/kernels/$fragment.config"
	done
}

# Prints the folder of the unpacked sources, 1.3 GB, shared by all builds.
kernel_source() {
	local release suite package fetched target staging
	release=$(kernel_release) && suite=$(kernel_suite) || exit
	package=linux-source-$(cut -d . -f 1-2 <<<"$release")
	fetched=$(fetch_part "$suite" echo "$package") || exit
	fetched=${fetched#* }
	target=$cache_dir/sources/${fetched##*/}
	if [[ ! -d $target ]]; then
		say "unpacking $package"
		mkdir -p "$cache_dir/sources"
		staging=$(mktemp -d "$cache_dir/sources/.unpack.XXXXXX")
		tar -C "$staging" --strip-components 1 -xf "$fetched/usr/src/$package.tar.xz" ||
			die "$EXIT_SETUP" "cannot unpack $package: free some space below $cache_dir"
		publish "$staging" "$target"
	fi
	printf '%s\n' "$target"
}

# Every line of the fragments, the last one of an option, must have survived Kconfig.
check_config() {
	local config=$1 wanted missing
	shift
	wanted=$(cat "$@" | tac | sed -nE 's/^(CONFIG_[A-Z0-9_]+)=.*/\1 &/p; s/^# (CONFIG_.*) is not set/\1 &/p' |
		awk '!seen[$1]++' | cut -d ' ' -f 2- | grep '^CONFIG_')
	missing=$(grep -vxF -f "$config" <<<"$wanted") || return 0
	say "the configuration has lost:" "$missing"
	return 1
}

# configure SOURCE FOLDER FRAGMENT...
configure() {
	local source=$1 to=$2
	shift 2
	cat "$@" >"$to/fragments"
	make -C "$source" O="$to" KCONFIG_ALLCONFIG="$to/fragments" allnoconfig &&
		check_config "$to/.config" "$@"
}

# What modules are built with stays, objects and what only made them go.
prune_build() {
	find "$1" \( -name '*.o' -o -name '*.a' -o -name '*.cmd' -o -name '.tmp_*' \) \
		-not -path "$1/scripts/*" -not -path "$1/tools/*" -delete
	strip --strip-debug "$1/vmlinux"
}

build_kernel() {
	local name=$1 source=$2 to=$3 fragments
	mapfile -t fragments < <(fragment_files "$name")
	configure "$source" "$to" "${fragments[@]}" &&
		make -C "$source" O="$to" -j"$(nproc)" vmlinux modules && prune_build "$to"
}

kernel_key() {
	{
		printf '%s\n' "$2" "$(gcc --version | head -n 1)"
		declare -f configure build_kernel prune_build
		fragment_files "$1" | xargs -d '\n' cat
	} | sha256sum | cut -c 1-16
}

# Prints the folder of a built kernel.
lab_kernel_build() {
	local name=$1 source
	need_tools make gcc flex bison bc
	source=$(kernel_source) || exit
	build_once "$cache_dir/kernels/$name-$(kernel_key "$name" "${source##*/}")" \
		"kernel $name (5 to 9 minutes, once)" build_kernel "$name" "$source"
}
