# shellcheck shell=bash
# "lab run": boots QEMU with the images, watches the consoles for a crash or the time limit,
# takes the results out of the channel and turns all of it into one exit code.
# shellcheck disable=SC2034,SC2154 # set or used by lab (option_*), common.sh and initramfs.sh

readonly crash_pattern='Domain 0 .*crashed|Panic on CPU|Kernel panic|Hardware Dom0 crashed|domain crash|Triple fault|Oops: |BUG: unable to handle|int3: 0000'

# Seconds; a boot takes 10 to 60 and on a busy machine twice as much.
readonly boot_limit=${XENMM_LAB_BOOT_LIMIT:-240}

# What xl -vvv adds. It is kept in xl.log because of the page sizes of a guest's memory.
readonly xl_details='^(libxl|domainbuilder|xc): (debug|detail):|^xencall:|^xenforeignmemory:|^xc_dom_|^xc_cpuid'

# Arguments of Xen for --mitigations. A CPU that claims no flaw of Meltdown's kind has no XPTI
# unless told; "on" leaves the rest to Xen, whose default they are.
declare -rA mitigation_arguments=([off]='spec-ctrl=no xpti=no pv-l1tf=false'
	[on]='xpti=true' [auto]='')

# Arguments of every kernel: self tests of ciphers cost half a second of each boot. Without
# icount an emulated CPU can stand still as long as the host is busy: that is no lockup.
common_arguments() {
	local patience="watchdog_thresh=30 rcupdate.rcu_cpu_stall_timeout=60"
	((!option_icount)) || patience=
	echo "loglevel=5 panic=1 cryptomgr.notests${patience:+ $patience}"
}

kernel_arguments() {
	local common
	common=$(common_arguments)
	case $option_kind in
	domu | pvh) echo "console=hvc0 $common" ;;
	kvm) echo "console=ttyS0,115200 $common" ;;
	dom0) echo "console=hvc0 $common $option_guest_args" ;;
	bare) echo "console=ttyS0,115200 $common $option_guest_args" ;;
	esac
}

# Memory in MiB: dom0, or the host, of a guest holds the guest's images packed and unpacked.
dom0_memory() {
	is_in_guest || { echo "$option_memory"; return; }
	echo $((768 + 3 * $(du -sLm "$option_payload" | cut -f 1)))
}

machine_memory() {
	case $option_kind in
	domu | pvh) echo $((option_memory + $(shadow_memory) + $(dom0_memory) + option_spare + 384)) ;;
	dom0) echo $(($(dom0_memory) + 384)) ;;
	kvm) echo $((option_memory + $(dom0_memory) + 128)) ;;
	bare) echo "$option_memory" ;;
	esac
}

# A guest of one vCPU has a CPU of its own, and dom0 the other: only then does a column of
# xenperf, whose counters are the host's, belong to the guest alone.
is_pinned() { is_in_domu && ((option_vcpus == 1 && !option_icount)); }

xen_arguments() {
	local memory cpus=1 pin=
	memory=$(dom0_memory)
	is_in_domu || cpus=$option_vcpus
	! is_pinned || pin=dom0_vcpus_pin
	echo "console=com1 com1=115200,8n1 dom0_mem=${memory}M,max:${memory}M" \
		"dom0_max_vcpus=$cpus loglvl=all guest_loglvl=all bootscrub=0${pin:+ $pin} $option_xen_args"
}

# KVM's host has the guest's number: when KVM lets go, the kernel patches its scheduler, and a
# second emulated CPU sometimes kept on taking the breakpoint that was there for a moment.
machine_cpus() {
	((!option_icount)) || { echo 1; return; }
	[[ $option_kind != kvm ]] || { echo "$option_vcpus"; return; }
	((option_vcpus > 2)) && echo "$option_vcpus" || echo 2
}

# Modules are separated by commas in -initrd: one inside an argument is doubled.
boot_arguments() {
	local arguments
	arguments=$(kernel_arguments)
	if ! has_xen; then
		boot=(-kernel vmlinuz -initrd initrd.cpio -append "$arguments")
	else
		boot=(-kernel xen -append "$(xen_arguments)"
			-initrd "vmlinux ${arguments//,/,,},initrd.cpio")
	fi
}

# Port numbers are those of guest-lib's host_console and host_results.
port_arguments() {
	ports=(-device virtio-serial-pci
		-chardev "file,id=console,path=${option_out//,/,,}/guest-console.log"
		-device "virtserialport,chardev=console,nr=1"
		-chardev "file,id=results,path=results"
		-device "virtserialport,chardev=results,nr=2")
}

qemu_arguments() {
	local boot ports icount=shift=0,sleep=off
	port_arguments
	boot_arguments
	qemu=("${emulator[@]}" -accel tcg -cpu "$option_cpu" -m "$(machine_memory)"
		-smp "$(machine_cpus)" -no-reboot -display none -nodefaults
		-chardev "pipe,id=monitor,path=monitor" -mon chardev=monitor
		-serial "file:$option_out/console.log" "${ports[@]}" "${boot[@]}")
	((!option_icount)) || qemu+=(-icount "$icount")
}

