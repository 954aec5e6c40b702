#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs a COLO pair on this machine, primary and secondary on loopback or in network namespaces, and stays until it is told to
# stop; then both are gone, whatever happened. It builds nothing and records nothing. Disks and network are set up in
# pair-disks.sh and pair-network.sh.

set -euo pipefail

HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$HERE/lib.sh"
# shellcheck source-path=SCRIPTDIR source=pair-options.sh
. "$HERE/pair-options.sh"
# shellcheck source-path=SCRIPTDIR source=pair-network.sh
. "$HERE/pair-network.sh"
# shellcheck source-path=SCRIPTDIR source=pair-disks.sh
. "$HERE/pair-disks.sh"

usage() {
    cat <<END
usage: start-pair.sh --qemu BINARY [OPTION...]

Boots a guest, brings it into COLO, prints what it made as name=value lines
(state, primary_pid, secondary_pid, primary_qmp, secondary_qmp, events, ...)
on stdout and into DIR/pair.env, and keeps the pair running until Ctrl-C,
SIGTERM or --duration.

  --qemu BINARY       a QEMU with COLO; under TCG it needs tcg-bql.patch
  --guest DIR         the guest (default: what make-guest.sh prints)
  --run-dir DIR       for logs and pair.env (default: a new one in /tmp)
  --profile NAME      the defaults of a named set, see run.sh --help
  --workload NAME     memory, compile or kernel-build, see make-guest.sh --help
  --memory MIB        guest memory (default $MEMORY)
  --vcpus N           (default $VCPUS)
  --accel ACCEL       auto, kvm or tcg; auto takes KVM only after a guest has
                      booted with it (default auto)
  --interval MS       time between checkpoints, x-checkpoint-delay (default
                      $DEFAULT_INTERVAL, with --net $DEFAULT_NET_INTERVAL, about as often as answers differ, so
                      that some checkpoints have either reason; QEMU's own
                      default is 20000)
  --dirty-rate MIB    memory that the guest dirties each second (default $DIRTY_RATE)
  --working-set MIB   memory that it dirties over and over (default $WORKING_SET)
  --image FILE        boot this disk image (qcow2 or raw) instead of the guest.
                      FILE is not changed: each side writes to an overlay that
                      is thrown away. COLO starts before the guest boots, so
                      both sides begin with the same disk; afterwards nothing
                      keeps the two disks equal. That does for measuring, not
                      for a failover: disks that are to survive one need QEMU's
                      replication driver, see COLO-FT.txt of QEMU, and
                      colo-perf record, which records a pair that you set up yourself.
  --port PORT         of 127.0.0.1, for the migration (default: a free one; with
                      --net, in namespaces of their own: $NET_MIGRATION_PORT)
  --qemu-args ARGS    more arguments for both QEMUs, split at spaces
  --guest-args ARGS   more words for the test guest's kernel command line;
                      guest/dirty-memory.c says which it knows

$FULL_SET_UP_HELP

When it begins and ends:
  --gate FILE         when the guest is ready, say so (state=booted) and start
                      COLO only when FILE appears
  --duration S        stop after S seconds of COLO (default: stay)
  --keep-survivor     when one side dies, or COLO ends, keep running what is left,
                      for a failover; without it both are stopped
  --check-machine     only say whether the profile can run here
END
}

QEMU_BIN='' GUEST_DIR='' RUN_DIR='' GATE='' DURATION=0 KEEP_SURVIVOR='' CHECK_MACHINE=''
while (($#)); do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --keep-survivor) KEEP_SURVIVOR=1; shift; continue ;;
        --check-machine) CHECK_MACHINE=1; shift; continue ;;
        --qemu | --guest | --run-dir | --gate | --duration)
            (($# >= 2)) || usage_error "$1 needs a value"
            ;;&
        --qemu) QEMU_BIN=$2 ;;
        --guest) GUEST_DIR=$2 ;;
        --run-dir) RUN_DIR=$2 ;;
        --gate) GATE=$2 ;;
        --duration) need_number "$1" "$2" 1 1000000; DURATION=$2 ;;
        *)
            pair_option "$@" || usage_error "unknown argument '$1'"
            shift "$OPTION_WORDS"
            continue
            ;;
    esac
    shift 2
