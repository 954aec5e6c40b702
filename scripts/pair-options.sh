# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What can be said of a pair, for start-pair.sh and for run.sh, which hands it on: defaults, options, what they must be.
# Sourced after lib.sh. It starts nothing.
#
# shellcheck disable=SC2034 # the variables are for those who source this

# shellcheck source-path=SCRIPTDIR source=profiles.sh
. "$HERE/profiles.sh"

PROFILE=default WORKLOAD=memory
MEMORY=512 VCPUS=1 ACCEL=auto INTERVAL='' DIRTY_RATE=200 WORKING_SET=256
IMAGE='' PORT='' QEMU_ARGS='' GUEST_ARGS=''
DISK='' DISK_RATE=2
DISK_PACKAGES=(qemu-utils) NET_PACKAGES=(iproute2 util-linux python3)
NET='' LINK_RATE=0 LINK_DELAY=0 LINK_QUICK_ACK='' REQUEST_RATE=10 DIFFER_EVERY=10

# With --net about one answer a second differs by default, at irregular intervals: the timer has its turn as well.
DEFAULT_INTERVAL=500 DEFAULT_NET_INTERVAL=1000

# What usage() says of the full set-up.
FULL_SET_UP_HELP="\
The full set-up of QEMU's COLO-FT.txt:
  --disk              a disk on either side, kept equal by quorum and replication
                      over NBD; the guest writes to it
  --disk-rate MIB     how much it writes each second (default $DISK_RATE)
  --net               primary, secondary and a client, each in a network namespace
                      of its own: the guest answers the client over TCP, and
                      colo-compare asks for a checkpoint when the answers of the
                      two sides differ. Needs root
  --request-rate N    requests of the client each second (default $REQUEST_RATE, 0: no client)
  --differ-every N    one of N answers differs, at irregular intervals (default $DIFFER_EVERY,
                      0: none does)
  --link-rate MBIT    rate of the link between primary and secondary, which
                      carries migration, NBD and packets (default 0: no limit)
  --link-delay MS     its delay in each direction; the kernel needs netem
  --link-quick-ack    acknowledge at once what comes over it: TCP's delays of 40 ms
                      are in every checkpoint otherwise"

# pair_option NAME [VALUE]: takes an option of a pair; false if it is none. Sets OPTION_WORDS to how many words it was.
pair_option() {
    set_pair_option "$@" || return 1
    GIVEN[$1]=1
}

set_pair_option() {
    OPTION_WORDS=1
    case $1 in
        --disk) DISK=1; return ;;
        --net) NET=1; return ;;
        --link-quick-ack) LINK_QUICK_ACK=1; return ;;
    esac
    OPTION_WORDS=2
    case $1 in
        --memory | --vcpus | --accel | --interval | --dirty-rate | --working-set | --image | --port | --qemu-args | \
            --guest-args | --disk-rate | --link-rate | --link-delay | --request-rate | --differ-every | \
            --profile | --workload)
            (($# >= 2)) || usage_error "$1 needs a value"
            ;;&
        --memory) need_number "$1" "$2" 64 1048576; MEMORY=$2 ;;
        --vcpus) need_number "$1" "$2" 1 255; VCPUS=$2 ;;
        --accel) ACCEL=$2 ;;
        --interval) need_number "$1" "$2" 1 3600000; INTERVAL=$2 ;;
        --dirty-rate) need_number "$1" "$2" 0 1048576; DIRTY_RATE=$2 ;;
        --working-set) need_number "$1" "$2" 1 1048576; WORKING_SET=$2 ;;
        --image) IMAGE=$2 ;;
        --port) need_number "$1" "$2" 1 65535; PORT=$2 ;;
        --qemu-args) QEMU_ARGS=$2 ;;
        --guest-args) GUEST_ARGS=$2 ;;
        --profile) PROFILE=$2 ;;
        --workload) WORKLOAD=$2 ;;
        --disk-rate) need_number "$1" "$2" 0 1024; DISK_RATE=$2 ;;
        --link-rate) need_number "$1" "$2" 0 100000; LINK_RATE=$2 ;;
        --link-delay) need_number "$1" "$2" 0 10000; LINK_DELAY=$2 ;;
        --request-rate) need_number "$1" "$2" 0 1000; REQUEST_RATE=$2 ;;
        --differ-every) need_number "$1" "$2" 0 1000000; DIFFER_EVERY=$2 ;;
        *) return 1 ;;
    esac
}

# check_pair_options: that they fit together, once all of them are there.
check_pair_options() {
    use_profile
    check_workload
    if [[ -z $INTERVAL ]]; then
        INTERVAL=$DEFAULT_INTERVAL
        [[ -z $NET ]] || INTERVAL=$DEFAULT_NET_INTERVAL
    fi
    if [[ -z $NET ]] && { [[ -n $LINK_QUICK_ACK ]] || ((LINK_RATE || LINK_DELAY)); }; then
        usage_error "--link-rate, --link-delay and --link-quick-ack are of the link that --net makes: add --net"
    fi
    if [[ -n $DISK$NET && ($WORKLOAD != memory || -n $IMAGE) ]]; then
        usage_error "--disk and --net need the guest that dirties memory: leave out --workload, --profile and --image"
    fi
    [[ $ACCEL =~ ^(auto|kvm|tcg)$ ]] || usage_error "--accel must be auto, kvm or tcg, not '$ACCEL'"
    # The guest's kernel and initramfs take about 70 MiB.
    if [[ -z $IMAGE && $WORKLOAD == memory ]] && ((WORKING_SET + 72 > MEMORY)); then
        usage_error "a working set of $WORKING_SET MiB needs --memory $((WORKING_SET + 72)) or more"
    fi
}

# pair_arguments: sets PAIR_ARGUMENTS to the options that give another script the same pair.
pair_arguments() {
    PAIR_ARGUMENTS=(--workload "$WORKLOAD" --memory "$MEMORY" --vcpus "$VCPUS" --accel "$ACCEL" --interval "$INTERVAL"
        --disk-rate "$DISK_RATE" --link-rate "$LINK_RATE" --link-delay "$LINK_DELAY"
        --request-rate "$REQUEST_RATE" --differ-every "$DIFFER_EVERY")
    [[ $WORKLOAD != memory ]] || PAIR_ARGUMENTS+=(--dirty-rate "$DIRTY_RATE" --working-set "$WORKING_SET")
    [[ -z $DISK ]] || PAIR_ARGUMENTS+=(--disk)
    [[ -z $NET ]] || PAIR_ARGUMENTS+=(--net)
    [[ -z $LINK_QUICK_ACK ]] || PAIR_ARGUMENTS+=(--link-quick-ack)
    [[ -z $IMAGE ]] || PAIR_ARGUMENTS+=(--image "$IMAGE")
    [[ -z $PORT ]] || PAIR_ARGUMENTS+=(--port "$PORT")
    [[ -z $QEMU_ARGS ]] || PAIR_ARGUMENTS+=(--qemu-args "$QEMU_ARGS")
    [[ -z $GUEST_ARGS ]] || PAIR_ARGUMENTS+=(--guest-args "$GUEST_ARGS")
}
