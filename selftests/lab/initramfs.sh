# shellcheck shell=bash
# Builds the initramfs images. Bases are cached, keyed by package versions and a hash of the
# scripts: "user" (busybox, init scripts, drivers of the channels) for every guest, and on top of
# it "host", for dom0 the toolstack (xl and friends, modules), for the host of a KVM guest
# the VMM (kvm.sh). A run appends the payload as one more cpio: the kernel unpacks concatenated
# archives. Nothing is compressed: QEMU and Xen load
# 80 MB at once, an emulated CPU takes seconds to decompress them.
# shellcheck disable=SC2154 # set by lab (option_*), common.sh and run.sh

readonly dom0_modules=(xen-privcmd xenfs xen-evtchn xen-gntdev xen-gntalloc brd xen-blkback)
readonly user_modules=(xen-blkfront virtio_ring virtio virtio_pci_modern_dev
	virtio_pci_legacy_dev virtio_pci virtio_mmio virtio_console)
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
		cd "$lab_dir" && cat initramfs.sh kvm.sh guest-lib toolstack block init-*
	} | sha256sum | cut -c 1-16
}

# Which are modules and which are built in differs by kernel.
is_built_in() { grep -qE "/$2\.ko$" "$1"/lib/modules/*/modules.builtin; }

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
		*)
			is_built_in "$image" "$module" ||
				die "$EXIT_SETUP" "no module $module in $image: remove that folder and retry"
			;;
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
	cp "$lab_dir"/{guest-lib,toolstack,block} "$lab_dir"/init-* "$to/lab/"
	chmod 755 "$to"/lab/{block,init-*}
	printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'nobody:x:65534:65534:nobody:/:/bin/sh' \
		>"$to/etc/passwd"
	printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' >"$to/etc/group"
}

library_path() {
	find "${package_folders[@]}" \( -type f -o -type l \) -name "$1" -print -quit
}

# Follow NEEDED entries until no library is missing; package_folders is where they are.
copy_libraries() {
	local to=$1 todo name path package_folders
	mapfile -t package_folders < <(awk '$1 ~ /^(lib|zlib|xen)/ { print $2 }' <<<"$fetched")
	mkdir -p "$to"/{lib/x86_64-linux-gnu,lib64}
	ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$to/lib64/"
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
	local to=$1 program
	mkdir -p "$to"/{usr/sbin,etc/xen/scripts}
	echo 'autoballoon="off"' >"$to/etc/xen/xl.conf"
	ln -s /lab/block "$to/etc/xen/scripts/block"
	for program in "${toolstack_programs[@]}"; do
		# usr/sbin/xl is a wrapper that looks for the series; the real one is in lib/xen-SERIES.
		cp "$(package_folder 'xen-utils-4.*')"/usr/lib/xen-*/bin/"$program" "$to/usr/sbin/"
	done
	# libxl looks for the helper of save and restore where its package has it.
	program=$(cd "$(package_folder 'xen-utils-4.*')" && echo usr/lib/xen-*/bin)
	mkdir -p "$to/$program"
	ln -s /usr/sbin/libxl-save-helper "$to/$program/"
	cp "$(package_folder xenstore-utils)/usr/bin/xenstore" "$(package_folder mawk)/usr/bin/mawk" "$to/usr/sbin/"
	copy_libraries "$to"
	copy_modules "$to" "${dom0_modules[@]}"
}

# decompressor FILE: by how it begins.
decompressor() {
	case $(od -An -tx1 -N 4 "$1" | tr -d ' ') in
	fd377a58) echo xz -dc --single-stream ;;
	28b52ffd) echo zstd -dc -q ;;
	*) return 1 ;;
	esac
}

# The ELF kernel inside vmlinuz (its header says where): neither Xen nor xl has to unpack it. Behind
# the compressed data stands how long it is unpacked, in four bytes.
build_vmlinux() {
	local vmlinuz start length program inner=$work_dir/vmlinux.compressed
	vmlinuz=$(echo "$(package_folder 'linux-image-.*')"/boot/vmlinuz-*)
	start=$(od -An -tu1 -j 497 -N 1 "$vmlinuz")
	start=$(((start + 1) * 512 + $(od -An -tu4 -j 584 -N 4 "$vmlinuz")))
	length=$(od -An -tu4 -j 588 -N 4 "$vmlinuz")
	cut_bytes "$vmlinuz" "$start" "$((length - 4))" >"$inner"
	program=$(decompressor "$inner") ||
		die "$EXIT_SETUP" "$vmlinuz holds no kernel in xz or zstd: the lab knows no other compression"
	$program <"$inner" >"$1" || die "$EXIT_SETUP" "$vmlinuz does not unpack: remove its package's folder"
	rm -f -- "$inner"
}

unpack_xen() {
	gzip -dc "$(package_folder 'xen-hypervisor-.*-amd64')"/boot/xen-*-amd64.gz >"$1"
}

# Fills the folder for "host" and, for Xen, its image.
build_host() {
	[[ $option_kind != kvm ]] || { build_vmm "$1"; return; }
	build_toolstack "$1"
	unpack_xen "$work_dir/images/xen"
}