done

[[ -n $QEMU_BIN ]] || usage_error "--qemu is missing"
check_pair_options

READY_LINE="colo-perf guest ready"
BOOT_TIMEOUT_S=${WORKLOAD_BOOT_S[$WORKLOAD]}
KVM_TIMEOUT_S=20
COLO_TIMEOUT_S=$BOOT_TIMEOUT_S
SOCKETS=       # Directory of the QMP sockets: short, as their paths may have 107 characters only
PRIMARY=       # Pids
SECONDARY=

cleanup() {
    local pid
    # Both are told before either is waited for: a side that has lost the other one would talk about a failover.
    for pid in $PRIMARY $SECONDARY; do
        kill -TERM "$pid" 2>/dev/null
    done
    for pid in $PRIMARY $SECONDARY; do
        stop_child "$pid" 5
    done
    remove_disks
    [[ -z $SOCKETS ]] || rm -rf -- "$SOCKETS"
}
on_exit cleanup

[[ -x $QEMU_BIN && ! -d $QEMU_BIN ]] || die "there is no QEMU at $QEMU_BIN: build one with scripts/build-qemu.sh"
QEMU_BIN=$(realpath -- "$QEMU_BIN")
[[ -z $IMAGE || -r $IMAGE ]] || die "cannot read the image $IMAGE"
[[ -z $PORT || -n $NET ]] || python3 "$HERE/qmp.py" --port "$PORT" >/dev/null || exit 1
use_cache
if [[ -z $RUN_DIR ]]; then
    RUN_DIR=$(mktemp -d "${TMPDIR:-/tmp}/colo-pair.XXXXXX")
fi
make_dir "$RUN_DIR" "choose another one with --run-dir"
RUN_DIR=$(cd -- "$RUN_DIR" && pwd -P)
SOCKETS=$(mktemp -d /tmp/colo-pair.XXXXXX)

qmp() {
    python3 "$HERE/qmp.py" "$@"
}

# What bash has to say about a QEMU that was killed is said better by qemu_died: the loops that watch send it away.

# death_of SIDE PID: sets DEATH, what became of a QEMU that is no more; collects it.
death_of() {
    local side=$1 pid=$2 status=0
    reap "$pid" || status=$?
    DEATH="the QEMU of the $side (pid $pid)"
    if ((status > 128)); then
        DEATH+=" was killed by SIG$(kill -l "$status" 2>/dev/null || echo "$status")"
    else
        DEATH+=" has ended with status $status"
    fi
}

# qemu_died SIDE PID: one line and the end of its log.
qemu_died() {
    death_of "$1" "$2"
    show_tail "$RUN_DIR/$1.log"
    die "$DEATH; its log is $RUN_DIR/$1.log"
}

check_alive() {
    [[ -z $SECONDARY ]] || alive "$SECONDARY" || qemu_died secondary "$SECONDARY"
    [[ -z $PRIMARY ]] || alive "$PRIMARY" || qemu_died primary "$PRIMARY"
}

# For --keep-survivor: whether a side is left; says once what has died.
check_survivors() {
    if [[ -n $SECONDARY ]] && ! alive "$SECONDARY"; then
        death_of secondary "$SECONDARY"
        SECONDARY=
        say "== $DEATH"
    fi
    if [[ -n $PRIMARY ]] && ! alive "$PRIMARY"; then
        death_of primary "$PRIMARY"
        PRIMARY=
        say "== $DEATH"
    fi
    [[ -n $PRIMARY$SECONDARY ]] || die "both sides have ended; their logs are in $RUN_DIR"
}

# Without --keep-survivor: that both sides live, and COLO with them.
check_pair() {
    check_alive
    grep -qs '"event": "COLO_EXIT"' "$RUN_DIR/events.jsonl" || return 0
    # A QEMU that dies takes COLO with it; its death is the better message.
    nap 0.5
    check_alive
    show_tail "$RUN_DIR/events.jsonl" 2
    show_tail "$RUN_DIR/primary.log"
    show_tail "$RUN_DIR/secondary.log"
    die "COLO has ended by itself: see the event COLO_EXIT in $RUN_DIR/events.jsonl and QEMU's logs beside it"
}

