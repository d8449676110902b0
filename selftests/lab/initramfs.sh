# shellcheck shell=bash
# Builds the initramfs images. Two bases are cached, keyed by package versions and a hash of
# the scripts: "user" (busybox, init scripts, drivers of the channels) for every guest, "toolstack"
# (xl and friends, modules) on top of it for dom0. A run appends the payload as one more
# cpio: the kernel unpacks concatenated archives. Nothing is compressed: QEMU and Xen load
# 80 MB at once, an emulated CPU takes seconds to decompress them.
# shellcheck disable=SC2154 # set by lab (option_*), common.sh and run.sh

readonly dom0_modules=(xen-privcmd xenfs xen-evtchn xen-gntdev xen-gntalloc brd xen-blkback)
readonly user_modules=(xen-blkfront virtio_ring virtio virtio_pci_modern_dev
	virtio_pci_legacy_dev virtio_pci virtio_console)
readonly toolstack_programs=(xl xenstored xenconsoled xenconsole xen-init-dom0 xentrace xenperf
	libxl-save-helper)

# Prints the folder as an archive whose files belong to root, whoever packs it.
pack() {
	(cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
		cpio --quiet --null -o -H newc -R 0:0 --reproducible)
}

# Folder of a fetched package, by a pattern of its name.
package_folder() {
	awk -v name="^$1\$" '$1 ~ name { print $2; exit }' <<<"$fetched"
}

base_key() {
	{
		printf '%s\n' "$fetched"
		cd "$lab_dir" && cat initramfs.sh guest-lib toolstack block init-*
	} | sha256sum | cut -c 1-16
}

copy_modules() {
	local to=$1 image module file
	shift
	image=$(package_folder 'linux-image-.*')
	mkdir -p "$to/lib/modules"
	for module; do
		file=$(find "$image" -name "$module.ko*" -print -quit)
		case $file in
		*.ko) cp "$file" "$to/lib/modules/" ;;
		*.ko.xz) xz -dc "$file" >"$to/lib/modules/$module.ko" ;;
		*) die "$EXIT_SETUP" "no module $module in $image: remove that folder and retry" ;;
		esac
	done
}

# The applet list contains busybox itself: a link over the binary would be the end of it.
install_busybox() {
	local to=$1 busybox applet
	busybox=$(find "$(package_folder busybox-static)" -name busybox -type f -perm -100 -print -quit)
	mkdir -p "$to"/{bin,sbin,usr/bin,usr/sbin}
	cp "$busybox" "$to/bin/busybox"
	for applet in $("$busybox" --list | grep -vx busybox); do
		ln -s busybox "$to/bin/$applet"
	done
}

build_user() {
	local to=$1
	install_busybox "$to"
	copy_modules "$to" "${user_modules[@]}"
	mkdir -p "$to"/{etc,lab,root,dev,proc,sys,tmp,run,results,var}
	ln -s ../run "$to/var/run"
	cp "$lab_dir"/{guest-lib,toolstack,block,init-dom0,init-domu,init-bare} "$to/lab/"
	chmod 755 "$to"/lab/{block,init-*}
	printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'nobody:x:65534:65534:nobody:/:/bin/sh' \
		>"$to/etc/passwd"
	printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' >"$to/etc/group"
}

library_path() {
	find "${package_folders[@]}" \( -type f -o -type l \) -name "$1" -print -quit
}

