#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The main job: from a fresh checkout to a report of COLO checkpoints. Calls the other scripts one after the other, takes
# down all that it started, however it ends. What a step does is decided in the step's own script.

set -euo pipefail

HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
ROOT=$(dirname -- "$HERE")
COLO_PERF=$ROOT/build/colo-perf
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$HERE/lib.sh"
# shellcheck source-path=SCRIPTDIR source=pair-options.sh
. "$HERE/pair-options.sh"

usage() {
    cat <<END
usage: [QEMU=BINARY | QEMU_SRC=DIR] run.sh [OPTION...]

Builds a QEMU with the probes and colo-perf where needed, runs a COLO pair on
this machine, records it with perf, prints the report and draws flame graphs of
the RAM path. Needs root.

What is measured:
  --profile NAME      a set of defaults for what follows, see below
  --duration S        record S seconds of COLO (default 30)
  --frequency HZ      samples a second and CPU (default 997, 0: probes only)
  --interval MS       time between checkpoints, x-checkpoint-delay (default
                      $DEFAULT_INTERVAL, with --net $DEFAULT_NET_INTERVAL, about as often as answers differ, so
                      that some checkpoints have either reason; QEMU's own
                      default is 20000)
  --memory MIB        guest memory (default $MEMORY)
  --vcpus N           (default $VCPUS)
  --dirty-rate MIB    memory that the guest dirties each second (default $DIRTY_RATE)
  --working-set MIB   memory that it dirties over and over (default $WORKING_SET)
  --workload NAME     what the guest does: memory, compile or kernel-build
                      (default memory; see make-guest.sh --help)
  --accel ACCEL       auto, kvm or tcg; auto takes KVM only after a guest has
                      booted with it (default auto)
  --image FILE        boot this disk image instead of the test guest; see
                      start-pair.sh --help for what that means to the disks
  --settle S          wait S seconds in COLO before recording, to let an image
                      boot (default 0: record from the first checkpoint on)
  --qemu-args ARGS    more arguments for both QEMUs, split at spaces
  --guest-args ARGS   more words for the test guest's kernel command line

$FULL_SET_UP_HELP

Where and how:
  --output DIR        (default ./colo-perf-run-DATE)
  --port PORT         of 127.0.0.1, for the migration (default: a free one; with
                      --net one in a namespace of its own)
  --no-install        stop when a package is missing instead of installing it
  QEMU=BINARY         use this QEMU, built with the patches of qemu-patch/
  QEMU_SRC=DIR        build this source tree instead of Debian's QEMU 7.2
  COLO_PERF_CACHE=DIR for what was built and fetched (default
                      ~/.cache/colo-perf); the recording holds its path

Profiles, over which win the options that are given:
$(list_profiles)

For a pair that you set up yourself: build/colo-perf record -p PID.

Exit status: that of the report; 1 if something stopped it, with a line that
says what; 2 for wrong usage; 130 after Ctrl-C, 143 after SIGTERM.
END
}

DURATION=30 FREQUENCY=997 SETTLE=0 OUTPUT='' NO_INSTALL=${NO_INSTALL:-}
while (($#)); do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --no-install) NO_INSTALL=1; shift; continue ;;
        --duration | --frequency | --settle | --output)
            (($# >= 2)) || usage_error "$1 needs a value"
            ;;&
        --duration) need_number "$1" "$2" 1 1000000; DURATION=$2 ;;
        --frequency) need_number "$1" "$2" 0 1000000; FREQUENCY=$2 ;;
        --settle) need_number "$1" "$2" 0 1000000; SETTLE=$2 ;;
        --output) OUTPUT=$2 ;;
        *)
            pair_option "$@" || usage_error "unknown argument '$1'"
            shift "$OPTION_WORDS"
            continue
            ;;
    esac
    shift 2
done
check_pair_options
export NO_INSTALL

PAIR=     # Pid of start-pair.sh
RECORD=   # Pid of colo-perf record
WORK=     # Temporary files
RUN_DIR=  # The pair's logs
NEW_OUTPUT=