# -L for a QEMU that does not find firmware by itself.
firmware_arguments() {
    local dir
    while read -r dir; do
        [[ ! -e $dir/linuxboot_dma.bin || ! -e $dir/bios-256k.bin ]] || return 0
    done < <("$QEMU_BIN" -L help 2>/dev/null || true)
    ensure_firmware
    FIRMWARE_ARGUMENTS=(-L "$FIRMWARE")
}
FIRMWARE_ARGUMENTS=()
firmware_arguments

# use_guest DIR
use_guest() {
    GUEST_ARGUMENTS=(-vga none -kernel "$1/vmlinuz" -initrd "$1/initramfs.cpio" -append
        "console=ttyS0 quiet panic=-1 colo.dirty_mib_s=$DIRTY_RATE colo.working_set_mib=$WORKING_SET $GUEST_ARGS")
}
GUEST_ARGUMENTS=()
COMMON_ARGUMENTS=("${FIRMWARE_ARGUMENTS[@]}" -nodefaults -no-user-config -display none -m "$MEMORY" -smp "$VCPUS")

# --- Which accelerator ---

# Whether a guest boots with KVM. A /dev/kvm that can be opened says little: some machines have one and no guest gets
# anywhere with it. The verdict holds for this boot of this kernel and this QEMU.
kvm_boots() {
    local verdict serial=$RUN_DIR/kvm-test.serial pid tries
    if [[ ! -r /dev/kvm || ! -w /dev/kvm ]]; then
        say "== KVM ... there is no usable /dev/kvm"
        return 1
    fi
    verdict=$CACHE/kvm-$(printf '%s %s %s' "$(</proc/sys/kernel/random/boot_id)" "$(uname -r)" "$QEMU_BIN" | sha256sum |
        cut -c1-12)
    if [[ ! -s $verdict ]]; then
        step_begin "booting a guest with KVM to see whether it works"
        start_child "$RUN_DIR/kvm-test.log" "$QEMU_BIN" "${COMMON_ARGUMENTS[@]}" -accel kvm -serial "file:$serial" \
            -no-reboot "${GUEST_ARGUMENTS[@]}"
        pid=$CHILD
        tries=$((KVM_TIMEOUT_S * 5))
        while alive "$pid" && ((tries-- > 0)) && ! grep -qs "$READY_LINE" "$serial"; do
            nap 0.2
            step_tick
        done
        if grep -qs "$READY_LINE" "$serial"; then
            echo yes >"$verdict"
            step_end "KVM works, decided"
        else
            echo no >"$verdict"
            step_end "KVM does not boot a guest, decided"
        fi
        stop_child "$pid" 3
    fi
    [[ $(<"$verdict") == yes ]]
}

# What the profile demands is asked before its guest is made, which takes long: with the small one.
check_machine
if demands_kvm; then
    use_guest "$("$HERE/make-guest.sh")"
    kvm_boots || no_kvm
fi
[[ -z $CHECK_MACHINE ]] || exit 0

if [[ -z $GUEST_DIR && (-z $IMAGE || $ACCEL == auto) ]]; then
    GUEST_DIR=$("$HERE/make-guest.sh" --workload "$WORKLOAD")
fi
[[ -z $GUEST_DIR ]] || use_guest "$GUEST_DIR"
if [[ $ACCEL == auto ]]; then
    if kvm_boots; then
        ACCEL=kvm
    else
        ACCEL=tcg
        say "== accelerator ... TCG, KVM does not boot a guest here"
    fi
elif [[ $ACCEL == kvm && ! -w /dev/kvm ]]; then
    die "/dev/kvm is missing or not writable for you: use --accel tcg"
fi

# --- The two QEMUs ---

# What the guest says when it cannot do what it should.
check_guest() {
    grep -qs '^colo-perf guest: ' "$RUN_DIR/primary.serial" || return 0
    nap 0.5
    show_tail "$RUN_DIR/primary.serial" 25
    die "the guest cannot do its work, as said above: its console is $RUN_DIR/primary.serial"
}