# Follow NEEDED entries until no library is missing.
copy_libraries() {
	local to=$1 todo name path
	mapfile -t todo < <(readelf -d "$to"/usr/sbin/* | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | sort -u)
	todo+=(libgcc_s.so.1) # xl create -c cancels a thread, which loads it late
	while ((${#todo[@]})); do
		name=${todo[0]}
		todo=("${todo[@]:1}")
		[[ ! -e $to/lib/x86_64-linux-gnu/$name ]] || continue
		path=$(library_path "$name")
		[[ -n $path ]] || die "$EXIT_SETUP" "library $name is in no fetched package"
		cp -L "$path" "$to/lib/x86_64-linux-gnu/$name"
		mapfile -t -O "${#todo[@]}" todo < <(readelf -d "$path" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
	done
}

build_toolstack() {
	local to=$1 program package_folders
	mapfile -t package_folders < <(awk '$1 ~ /^(lib|zlib|xen)/ { print $2 }' <<<"$fetched")
	mkdir -p "$to"/{usr/sbin,lib/x86_64-linux-gnu,lib64}
	for program in "${toolstack_programs[@]}"; do
		# usr/sbin/xl is a wrapper that looks for the series; the real one is in lib/xen-SERIES.
		cp "$(package_folder 'xen-utils-4.*')"/usr/lib/xen-*/bin/"$program" "$to/usr/sbin/"
	done
	cp "$(package_folder xenstore-utils)/usr/bin/xenstore" "$to/usr/sbin/"
	copy_libraries "$to"
	ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$to/lib64/"
	copy_modules "$to" "${dom0_modules[@]}"
}

# The ELF kernel inside vmlinuz (its header says where): neither Xen nor xl has to unpack it.
build_vmlinux() {
	local vmlinuz start length
	vmlinuz=$(echo "$(package_folder 'linux-image-.*')"/boot/vmlinuz-*)
	start=$(od -An -tu1 -j 497 -N 1 "$vmlinuz")
	start=$(((start + 1) * 512 + $(od -An -tu4 -j 584 -N 4 "$vmlinuz")))
	length=$(od -An -tu4 -j 588 -N 4 "$vmlinuz")
	cut_bytes "$vmlinuz" "$start" "$((length))" | xz -dc --single-stream >"$1" ||
		die "$EXIT_SETUP" "$vmlinuz holds no xz kernel: the lab knows no other compression"
}

build_xen() {
	gzip -dc "$(package_folder 'xen-hypervisor-.*-amd64')"/boot/xen-*-amd64.gz >"$1"
}

# Sets images to the folder with vmlinux, xen, user.cpio and toolstack.cpio.
prepare_images() {
	images=$cache_dir/images/$(base_key)
	[[ ! -d $images ]] || return 0
	say "building the base images (once)"
	mkdir -p "$work_dir"/{user,toolstack,images}
	build_user "$work_dir/user"
	build_toolstack "$work_dir/toolstack"
	pack "$work_dir/user" >"$work_dir/images/user.cpio"
	pack "$work_dir/toolstack" >"$work_dir/images/toolstack.cpio"
	build_vmlinux "$work_dir/images/vmlinux"
	build_xen "$work_dir/images/xen"
	publish "$work_dir/images" "$images"
}

warn_dynamic() {
	local file
	while IFS= read -r file; do
		! readelf -lW "$file" 2>/dev/null | grep -q INTERP ||
			say "warning: ${file##*/} is dynamically linked but the guest has no libraries: link with -static"
	done < <(find "$1" -type f -perm -100)
}

# The payload's archive: init, environment, payload.
payload_cpio() {
	local to=$work_dir/payload init=$option_kind
	! is_in_domu || init=domu
	mkdir -p "$to/lab"
	cp -RL "$option_payload" "$to/payload" || die "$EXIT_SETUP" "cannot copy $option_payload"
	warn_dynamic "$to/payload"
	ln -s "lab/init-$init" "$to/init"
	environment >"$to/lab/environment"
	pack "$to"
}

environment() {
	printf 'export %s\n' "XENMM_LAB_KIND=$option_kind" "XENMM_LAB_ICOUNT=$option_icount" \
		XENMM_LAB_EMULATED=1 "XENMM_LAB_XPTI=$(xpti_of_arguments)" \
		"XENMM_LAB_XEN_OPTIONS=\"$option_xen_args\""
	# A guest cannot see that its paging is nested; guest_config has asked for it.
	[[ $option_kind != pvh ]] || echo 'export XENMM_GUEST=xen-pvh-hap'
}

# As far as kind and arguments say so; else dom0 reads what Xen decided by the CPU.
xpti_of_arguments() {
	[[ $option_kind != @(bare|pvh) ]] || { echo 0; return; } # only PV guests are split
	local last
	last=$(tr ' ' '\n' <<<"$option_xen_args" | sed -n 's/^xpti=//p' | tail -n 1)
	case $last in
	no | off | false | 0 | disable) echo 0 ;;
	yes | on | true | 1 | enable) echo 1 ;;
	*) echo unknown ;;
	esac
}

guest_config() {
	local common
	common=$(common_arguments)
	if [[ $option_kind == pvh ]]; then
		printf '%s\n' 'type = "pvh"' 'hap = 1'
	else
		echo 'type = "pv"'
	fi
	cat <<-END
		name = "guest"
		kernel = "/guest/vmlinux"
		ramdisk = "/guest/initrd"
		extra = "console=hvc0 $common $option_guest_args"
		memory = $option_memory
		vcpus = $option_vcpus
		disk = [ "phy:/dev/ram0,xvda,w" ]
		on_poweroff = "destroy"
		on_reboot = "destroy"
		on_crash = "destroy"
	END
	((!option_icount)) || echo 'tsc_mode = "native"'
}

# Prints the initramfs of the machine that QEMU boots.
machine_initramfs() {
	local to=$work_dir/machine guest_vmlinux=${guest_kernel:-$images}/vmlinux
	cat "$images/user.cpio"
	[[ $option_kind == bare ]] || cat "$images/toolstack.cpio"
	is_in_domu || { payload_cpio; return; }
	mkdir -p "$to/guest"
	ln -s lab/init-dom0 "$to/init"
	ln "$guest_vmlinux" "$to/guest/vmlinux" 2>/dev/null || cp "$guest_vmlinux" "$to/guest/"
	{ cat "$images/user.cpio" && payload_cpio; } >"$to/guest/initrd" &&
		guest_config >"$to/guest/guest.cfg" && pack "$to"
}
