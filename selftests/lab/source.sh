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

# The version wanted, then others of its series, newest first.
source_candidates() {
	local name=$1 wanted=$2 series
	series=$(cut -d . -f 1-2 <<<"${wanted%%[+-]*}")
	echo "$wanted"
	apt-cache "${source_apt[@]}" showsrc --only-source "$name" 2>/dev/null |
		sed -n "s/^Version: \(${series//./\\.}[.+-].*\)/\1/p" | sort -rVu | grep -vxF "$wanted"
}

# Into work_dir/apt/source. Prints the version of what was downloaded: a mirror may list a source and not have
# it, and another of the same series has the same interfaces.
download_source() {
	local name=$1 wanted=$2 version
	for version in $(source_candidates "$name" "$wanted"); do
		rm -f -- "$work_dir"/apt/source/*
		if (cd "$work_dir/apt/source" &&
			apt-get "${source_apt[@]}" source --download-only "$name=$version" >&2); then
			[[ $version == "$wanted" ]] || say "the source of $name $version stands in for it"
			echo "$version"
			return
		fi
		say "the source of $name $version cannot be fetched"
	done
	die "$EXIT_SETUP" "no source of $name $wanted: check the network, then run apt-get update as root"
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

# Prints the folder of the unpacked source package NAME of VERSION. A link says that another version of
# the series stands in for the wanted one; remove it to try again.
source_folder() {
	local name=$1 wanted=$2 sources=$cache_dir/sources version folder source_apt
	need_tools apt-get apt-cache dpkg-source
	folder=$sources/${name}_${wanted//:/%3a}
	if [[ ! -d $folder ]]; then
		mkdir -p "$sources"
		new_work_dir
		prepare_source_apt
		version=$(download_source "$name" "$wanted") || exit
		unpack_source "$name" "$sources/${name}_${version//:/%3a}" || exit
		[[ $version == "$wanted" ]] || ln -sfn "${name}_${version//:/%3a}" "$folder"
		clean_up
	fi
	readlink -f "$folder"
}

# Prints the folder of the sources that the package of the same name was built from; +bN is
# the same source built again.
lab_source() {
	local version
	version=$(candidate_version "$1") ||
		die "$EXIT_SETUP" "apt knows no package $1: run apt-get update as root"
	source_folder "$1" "${version%+b+([0-9])}"
}