# Images have short names in QEMU's folder, as -initrd takes no path with blanks.
link_images() {
	ln -s "$images/vmlinux" "$(package_folder 'linux-image-.*')"/boot/vmlinuz-* "$work_dir/"
	ln -s "${xen_build:-$images}/xen" "$work_dir/xen"
	mv "$work_dir"/vmlinuz-* "$work_dir/vmlinuz"
}

# A process that dies with its parent cannot be left behind, whatever ends this script.
start_qemu() {
	printf '%q ' "${qemu[@]}" >"$option_out/qemu-command"
	echo >>"$option_out/qemu-command"
	: >"$option_out/console.log"
	: >"$option_out/guest-console.log"
	rm -f -- "$work_dir"/monitor.*
	mkfifo "$work_dir/monitor.in" "$work_dir/monitor.out"
	ln -sf "$work_dir/monitor.in" "$option_out/monitor"
	env -C "$work_dir" setpriv --pdeathsig KILL "${qemu[@]}" </dev/null >"$work_dir/qemu.log" 2>&1 &
	qemu_pid=$!
}

# What QEMU's monitor, a pair of FIFOs, says of each CPU: where it is, and whether it waits (HLT=1).
save_registers() {
	kill -0 "$qemu_pid" 2>/dev/null || return 0
	echo 'info registers -a' 1<>"$work_dir/monitor.in"
	timeout 2 cat <>"$work_dir/monitor.out" >"$option_out/registers"
}

has_crashed() { grep -aqE "$crash_pattern" "$option_out"/{,guest-}console.log; }

# A guest that died of a triple fault, and no kernel had complained (README.rst, What bites): one whose
# own fault it is says so before.
died_in_silence() {
	grep -aqF 'Triple fault' "$option_out/console.log" &&
		! grep -aqE '(Oops|BUG|WARNING|int3): |Kernel panic|protection fault|double fault' \
			"$option_out"/{,guest-}console.log
}

stop_qemu() {
	kill -KILL "$qemu_pid" 2>/dev/null
	wait "$qemu_pid" 2>/dev/null
	qemu_pid=
	rm -f -- "$option_out/monitor"
}

# What the guest's process 1 writes to its console (guest-lib).
has_begun() { grep -aqF 'lab: the payload begins' "$option_out"/{,guest-}console.log; }

# A machine that stands still before anything of the payload has run (README.rst, What bites).
stands_still() { ((SECONDS >= $1)) && [[ -z $booted ]]; }

# Sets outcome: ended, crash, still or timeout; and booted, how long the payload was waited for. A crash is
# left two seconds for its last words.
watch_qemu() {
	local deadline=$((SECONDS + option_timeout)) boot_deadline=$((SECONDS + boot_limit)) grace=0
	local start=$SECONDS
	outcome=ended
	booted=''
	while kill -0 "$qemu_pid" 2>/dev/null; do
		sleep 0.2
		[[ -n $booted ]] || ! has_begun || booted=$((SECONDS - start))
		if [[ $outcome == crash ]]; then
			((++grace < 10)) || break
		elif has_crashed; then
			outcome=crash
		elif ((SECONDS >= deadline)); then
			outcome=timeout
			break
		elif stands_still $boot_deadline; then
			outcome=still
			break
		fi
	done
	[[ $outcome == ended ]] || save_registers
	stop_qemu
	[[ $outcome != ended ]] || ! has_crashed || outcome=crash
}

# What the emulator did wrong, if anything.
fault_of_emulator() {
	[[ $outcome != still ]] || echo "the payload had not begun after $boot_limit s"
	[[ $outcome != crash ]] || has_begun || echo "the machine crashed before the payload began"
	[[ $outcome != crash ]] || ! died_in_silence || echo "a triple fault of which no kernel had spoken"
}

# One more file, which nobody reads: where instructions are counted the same image would do the same.
pad_image() {
	head -c $(($1 * 5000)) /dev/zero >"$work_dir/padding"
	(cd "$work_dir" && echo padding | cpio -o -H newc --quiet >>initrd.cpio)
}

# What is known of a boot that another one follows.
keep_boot() {
	local file
	for file in console.log guest-console.log registers; do
		[[ ! -s $option_out/$file ]] || mv "$option_out/$file" "$option_out/boot-$1-$file"
	done
}

# The machine, once more after such a fault.
run_machine() {
	local attempt fault
	for attempt in 1 2 3; do
		start_qemu
		watch_qemu
		fault=$(fault_of_emulator)
		[[ -n $fault ]] || return 0
		keep_boot "$attempt"
		say "$fault (boot $attempt of 3)"
		pad_image "$attempt"
	done
}