cleanup() {
    # The recording first: while it is written the processes that it talks of should still be there.
    if [[ -n $RECORD ]]; then
        stop_child "$RECORD" 70
        [[ ! $OUTPUT/perf.data -nt $WORK/started ]] || say "== what was recorded so far is in $OUTPUT/perf.data"
    fi
    [[ -z $PAIR ]] || stop_child "$PAIR" 20
    [[ -z $WORK ]] || rm -rf -- "$WORK"
    # Directories that we made and in which nothing came to be.
    [[ -z $NEW_OUTPUT ]] || rmdir -- "$RUN_DIR" "$OUTPUT" 2>/dev/null
}
on_exit cleanup

# capture COMMAND...: one of our scripts that prints one line; sets ANSWER.
capture() {
    run_script "$WORK/answer" "$@" || return $?
    ANSWER=$(tail -n 1 "$WORK/answer")
}

# --- What can fail early fails before the long build ---

((EUID == 0)) || die "recording needs root, and so does this: run it as root, for example with sudo"
if [[ -n ${QEMU:-} ]]; then
    [[ -x $QEMU && ! -d $QEMU ]] || die "QEMU=$QEMU cannot be executed: give the path of a QEMU with the probes"
    QEMU=$(realpath -- "$QEMU")
fi
check_machine
[[ -z $IMAGE || -r $IMAGE ]] || die "cannot read the image $IMAGE"
[[ -z $IMAGE ]] || IMAGE=$(realpath -- "$IMAGE")

WORK=$(mktemp -d)
use_cache
[[ -n $OUTPUT ]] || OUTPUT=colo-perf-run-$(date +%Y%m%d-%H%M%S)
[[ -d $OUTPUT ]] || NEW_OUTPUT=1
make_dir "$OUTPUT" "choose another one with --output"
OUTPUT=$(cd -- "$OUTPUT" && pwd -P)
RUN_DIR=$OUTPUT/pair
make_dir "$RUN_DIR" "choose another one with --output"
need_space "$OUTPUT" 200 "the recording" --output
if [[ -n $PORT && -z $NET ]] && command -v python3 >/dev/null; then
    python3 "$HERE/qmp.py" --port "$PORT" >/dev/null || exit 1
fi

PACKAGES=(linux-perf python3 util-linux "${BUILD_PACKAGES[@]}")
[[ -z $DISK ]] || PACKAGES+=("${DISK_PACKAGES[@]}")
[[ -z $NET ]] || PACKAGES+=("${NET_PACKAGES[@]}")
need_packages "recording and reporting" "${PACKAGES[@]}"

# --- Build ---

# colo-perf first, which knows whether it could record. As the owner of the checkout, who will want to build there again.
OWNER=()
if [[ $(stat -c %u -- "$ROOT") != 0 ]]; then
    OWNER=(setpriv --reuid="$(stat -c %u -- "$ROOT")" --regid="$(stat -c %g -- "$ROOT")" --clear-groups)
fi
run_script /dev/null "$HERE/build-libperf.sh" || warn "without libperf all works but live -p"
run_logged "building colo-perf" "$OUTPUT/build.log" "${OWNER[@]}" make -C "$ROOT" ||
    die "colo-perf does not build: the whole log is $OUTPUT/build.log"
rm -f -- "$OUTPUT/build.log"
run_script /dev/null "$COLO_PERF" record --check --frequency "$FREQUENCY" ${QEMU:+--binary "$QEMU"}
say "== rights ... probes can be registered and recorded"

if [[ -n ${QEMU:-} ]]; then
    say "== QEMU ... $QEMU"
else
    capture "$HERE/build-qemu.sh"
    QEMU=$ANSWER
fi

if demands_kvm; then
    run_script /dev/null "$HERE/start-pair.sh" --check-machine --qemu "$QEMU" --run-dir "$RUN_DIR" --profile "$PROFILE" \
        --memory "$MEMORY" --vcpus "$VCPUS"
fi
pair_arguments
if [[ -z $IMAGE || $ACCEL == auto ]]; then
    capture "$HERE/make-guest.sh" --workload "$WORKLOAD"
    PAIR_ARGUMENTS+=(--guest "$ANSWER")
fi

# --- Run and record ---

# pair_value NAME: from what start-pair.sh says.
pair_value() {
    sed -n "s/^$1=//p" "$RUN_DIR/pair.env" 2>/dev/null
}

# A script that ends before its time has said why.
pair_ended() {
    local status=0
    reap "$PAIR" || status=$?
    PAIR=
    ((status != 0)) || status=1
    exit "$status"
}

