# shellcheck shell=bash
# "lab headers": what modules for the lab's kernel are built with, for make KDIR=. The machine's own are
# installed; those of another suite are put together in the cache, where their one absolute path
# is corrected.
# shellcheck disable=SC2034,SC2154 # cache_dir is set by common.sh; columns without use

# merge_headers FETCHED RELEASE FOLDER
merge_headers() {
	local name folder
	while read -r name folder; do
		cp -a "$folder/usr" "$3/" || return
	done <<<"$1"
	sed -i "s|^include /usr/src/\(.*-common\)/|include \$(dir \$(lastword \$(MAKEFILE_LIST)))../\1/|" \
		"$3/usr/src/linux-headers-$2/Makefile"
}

lab_headers() {
	local release suite fetched key folder
	release=$(kernel_release) && suite=$(kernel_suite) || exit
	[[ $suite != "$own_suite" ]] || { echo "/lib/modules/$release/build"; return; }
	fetched=$(lab_fetch headers) || exit
	key=$({ echo "$fetched" && declare -f merge_headers; } | sha256sum | cut -c 1-16)
	folder=$(build_once "$cache_dir/headers/$release-$key" "headers of $release" \
		merge_headers "$fetched" "$release") || exit
	echo "$folder/usr/src/linux-headers-$release"
}