# Sets images to the folder with vmlinux, user.cpio, host.cpio and, but for kvm, xen.
prepare_images() {
	images=$cache_dir/images/$(base_key)
	[[ ! -d $images ]] || return 0
	say "building the base images (once)"
	mkdir -p "$work_dir"/{user,host,images}
	build_user "$work_dir/user"
	build_host "$work_dir/host"
	pack "$work_dir/user" >"$work_dir/images/user.cpio"
	pack "$work_dir/host" >"$work_dir/images/host.cpio"
	build_vmlinux "$work_dir/images/vmlinux"
	publish "$work_dir/images" "$images"
}

warn_dynamic() {
	local file
	while IFS= read -r file; do
		! readelf -lW "$file" 2>/dev/null | grep -q INTERP ||
			say "warning: ${file##*/} is dynamically linked but the guest has no libraries: link with -static"
	done < <(find "$1" -type f -perm -100)
}

# The payload's archive: init, environment, payload. A KVM guest has the way back of a bare
# machine.
payload_cpio() {
	local to=$work_dir/payload init=$option_kind
	! is_in_domu || init=domu
	[[ $option_kind != kvm ]] || init=bare
	mkdir -p "$to/lab"
	cp -RL "$option_payload" "$to/payload" || die "$EXIT_SETUP" "cannot copy $option_payload"
	warn_dynamic "$to/payload"
	ln -s "lab/init-$init" "$to/init"
	environment >"$to/lab/environment"
	pack "$to"
}

environment() {
	local xen_args=$option_xen_args
	has_xen || xen_args=
	printf 'export %s\n' "XENMM_LAB_KIND=$option_kind" "XENMM_LAB_ICOUNT=$option_icount" \
		XENMM_LAB_EMULATED=1 "XENMM_LAB_XPTI=$(xpti_of_arguments)" \
		"XENMM_LAB_XEN_OPTIONS=\"$xen_args\""
	# A guest cannot see whether its page tables are nested or shadowed.
	[[ -z $option_paging ]] || echo "export XENMM_GUEST=$(guest_name)"
	[[ $option_kind == bare || ! -x $option_payload/host ]] || echo "export XENMM_LAB_ASK=$(ask_path)"
}

# The tool's name of the kind of guest.
guest_name() {
	case $option_kind-$option_paging in
	pvh-nested) echo xen-pvh-hap ;;
	pvh-shadow) echo xen-pvh-shadow ;;
	kvm-nested) echo kvm-npt ;;
	kvm-shadow) echo kvm-shadow ;;
	esac
}

# How the payload reaches the program "host": what the tool's --ask wants.
ask_path() { if has_xen; then echo xenstore; else echo "$kvm_ask_port"; fi; }

# As far as kind and arguments say so; else dom0 reads what Xen decided by the CPU.
xpti_of_arguments() {
	[[ $option_kind == @(dom0|domu) ]] || { echo 0; return; } # only PV guests are split
	local last
	last=$(tr ' ' '\n' <<<"$option_xen_args" | sed -n 's/^xpti=//p' | tail -n 1)
	case $last in
	no | off | false | 0 | disable) echo 0 ;;
	yes | on | true | 1 | enable) echo 1 ;;
	*) echo unknown ;;
	esac
}

# MiB for the shadows of a guest's page tables. libxl's own choice, 1 MiB a vCPU and 8 KiB for each
# MiB of memory, is too little for a hundred processes: Xen then drops shadows and makes them anew.
shadow_memory() {
	[[ $option_kind-$option_paging == pvh-shadow ]] || { echo 0; return; }
	echo $((16 + option_memory / 8))
}

guest_config() {
	local common
	common=$(common_arguments)
	case $option_kind-$option_paging in
	pvh-nested) printf '%s\n' 'type = "pvh"' 'hap = 1' ;;
	pvh-shadow) printf '%s\n' 'type = "pvh"' 'hap = 0' "shadow_memory = $(shadow_memory)" ;;
	*) echo 'type = "pv"' ;;
	esac
	! is_pinned || echo 'cpus = "1"'
	cat <<-END
		name = "guest"
		kernel = "/guest/vmlinux"
		ramdisk = "/guest/initrd"
		extra = "console=hvc0 $common $option_guest_args"
		memory = $option_memory
		vcpus = $option_vcpus
		tsc_mode = "native"
		disk = [ "phy:/dev/ram0,xvda,w" ]
		on_poweroff = "destroy"
		on_reboot = "destroy"
		on_crash = "destroy"
	END
}

# Prints the initramfs of the machine that QEMU boots.
machine_initramfs() {
	local to=$work_dir/machine guest_vmlinux=${guest_kernel:-$images}/vmlinux
	cat "$images/user.cpio"
	[[ $option_kind == bare ]] || cat "$images/host.cpio"
	is_in_guest || { payload_cpio; return; }
	mkdir -p "$to/guest"
	ln -s "lab/init-$(is_in_domu && echo dom0 || echo kvm)" "$to/init"
	ln "$guest_vmlinux" "$to/guest/vmlinux" 2>/dev/null || cp "$guest_vmlinux" "$to/guest/"
	find -L "$option_payload" -maxdepth 1 \( -name host -o -name 'host-*' \) -exec cp -L -t "$to/guest/" {} +
	{ cat "$images/user.cpio" && payload_cpio; } >"$to/guest/initrd" &&
		guest_settings "$to/guest" && pack "$to"
}

# What the machine needs to know of the guest that it makes.
guest_settings() {
	environment >"$1/environment"
	if is_in_domu; then guest_config >"$1/guest.cfg"; else vmm_command >"$1/vmm"; fi
}