# unframe FILE FOLDER: check the frame that FILE is and unpack it.
unframe() {
	local file=$1 to=$2 magic bytes sum head
	[[ -s $file ]] || return 1
	IFS= read -r head <"$file"
	read -r magic bytes sum <<<"$head"
	[[ $magic == XENMM-LAB-FRAME ]] || return 1
	cut_bytes "$file" $((${#head} + 1)) "$bytes" >"$work_dir/archive"
	[[ $(sha256sum <"$work_dir/archive") == "$sum "* ]] ||
		{ say "the results came back incomplete: no use is made of them"; return 1; }
	mkdir -p "$to"
	tar -C "$to" -xzf "$work_dir/archive"
}

collect() {
	local machine=$work_dir/from-machine
	sed -i 's/\r$//' "$option_out"/{,guest-}console.log
	is_in_guest || rm -f "$option_out/guest-console.log"
	unframe "$work_dir/results" "$machine" || return 1
	if is_in_guest; then
		cp -R "$machine"/{dom0-dmesg,xl.log,host-dmesg,vmm.log,host} "$option_out/" 2>/dev/null
		unframe "$machine/guest.frame" "$work_dir/from-guest" || return 1
		machine=$work_dir/from-guest
	fi
	cp -R -- "$machine/." "$option_out/"
}

# Where to look, and the last lines of it. Why a guest never began is in xl.log or vmm.log.
report_failure() {
	local log=$option_out/console.log
	! grep -qs 'neither hap nor shadow paging' "$option_out/xl.log" ||
		say "$option_cpu has no nested paging, which $option_kind needs: leave --cpu out"
	[[ -s $work_dir/qemu.log ]] && sed 's/^/lab: qemu: /' "$work_dir/qemu.log" >&2
	[[ $1 == payload && -s $option_out/output ]] && log=$option_out/output
	[[ $1 != payload && -s $option_out/xl.log ]] && log=$option_out/xl.log
	[[ $1 != payload && -s $option_out/vmm.log ]] && log=$option_out/vmm.log
	[[ $1 != payload && -s $option_out/guest-console.log ]] && log=$option_out/guest-console.log
	say "all logs are in $option_out; the last lines of ${log##*/}:"
	grep -avE "$xl_details" "$log" | tail -n 15 | sed 's/^/lab: | /' >&2
	grep -a -A 30 'Triple fault' "$option_out/console.log" | grep -aE 'Triple|RIP:|CONTEXT:|cr3:' |
		sed 's/^/lab: /' >&2
	[[ ! -s $option_out/registers ]] || sed -n 's/\r$//; s/^RIP=/lab: a CPU is at /p' "$option_out/registers" >&2
}

fail() {
	local code=$1 what=$2
	shift 2
	say "$@"
	report_failure "$what"
	exit "$code"
}

judge() {
	local collected=$1 code
	[[ $outcome != timeout ]] ||
		fail "$EXIT_TIMEOUT" timeout "no end after $option_timeout s (--timeout)"
	[[ $outcome != still ]] ||
		fail "$EXIT_TIMEOUT" timeout "the payload did not begin: what its boots said last is below"
	[[ $outcome != crash ]] || fail "$EXIT_CRASH" crash "the machine crashed"
	[[ $collected == yes ]] || fail "$EXIT_CRASH" crash "the machine ended without results"
	read -r code <"$option_out/exit-code"
	[[ $code == 0 ]] || fail "$EXIT_PAYLOAD" payload "the payload exited with code $code"
	check_logs "$option_out" || fail "$EXIT_LOG" payload "a log has a line that is not allowed"
}

# An earlier run's folder is emptied; anything else that is not empty is not ours to empty.
prepare_out() {
	mkdir -p "$option_out" || die "$EXIT_USAGE" "cannot make $option_out: give another --out"
	exec {out_lock}<"$option_out"
	flock -n "$out_lock" || die "$EXIT_USAGE" "another lab run writes to $option_out: give another --out"
	option_out=$(cd "$option_out" && pwd)
	[[ -e $option_out/qemu-command || -z $(ls -A "$option_out") ]] ||
		die "$EXIT_USAGE" "$option_out holds other files: give --out an empty or new folder"
	find "$option_out" -mindepth 1 -delete
}

lab_run() {
	local fetched images qemu outcome booted collected=yes guest_kernel='' xen_build='' emulator
	need_tools qemu-system-x86_64 cpio readelf xz setpriv flock
	fetched=$(lab_fetch "$([[ $option_kind == kvm ]] && echo kvm || echo xen)") || exit
	[[ -z $option_kernel ]] || guest_kernel=$(lab_kernel_build "$option_kernel") || exit
	[[ ${option_xen:-debian} == debian ]] || xen_build=$(lab_xen_build "$option_xen") || exit
	choose_emulator
	new_work_dir
	prepare_images
	prepare_out
	machine_initramfs >"$work_dir/initrd.cpio" || die "$EXIT_SETUP" "cannot build the initramfs"
	qemu_arguments
	say "booting $option_kind (limit $option_timeout s), logs in $option_out"
	link_images
	run_machine
	collect || collected=no
	judge "$collected"
	say "$option_kind: payload exited with 0 after $SECONDS s, ${booted:-0} of them booting, results in $option_out"
}
