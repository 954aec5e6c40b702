# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What can be said of a pair, for start-pair.sh and for run.sh, which hands it on: defaults, options, what they must be.
# Sourced after lib.sh. It starts nothing.
#
# shellcheck disable=SC2034 # the variables are for those who source this

MEMORY=512 VCPUS=1 ACCEL=auto INTERVAL=500 DIRTY_RATE=200 WORKING_SET=256
IMAGE='' PORT='' QEMU_ARGS=''

# pair_option NAME [VALUE]: takes an option of a pair; false if it is none.
pair_option() {
    case $1 in
        --memory | --vcpus | --accel | --interval | --dirty-rate | --working-set | --image | --port | --qemu-args)
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
        *) return 1 ;;
    esac
}

# check_pair_options: that they fit together, once all of them are there.
check_pair_options() {
    [[ $ACCEL =~ ^(auto|kvm|tcg)$ ]] || usage_error "--accel must be auto, kvm or tcg, not '$ACCEL'"
    # The guest's kernel and initramfs take about 70 MiB.
    if [[ -z $IMAGE ]] && ((WORKING_SET + 72 > MEMORY)); then
        usage_error "a working set of $WORKING_SET MiB needs --memory $((WORKING_SET + 72)) or more"
    fi
}