check_client() {
    [[ -z $CLIENT ]] || alive "$CLIENT" || die "the client has ended: $(tail -n 1 "$RUN_DIR/client.log")"
}

if [[ -n $IMAGE ]]; then
    FORMAT=raw
    [[ $(head -c 3 -- "$IMAGE" | tr -d '\0') != QFI ]] || FORMAT=qcow2
    GUEST_ARGUMENTS=(-vga std -drive "file=${IMAGE//,/,,},format=$FORMAT,if=virtio,snapshot=on" -S)
fi
# More words for the kernel. The guest that tries KVM has no such devices.
[[ -z $DISK ]] || GUEST_ARGUMENTS[-1]+=" colo.disk_mib_s=$DISK_RATE"
[[ -z $NET ]] || GUEST_ARGUMENTS[-1]+=" ipv6.disable=1 colo.net=$GUEST_ADDRESS/24"
read -ra OWN_ARGUMENTS <<<"$QEMU_ARGS"

# start_qemu SIDE ARGUMENT...
start_qemu() {
    local side=$1 enter=()
    shift
    DISK_ARGUMENTS=() NET_ARGUMENTS=() LOAD_ARGUMENTS=()
    if [[ -n $NET ]]; then
        network_arguments "$side"
        enter=(nsenter "--net=/proc/${NETNS[$side]}/ns/net" --)
    fi
    if [[ -n $DISK ]]; then
        disk_arguments "$side"
        load_arguments "$side"
    fi
    : >"$RUN_DIR/$side.log"
    # -snapshot's overlays go to TMPDIR.
    TMPDIR=$RUN_DIR start_child "$RUN_DIR/$side.log" "${enter[@]}" "$QEMU_BIN" -name "$side,debug-threads=on" "${COMMON_ARGUMENTS[@]}" \
        -accel "$ACCEL" -serial "file:$RUN_DIR/$side.serial" \
        -qmp "unix:$SOCKETS/$side.qmp,server=on,wait=off" -qmp "unix:$SOCKETS/$side.events,server=on,wait=off" \
        "${LOAD_ARGUMENTS[@]}" "${GUEST_ARGUMENTS[@]}" "${DISK_ARGUMENTS[@]}" "${NET_ARGUMENTS[@]}" "${OWN_ARGUMENTS[@]}" "$@"
}

# qmp_command SIDE COMMAND [ARGUMENTS]
qmp_command() {
    local side=$1
    shift
    if ! qmp "$SOCKETS/$side.qmp" "$@" >"$RUN_DIR/qmp.out" 2>"$RUN_DIR/qmp.err"; then
        nap 0.3
        check_alive
        die "the $side refuses $1: $(tail -n 1 "$RUN_DIR/qmp.err")"
    fi
}

# Machine-readable lines, whole or not at all.
write_state() {
    local state=$1
    {
        printf 'state=%s\n' "$state"
        printf 'primary_pid=%s\nsecondary_pid=%s\n' "$PRIMARY" "$SECONDARY"
        printf 'primary_qmp=%s\nsecondary_qmp=%s\n' "$SOCKETS/primary.qmp" "$SOCKETS/secondary.qmp"
        printf 'primary_log=%s\nsecondary_log=%s\n' "$RUN_DIR/primary.log" "$RUN_DIR/secondary.log"
        [[ -z $DISK ]] || disk_state
        [[ -z $NET ]] || network_state
        # `port` last: readers take it for the end.
        printf 'events=%s\nrun_dir=%s\nqemu=%s\naccel=%s\nport=%s\n' "$RUN_DIR/events.jsonl" "$RUN_DIR" "$QEMU_BIN" \
            "$ACCEL" "$PORT"
    } >"$RUN_DIR/pair.env.part"
    mv -- "$RUN_DIR/pair.env.part" "$RUN_DIR/pair.env"
    cat -- "$RUN_DIR/pair.env"
}

rm -f -- "$RUN_DIR"/{primary,secondary}.{log,serial} "$RUN_DIR/events.jsonl" "$RUN_DIR/pair.env"
SECONDARY_HOST=127.0.0.1
if [[ -n $NET ]]; then
    network_up
    SECONDARY_HOST=$SECONDARY_ADDRESS
    [[ -n $PORT ]] || PORT=$NET_MIGRATION_PORT
