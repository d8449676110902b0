# shellcheck shell=bash
# The kind kvm: QEMU boots Debian's kernel as a host without Xen; in its initramfs another
# QEMU, which only knows KVM and machines of the kind microvm, runs the payload's guest. That guest
# has the virtio ports of a bare machine, console and results, and one to ask the host.
# shellcheck disable=SC2034,SC2154 # set or used by lab (option_*), common.sh and initramfs.sh

readonly vmm=qemu-system-x86_64-microvm
readonly host_modules=(irqbypass kvm ccp kvm-amd)
# The third port, and what it is connected to in the host: FIFOs with .in and .out behind the name.
readonly kvm_ask_port=/dev/vport0p3 host_ask=/run/ask

build_vmm() {
	local to=$1 data
	data=$(package_folder qemu-system-data)
	mkdir -p "$to/usr/sbin" "$to/usr/share/qemu"
	cp "$(package_folder qemu-system-x86)/usr/bin/$vmm" "$to/usr/sbin/"
	cp "$(package_folder seabios)/usr/share/seabios/bios-microvm.bin" "$to/usr/share/qemu/"
	cp "$data"/usr/share/qemu/pvh.bin "$to/usr/share/qemu/"
	copy_libraries "$to"
	copy_modules "$to" "${host_modules[@]}"
}

guest_port() {
	printf '%s ' -chardev "$2" -device "virtserialport,chardev=$1,nr=$3"
}

# Prints a shell script that loads KVM and says how the guest is run, in a process of its own. Its memory is anonymous, so
# the kernel's default for transparent huge pages applies to it.
vmm_command() {
	local arguments
	arguments="console=ttyS0,115200 $(common_arguments) $option_guest_args"
	cat <<-SCRIPT
		load_modules irqbypass kvm ccp
		insmod /lib/modules/kvm-amd.ko npt=$([[ $option_paging == nested ]] && echo 1 || echo 0)
		mkfifo $host_ask.in $host_ask.out
		patience=$( ((option_icount)) && echo 6 || echo 600)
		run_vmm() {
			exec $vmm -M microvm,accel=kvm -cpu host -m $option_memory -smp $option_vcpus \\
				-nodefaults -no-user-config -no-reboot -display none -monitor none \\
				-chardev "file,id=console,path=\$host_console,logfile=\$vmm_console" \\
				-serial chardev:console -device virtio-serial-device \\
				$(guest_port results file,id=results,path=/results/guest.frame 2) \\
				$(guest_port ask "pipe,id=ask,path=$host_ask" 3) \\
				-kernel /guest/vmlinux -initrd /guest/initrd -append "$arguments"
		}
	SCRIPT
}
