# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Profiles: named sets of options of a pair, and what they demand of the machine. Sourced by pair-options.sh. It starts nothing.
#
# shellcheck disable=SC2034 # the variables are for those who source this

# Options of pair-options.sh, over which win those that are given beside --profile.
declare -A PROFILES=(
    [default]=''
    [compile]='--workload compile --memory 512 --vcpus 1'
    [kernel-build]='--workload kernel-build --memory 4096 --vcpus 4 --interval 2000 --accel kvm'
)
PROFILE_NAMES='default, compile or kernel-build'

# What a guest does, and the least memory that it does that in. The kernel and the initramfs are part of that.
declare -A WORKLOAD_MEMORY_MIB=([memory]=64 [compile]=320 [kernel-build]=2560)

# Seconds from its start to its ready line, and from there into COLO, at most: under TCG on a busy machine.
declare -A WORKLOAD_BOOT_S=([memory]=180 [compile]=180 [kernel-build]=1200)

# For --help.
list_profiles() {
    cat <<END
  default             a guest that dirties memory, as said above
  compile             a guest that compiles Lua, for a small machine:
                      ${PROFILES[compile]}
  kernel-build        the test of the original recorder, a guest that builds a
                      Linux kernel. It needs KVM, or patience: --accel tcg.
                      ${PROFILES[kernel-build]}
END
}

declare -A GIVEN=()  # The options that stand on the command line: [--memory]=1

# use_profile: what the profile says of options that were not given.
use_profile() {
    local words i
    [[ -n ${PROFILES[$PROFILE]+known} ]] || usage_error "--profile must be $PROFILE_NAMES, not '$PROFILE'"
    [[ $PROFILE == default || -z $IMAGE ]] || usage_error "--profile $PROFILE has a guest of its own, --image another one"
    read -ra words <<<"${PROFILES[$PROFILE]}"
    for ((i = 0; i < ${#words[@]}; i += 2)); do
        [[ -n ${GIVEN[${words[i]}]:-} ]] || set_pair_option "${words[i]}" "${words[i + 1]}"
    done
}

# check_workload: whether the options fit what the guest does.
check_workload() {
    local option least=${WORKLOAD_MEMORY_MIB[$WORKLOAD]:-}
    [[ -n $least ]] || usage_error "--workload must be memory, compile or kernel-build, not '$WORKLOAD'"
    [[ $WORKLOAD != memory ]] || return 0
    [[ -z $IMAGE ]] || usage_error "--workload $WORKLOAD has a guest of its own, --image another one"
    for option in --dirty-rate --working-set; do
        [[ -z ${GIVEN[$option]:-} ]] || usage_error "$option is for a guest that dirties memory, --workload $WORKLOAD has none"
    done
    ((MEMORY >= least)) || usage_error "--workload $WORKLOAD needs --memory $least or more"
}

# demands_kvm: whether the profile is not worth running without.
demands_kvm() {
    [[ $ACCEL == kvm && -z ${GIVEN[--accel]:-} ]]
}

# check_machine: what can be known of it before anything is built.
check_machine() {
    local free_mib need_mib=$((3 * MEMORY + 512))
    [[ $WORKLOAD != memory ]] || return 0
    free_mib=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
    # The third is the cache in which the secondary collects a checkpoint.
    ((free_mib >= need_mib)) ||
        die "two guests of $MEMORY MiB, and COLO's copy of one, need $need_mib MiB of memory, $free_mib MiB are free here: choose a smaller --memory"
    ! demands_kvm || [[ -r /dev/kvm && -w /dev/kvm ]] || no_kvm
}

no_kvm() {
    die "--profile $PROFILE needs KVM, and no guest boots with it here: take another machine, or much time and --accel tcg"
}
