# shellcheck shell=bash
# "lab source NAME": Debian's source package of a package, unpacked in the cache. How sources are
# fetched at all, for "lab xen-build" too: by a private apt beside the system's, whose lists
# often lack deb-src, and which only root may refresh.
# shellcheck disable=SC2154 # cache_dir and work_dir are set by common.sh

# The system's apt sources, in both of apt's formats, as sources of source packages in FOLDER.
write_source_entries() {
	local to=$1 list='' parts='' file
	eval "$(apt-config shell list Dir::Etc::SourceList/f parts Dir::Etc::SourceParts/d)"
	for file in "$list" "$parts"/*.list; do
		[[ ! -f $file ]] || sed -nE 's/^[[:space:]]*deb[[:space:]]/deb-src /p' "$file"
	done >"$to/lab.list"
	for file in "$parts"/*.sources; do
		[[ ! -f $file ]] || sed -E 's/^Types:.*/Types: deb-src/I' "$file" >"$to/${file##*/}"
	done
}

# Sets source_apt to the private apt's options.
prepare_source_apt() {
	local to=$work_dir/apt
	mkdir -p "$to"/{parts,lists,cache,source}
	write_source_entries "$to/parts"
	source_apt=(-qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$to/parts"
		-o Dir::State::Lists="$to/lists" -o Dir::Cache="$to/cache"
		-o APT::Sandbox::User="$(id -un)")
	say "fetching the lists of source packages (10 MB)"
	apt-get "${source_apt[@]}" update >&2 || say "apt-get update failed; trying with what it got"
}

# Into work_dir/apt/source.
download_source() {
	(cd "$work_dir/apt/source" &&
		apt-get "${source_apt[@]}" source --download-only "$1=$2" >&2)
}

# apt has checked the .dsc by its signed lists, dpkg-source checks the archives by the .dsc and
# applies Debian's patches.
unpack_source() {
	local name=$1 to=$2 staging
	staging=$(mktemp -d "$cache_dir/sources/.unpack.XXXXXX")
	dpkg-source -q --no-copy -x "$work_dir"/apt/source/"$name"_*.dsc "$staging/$name" >&2 || {
		rm -rf -- "$staging"
		die "$EXIT_SETUP" "the source of $name does not unpack: retry, or free some space"
	}
	publish "$staging/$name" "$to"
	rm -rf -- "$staging"
}

# Prints the folder of the sources that the package of the same name was built from; +bN is
# the same source built again.
lab_source() {
	local name=$1 version folder source_apt
	need_tools apt-get apt-cache dpkg-source
	version=$(candidate_version "$name") ||
		die "$EXIT_SETUP" "apt knows no package $name: run apt-get update as root"
	version=${version%+b+([0-9])}
	folder=$cache_dir/sources/${name}_${version//:/%3a}
	if [[ ! -d $folder ]]; then
		mkdir -p "$cache_dir/sources"
		new_work_dir
		prepare_source_apt
		download_source "$name" "$version" ||
			die "$EXIT_SETUP" "no source of $name $version: check the network"
		unpack_source "$name" "$folder" || exit
		clean_up
	fi
	printf '%s\n' "$folder"
}