record_ended() {
    local status=0
    reap "$RECORD" || status=$?
    RECORD=
    # When a QEMU dies the recording ends too; the pair's script knows more.
    nap 1
    alive "$PAIR" || pair_ended
    ((status == 0)) || exit "$status"
    die "the recording ended before its time: see $RUN_DIR/*.log"
}

# wait_for_pair STATE
wait_for_pair() {
    until [[ $(pair_value state) == "$1" ]]; do
        alive "$PAIR" || pair_ended
        [[ -z $RECORD ]] || alive "$RECORD" || record_ended
        nap 0.1
    done
}

start_recording() {
    : >"$WORK/started"
    : >"$WORK/record.out"
    # A QEMU that is a user's own build is run by us here: its owner is trusted with more than where breakpoints are.
    start_script "$WORK/record.out" "$COLO_PERF" record --quiet -p "$(pair_value primary_pid)" -p "$(pair_value secondary_pid)" \
        --trust-program --frequency "$FREQUENCY" --output "$OUTPUT/perf.data"
    RECORD=$CHILD
    until grep -q state=recording "$WORK/record.out"; do
        alive "$RECORD" || record_ended
        alive "$PAIR" || pair_ended
        nap 0.1
    done
}

# Waits S seconds while pair and recording live.
pass_time() {
    local end_ms
    now_ms
    end_ms=$((NOW_MS + $1 * 1000))
    while ((NOW_MS < end_ms)); do
        alive "$PAIR" || pair_ended
        [[ -z $RECORD ]] || alive "$RECORD" || record_ended
        step_tick "of $1 s"
        nap 0.2
        now_ms
    done
}

rm -f -- "$RUN_DIR/pair.env"
start_script /dev/null "$HERE/start-pair.sh" --qemu "$QEMU" --run-dir "$RUN_DIR" --gate "$WORK/gate" "${PAIR_ARGUMENTS[@]}"
PAIR=$CHILD
wait_for_pair booted

# The recording begins before COLO does, so that it holds COLO's start too.
if ((SETTLE == 0)); then
    start_recording
    : >"$WORK/gate"
    wait_for_pair colo
else
    : >"$WORK/gate"
    wait_for_pair colo
    step_begin "letting the guest settle"
    pass_time "$SETTLE"
    step_end
    start_recording
fi

step_begin "recording checkpoints"
pass_time "$DURATION"
step_end
kill -TERM "$RECORD"
while alive "$RECORD"; do
    nap 0.1
done
# 3: without a checkpoint; the report says more about it.
STATUS=0
reap "$RECORD" || STATUS=$?
RECORD=
((STATUS == 0 || STATUS == 3)) || exit "$STATUS"
step_begin "stopping the pair"
stop_child "$PAIR" 20
PAIR=
step_end

# --- Report ---

STATUS=0
say "== report of $OUTPUT/perf.data"
"$COLO_PERF" report "$OUTPUT/perf.data" || STATUS=$?

# flame_graph ROLE PHASE: where its CPU time went; the report has said already what is wrong with the recording.
GRAPHS=()
flame_graph() {
    local file=$OUTPUT/$1-$2.svg status=0
    "$COLO_PERF" flamegraph --role "$1" --phase "$2" -o "$file" "$OUTPUT/perf.data" 2>"$WORK/flamegraph.log" ||
        status=$?
    case $status in
        0) GRAPHS+=("$file") ;;
        3) warn "no flame graph of the $1's $2: $(tail -n 1 "$WORK/flamegraph.log")" ;;
        *) die "$(tail -n 1 "$WORK/flamegraph.log")" ;;
    esac
}
if ((STATUS == 0 && FREQUENCY > 0)); then
    flame_graph primary ram
    flame_graph secondary ram
    flame_graph secondary flush
fi

if [[ -n $NET ]] && ((REQUEST_RATE > 0)); then
    say "== the client got $(python3 "$HERE/ask-guest.py" --summary "$RUN_DIR/client.jsonl")"
fi
say "== files"
say "   $OUTPUT/perf.data          the recording ($(du -h -- "$OUTPUT/perf.data" | cut -f 1))"
for GRAPH in "${GRAPHS[@]}"; do
    say "   $GRAPH  flame graph, opens in a browser"
done
say "   $RUN_DIR/events.jsonl  QEMU's own STOP and RESUME events"
say "   $RUN_DIR/*.log, *.serial  what the QEMUs and the guests said"
exit "$STATUS"