fi
[[ -z $DISK ]] || make_disks
if [[ -n $IMAGE ]]; then
    step_begin "starting the pair with ${IMAGE##*/} ($MEMORY MiB, $VCPUS vCPU, $ACCEL)"
else
    step_begin "booting the guest ($MEMORY MiB, $VCPUS vCPU, $ACCEL)"
fi
start_qemu secondary -incoming defer
SECONDARY=$CHILD
start_qemu primary
PRIMARY=$CHILD

start_child "$RUN_DIR/events.log" python3 "$HERE/qmp.py" --events "$RUN_DIR/events.jsonl" \
    "primary=$SOCKETS/primary.events" "secondary=$SOCKETS/secondary.events"
EVENTS=$CHILD
until grep -qs ready "$RUN_DIR/events.log"; do
    check_alive
    alive "$EVENTS" || die "cannot follow QEMU's events: $(tail -n 1 "$RUN_DIR/events.log")"
    nap 0.1
done 2>/dev/null

if [[ -z $IMAGE ]]; then
    STARTED=$SECONDS
    until grep -qs "$READY_LINE" "$RUN_DIR/primary.serial"; do
        check_alive
        check_guest
        if ((SECONDS - STARTED > BOOT_TIMEOUT_S)); then
            show_tail "$RUN_DIR/primary.serial"
            die "the guest is not ready after $BOOT_TIMEOUT_S s; its console is $RUN_DIR/primary.serial$([[ $ACCEL != kvm ]] || echo "; try --accel tcg")"
        fi
        nap 0.2
        step_tick
    done 2>/dev/null
fi
step_end

COLO='{"capabilities": [{"capability": "x-colo", "state": true}]}'
qmp_command secondary migrate-set-capabilities "$COLO"
qmp_command primary migrate-set-capabilities "$COLO"
# The default bandwidth of 128 MiB/s would keep a guest that dirties more from ever getting into COLO.
qmp_command primary migrate-set-parameters "{\"x-checkpoint-delay\": $INTERVAL, \"max-bandwidth\": 10000000000}"
[[ -n $PORT ]] || PORT=$(qmp --port)
URI=tcp:$SECONDARY_HOST:$PORT
if [[ -n $DISK ]]; then
    NBD_PORT=$NET_NBD_PORT
    [[ -n $NET ]] || NBD_PORT=$(qmp --port)
    start_replication "$SECONDARY_HOST" "$NBD_PORT"
fi
qmp_command secondary migrate-incoming "{\"uri\": \"$URI\"}"

write_state booted
while [[ -n $GATE && ! -e $GATE ]]; do
    check_alive
    nap 0.1
done 2>/dev/null

step_begin "bringing the pair into COLO"
qmp_command primary migrate "{\"uri\": \"$URI\"}"
start_child "$RUN_DIR/qmp.out" python3 "$HERE/qmp.py" --wait colo --timeout "$COLO_TIMEOUT_S" "$SOCKETS/primary.qmp" \
    "$SOCKETS/secondary.qmp"
WAITER=$CHILD
while alive "$WAITER"; do
    check_alive
    nap 0.1
    step_tick
done 2>/dev/null
if ! reap "$WAITER"; then
    nap 0.3
    check_alive
    show_tail "$RUN_DIR/primary.log"
    show_tail "$RUN_DIR/secondary.log"
    die "the pair does not get into COLO: $(tail -n 1 "$RUN_DIR/qmp.out")"
fi
step_end
# What was written to the disk before replication began would be on the primary's alone.
[[ -z $DISK ]] || start_disk_load
[[ -z $NET ]] || start_client
write_state colo

now_ms
END_MS=$((NOW_MS + DURATION * 1000))
while ((DURATION == 0 || NOW_MS < END_MS)); do
    if [[ -n $KEEP_SURVIVOR ]]; then
        check_survivors
    else
        check_pair
    fi
    nap 0.2
    now_ms
    [[ -z $DISK$NET ]] || check_guest
    check_client
done 2>/dev/null
