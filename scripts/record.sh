#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Records running QEMUs with perf: registers the probes of their binary, runs `perf record` with the options that lose
# nothing, takes back what it registered or mounted. Starts, stops and changes no QEMU; draws no conclusions.

set -euo pipefail

HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$HERE/lib.sh"

usage() {
    cat <<END
usage: record.sh -p PID [-p PID] [OPTION...]
       record.sh --check [--binary FILE]

Records the COLO checkpoints of QEMUs that run already, the primary, the
secondary or both, into a perf.data file for \`colo-perf report\`. Ends at
--duration, at Ctrl-C or SIGTERM, or when the processes end.

  -p, --pid PID         a QEMU that was built with sdt-probes.patch
  -o, --output FILE     (default perf.data; an existing file is replaced)
  -d, --duration S      (default: until something else ends it)
  -F, --frequency HZ    samples a second and CPU (default 997, 0: probes only)
  -e, --event EVENT     what to sample, cycles or cpu-clock (default: cycles
                        where the hardware counts them)
  --call-graph MODE     fp, dwarf or lbr (default fp: QEMU must have been
                        compiled with -fno-omit-frame-pointer)
  --mmap-size SIZE      perf's buffer for each CPU (default 4M)
  --quiet               say nothing but warnings and errors
  --check               only say whether recording would be possible
  --binary FILE         with --check: whether this QEMU has the probes

Prints state=recording on stdout when the recording has begun, and
file=FILE when it is complete.
END
}

PIDS=() OUTPUT=perf.data DURATION=0 FREQUENCY=997 EVENT='' CALL_GRAPH=fp MMAP_SIZE=4M CHECK='' CHECK_BINARY=''
while (($#)); do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --check) CHECK=1; shift; continue ;;
        --quiet) STEP_QUIET=1; shift; continue ;;
        -p | --pid | -o | --output | -d | --duration | -F | --frequency | -e | --event | --call-graph | --mmap-size | \
            --binary)
            (($# >= 2)) || usage_error "$1 needs a value"
            ;;&
        -p | --pid)
            [[ $2 =~ ^[0-9]+(,[0-9]+)*$ ]] || usage_error "$1 needs the number of a process, not '$2'"
            IFS=, read -ra MORE <<<"$2"
            PIDS+=("${MORE[@]}")
            ;;
        -o | --output) OUTPUT=$2 ;;
        -d | --duration) need_number "$1" "$2" 1 1000000; DURATION=$2 ;;
        -F | --frequency) need_number "$1" "$2" 0 1000000; FREQUENCY=$2 ;;
        -e | --event) EVENT=$2 ;;
        --call-graph) CALL_GRAPH=$2 ;;
        --mmap-size) MMAP_SIZE=$2 ;;
        --binary) CHECK_BINARY=$2 ;;
        *) usage_error "unknown argument '$1'" ;;
    esac
    shift 2
done

[[ -n $CHECK || ${#PIDS[@]} -gt 0 ]] || usage_error "-p is missing"
[[ -z $EVENT || $EVENT =~ ^(cycles|cpu-clock)$ ]] || usage_error "--event must be cycles or cpu-clock, not '$EVENT'"
[[ $CALL_GRAPH =~ ^(fp|dwarf|lbr)$ ]] || usage_error "--call-graph must be fp, dwarf or lbr, not '$CALL_GRAPH'"
[[ $MMAP_SIZE =~ ^[0-9]+[KMG]?$ ]] || usage_error "--mmap-size needs a size such as 4M, not '$MMAP_SIZE'"

TRACEFS=/sys/kernel/tracing
GROUP=sdt_qemu
WORK=          # Temporary files
PART=          # The recording while it is written
PERF_PID=
SHARING=       # Set while we hold a share in the registration

# --- The registration is shared ---
#
# Recordings that run at the same time share it: STATE holds a file for each of them, which it keeps locked while it
# lives, the list of what any of them has registered, and a mark if one of them has mounted tracefs. Whoever leaves last
# takes all of it back; what a killed recording left behind is taken back by the next one. What others registered is
# used where it fits and never removed.
#
#     STATE          itself is locked while it or the registration changes
#     STATE/user.N   locked by process N as long as it records
#     STATE/added    lines of uprobe_events
#     STATE/mounted  exists if we mounted tracefs

STATE=/run/colo-perf
((EUID == 0)) || STATE=/tmp/colo-perf-$EUID

# Calls a function while STATE is locked.
with_state_locked() {
    # At the end of the script it may be held already: whatever was under way has been given up.
    while [[ -z $STATE_FD ]]; do
        mkdir -m 700 -- "$STATE" 2>/dev/null || [[ -O $STATE ]] || die "cannot create $STATE: run this as root"
        { exec {STATE_FD}<"$STATE"; } 2>/dev/null || continue
        flock "$STATE_FD"
        # Whoever had it before may have removed it.
        if [[ ! /proc/$$/fd/$STATE_FD -ef $STATE ]]; then
            exec {STATE_FD}<&-
            STATE_FD=
        fi
    done
    "$@"
    exec {STATE_FD}<&-
    STATE_FD=
}
STATE_FD=

# Removes the files of users that are gone; true if nobody is left.
nobody_else() {
    local file others=0
    for file in "$STATE"/user.*; do
        [[ -e $file && $file != "$STATE/user.$$" ]] || continue
        if flock -n "$file" true; then
            rm -f -- "$file"
        else
            others=$((others + 1))
        fi
    done
    ((others == 0))
}

registered_lines() {
    grep -E "^p:$GROUP/" "$TRACEFS/uprobe_events" 2>/dev/null || true
}

# The names of the events in lines of uprobe_events.
event_names() {
    sed "s|^p:$GROUP/\([^ ]*\) .*|\1|" | sort -u
}

# Removes what STATE/added lists, where it is still as it was.
remove_added() {
    local line now left=0
    [[ -s $STATE/added ]] || return 0
    now=$(registered_lines)
    while read -r line; do
        grep -qxF -- "$line" <<<"$now" || continue
        line=${line%% *}
        # Several sites share one event: the second removal of it finds nothing.
        echo "-:${line#p:}" 2>/dev/null >>"$TRACEFS/uprobe_events" || true
    done <"$STATE/added"
    now=$(registered_lines)
    while read -r line; do
        ! grep -qxF -- "$line" <<<"$now" || left=$((left + 1))
    done <"$STATE/added"
    if ((left)); then
        warn "$left probes are in use by somebody else and stay registered; remove them later with: perf probe -d '$GROUP:*'"
    fi
    rm -f -- "$STATE/added"
}

clean_state() {
    nobody_else || return 0
    remove_added
    if [[ -e $STATE/mounted ]]; then
        umount "$TRACEFS" 2>/dev/null || warn "cannot unmount $TRACEFS: somebody else uses it by now"
        rm -f -- "$STATE/mounted"
    fi
}

leave_state() {
    # The registration was under way when we were stopped.
    [[ ! -e $WORK/before ]] || note_added
    rm -f -- "$STATE/user.$$"
    clean_state
    rmdir -- "$STATE" 2>/dev/null || true
}

enter_state() {
    local fd
    clean_state
    # Not closed: the lock ends with this process.
    exec {fd}>"$STATE/user.$$"
    flock -n "$fd"
    # perf would mount it too, and not take it back.
    if ! grep -q " $TRACEFS tracefs " /proc/mounts; then
        mount -t tracefs tracefs "$TRACEFS" 2>/dev/null ||
            die "tracefs is not mounted and cannot be mounted here: run this as root outside of a container: mount -t tracefs tracefs $TRACEFS"
        : >"$STATE/mounted"
    fi
}

# --- Checks ---

check_rights() {
    local max
    command -v perf >/dev/null || die "there is no perf: install it (Debian: apt-get install linux-perf)"
    perf --version >/dev/null 2>&1 || die "perf does not run: $(perf --version 2>&1 | head -n 1)"
    if ((EUID != 0)) && [[ ! -w $TRACEFS/uprobe_events ]]; then
        die "you may not register probes ($TRACEFS/uprobe_events is not writable for you, perf_event_paranoid is $(</proc/sys/kernel/perf_event_paranoid)): run this as root"
    fi
    max=$(</proc/sys/kernel/perf_event_max_sample_rate)
    ((FREQUENCY <= max)) ||
        die "the kernel allows $max samples a second, not $FREQUENCY: use -F $max, or raise kernel.perf_event_max_sample_rate"
}

check_kernel() {
    [[ -w $TRACEFS/uprobe_events ]] ||
        die "$TRACEFS/uprobe_events is not there or not writable: the kernel needs CONFIG_UPROBE_EVENTS, and you root's rights outside of a container"
    perf record -q -N -e cpu-clock -o "$WORK/check.data" -- true >"$WORK/check.log" 2>&1 ||
        die "perf may not record (perf_event_paranoid is $(</proc/sys/kernel/perf_event_paranoid)): $(grep -m 1 . "$WORK/check.log"): run this as root"
}

# binary_of PID: the path of its executable, which must still be the file that runs.
binary_of() {
    local path
    [[ -d /proc/$1 ]] || die "there is no process $1: give the pid of a running QEMU with -p"
    path=$(readlink -- "/proc/$1/exe") || die "cannot see which program process $1 runs: run this as root"
    if [[ ! /proc/$1/exe -ef $path ]]; then
        # Perhaps it runs in a container with another root.
        [[ /proc/$1/exe -ef /proc/$1/root$path ]] ||
            die "the binary of process $1, ${path% (deleted)}, was replaced or removed since the process was started: start that QEMU again"
        path=/proc/$1/root$path
    fi
    printf '%s\n' "$path"
}

# --- Registration ---

# wanted_probes BINARY: 'NAME OFFSET' of each probe site, sorted. perf reads the ELF notes and keeps what it finds in its
# build-id cache; ours is a temporary one, so that nothing stays in ~/.debug.
wanted_probes() {
    local cache=$WORK/buildid.$RANDOM
    mkdir -p -- "$cache"
    perf --buildid-dir "$cache" buildid-cache --add "$1" >>"$WORK/probe.log" 2>&1 || return 0
    find "$cache" -name probes -type f -exec sed -n \
        "s|^p:$GROUP/\\([^ ]*\\) .*:\\(0x[0-9a-f]*\\).*|\\1 \\2|p" {} + | canonical_sites
    rm -rf -- "$cache"
}

# registered_probes BINARY: 'EVENT OFFSET' likewise, of what is registered for that very file.
registered_probes() {
    local line path
    while read -r line; do
        [[ $line =~ ^p:$GROUP/([^ ]+)\ (.*):(0x[0-9a-f]+) ]] || continue
        path=${BASH_REMATCH[2]}
        [[ $path -ef $1 ]] || continue
        printf '%s %s\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]}"
    done < <(registered_lines) | canonical_sites
}

# Numbers without leading zeros, one line a site.
canonical_sites() {
    local name offset
    while read -r name offset; do
        printf '%s %#x\n' "$name" "$offset"
    done | sort -u
}

# sites_of NAME: the offsets of one name or event in the lines on stdin.
sites_of() {
    awk -v name="$1" '$1 == name { print $2 }' | sort -u
}

no_probes() {
    die "$1 has no COLO probes: build QEMU with qemu-patch/sdt-probes.patch and systemtap-sdt-dev, as scripts/build-qemu.sh does"
}

# Registers what is missing for BINARY; adds to EVENTS the events to record.
register() {
    local binary=$1 wanted registered name event sites add=() force=() found
    wanted=$(wanted_probes "$binary")
    [[ -n $wanted ]] || no_probes "$binary"
    registered=$(registered_probes "$binary")

    while read -r name; do
        sites=$(sites_of "$name" <<<"$wanted")
        found=
        # A second registration of the same name is called name_1, ...
        while read -r event; do
            [[ $event == "$name" || $event =~ ^${name}_[0-9]+$ ]] || continue
            [[ $(sites_of "$event" <<<"$registered") == "$sites" ]] ||
                die "the probe $event of $binary is registered in another place than the binary has it, perhaps since before it was built anew: remove it with: perf probe -d '$GROUP:$event'"
            # One is enough: two would count every hit twice.
            [[ -n $found ]] || EVENTS+=("$event")
            found=1
        done < <(cut -d ' ' -f 1 <<<"$registered" | uniq)
        if [[ -z $found ]]; then
            add+=(-a "$GROUP:$name")
            # Another binary has this name: ours becomes name_1.
            ! grep -q "^p:$GROUP/$name " <<<"$(registered_lines)" || force=(-f)
        fi
    done < <(cut -d ' ' -f 1 <<<"$wanted" | uniq)
    ((${#add[@]})) || return 0

    mkdir -p -- "$WORK/buildid"
    registered_lines >"$WORK/before"
    if ! perf --buildid-dir "$WORK/buildid" buildid-cache --add "$binary" >>"$WORK/probe.log" 2>&1 ||
        ! perf --buildid-dir "$WORK/buildid" probe -q "${force[@]}" "${add[@]}" >>"$WORK/probe.log" 2>&1; then
        show_tail "$WORK/probe.log"
        die "perf cannot register the probes of $binary: $(grep -m 1 . "$WORK/probe.log" || echo "it does not say why")"
    fi
    rm -rf -- "$WORK/buildid"
    note_added
    EVENTS+=("${ADDED[@]}")
}

# Remembers what is registered now and was not in WORK/before; sets ADDED to the names of these events.
note_added() {
    local new
    new=$(registered_lines | grep -vxF -f "$WORK/before" || true)
    rm -f -- "$WORK/before"
    ADDED=()
    [[ -n $new ]] || return 0
    printf '%s\n' "$new" >>"$STATE/added"
    mapfile -t ADDED < <(event_names <<<"$new")
}

register_all() {
    local binary
    for binary in "$@"; do
        register "$binary"
    done
}

# --- Recording ---

cleanup() {
    if [[ -n $PERF_PID ]]; then
        stop_child "$PERF_PID" 5
    fi
    [[ -z $SHARING ]] || with_state_locked leave_state
    [[ -z $PART ]] || rm -f -- "$PART"
    [[ -z $WORK ]] || rm -rf -- "$WORK"
}
on_exit cleanup

check_rights
BINARIES=()
for PID in "${PIDS[@]}"; do
    BINARY=$(binary_of "$PID")
    [[ " ${BINARIES[*]} " == *" $BINARY "* ]] || BINARIES+=("$BINARY")
done
WORK=$(mktemp -d)
if [[ -z $CHECK ]]; then
    [[ ! -d $OUTPUT ]] || die "$OUTPUT is a directory: name a file with -o"
    PART=$OUTPUT.part.$$
    { : >"$PART"; } 2>/dev/null || { PART=; die "cannot write $OUTPUT: choose another file with -o"; }
fi
SHARING=1
with_state_locked enter_state
check_kernel
if [[ -n $CHECK ]]; then
    if [[ -n $CHECK_BINARY && -z $(wanted_probes "$CHECK_BINARY") ]]; then
        no_probes "$CHECK_BINARY"
    fi
    exit 0
fi

EVENTS=()
with_state_locked register_all "${BINARIES[@]}"

if [[ -z $EVENT ]]; then
    EVENT=cycles
    if grep -q '<not' <<<"$(perf stat -x , -e cycles -- true 2>&1)"; then
        EVENT=cpu-clock
    fi
fi
# The rate belongs to the sampling event alone: a global -F would sample the probes too.
SELECT=()
if [[ $(registered_lines | event_names) == "$(printf '%s\n' "${EVENTS[@]}" | sort -u)" ]]; then
    SELECT+=(-e "$GROUP:*")
else
    for NAME in "${EVENTS[@]}"; do
        SELECT+=(-e "$GROUP:$NAME")
    done
fi
((FREQUENCY == 0)) || SELECT+=(-e "$EVENT/freq=$FREQUENCY,call-graph=$CALL_GRAPH/")

mkfifo "$WORK/control" "$WORK/ack"
exec {CONTROL}<>"$WORK/control" {ACK}<>"$WORK/ack"
ulimit -n "$(ulimit -H -n)" 2>/dev/null || true
start_child "$WORK/perf.log" perf record -N -k CLOCK_MONOTONIC -m "$MMAP_SIZE" "${SELECT[@]}" \
    -p "$(IFS=,; printf '%s' "${PIDS[*]}")" --control "fifo:$WORK/control,$WORK/ack" -o "$PART"
PERF_PID=$CHILD

perf_failed() {
    PERF_PID=
    show_tail "$WORK/perf.log"
    die "perf record has failed (status $1): $(grep -m 1 -i -E 'error|fail|no space|permission|cannot' "$WORK/perf.log" || echo "see the lines above")"
}

# perf answers a ping when all events are open and its loop runs. One answer was seen to get lost on a busy machine: it
# is asked again each second.
ANSWERS=
TRIES=0
until [[ $ANSWERS == *ack* ]]; do
    if ! alive "$PERF_PID"; then
        STATUS=0
        reap "$PERF_PID" || STATUS=$?
        perf_failed "$STATUS"
    fi
    ((TRIES++ % 5)) || echo ping >&"$CONTROL"
    read -r -t 0.2 ANSWER <&"$ACK" || true
    ANSWERS+=$ANSWER
done

STOP=
trap 'STOP=INT' INT
trap 'STOP=TERM' TERM
SAMPLED="$EVENT at $FREQUENCY Hz"
((FREQUENCY)) || SAMPLED="no samples"
step_begin "recording ${#EVENTS[@]} probes and $SAMPLED of ${#PIDS[@]} process(es)"
echo state=recording
now_ms
END_MS=$((NOW_MS + DURATION * 1000))
while [[ -z $STOP ]] && alive "$PERF_PID" && ((DURATION == 0 || NOW_MS < END_MS)); do
    step_tick
    nap 0.2
    now_ms
done
step_end
# Until perf has written the rest nothing may disturb it.
trap '' INT TERM HUP
kill -INT "$PERF_PID" 2>/dev/null || true
step_begin "writing the recording"
TRIES=600
while alive "$PERF_PID" && ((TRIES-- > 0)); do
    nap 0.1
    step_tick
done
STATUS=0
if ((TRIES < 0)); then
    stop_child "$PERF_PID" 1
    PERF_PID=
    die "perf record did not end within 60 s after it was told to"
fi
reap "$PERF_PID" || STATUS=$?
PERF_PID=
((STATUS == 0 || STATUS == 130)) || perf_failed "$STATUS"

# The size of the data section, 48 bytes into the file: 0 in a file that perf did not finish.
[[ $(od -A n -t u8 -j 48 -N 8 "$PART" | tr -d ' ') != 0 ]] || perf_failed "$STATUS"
mv -f -- "$PART" "$OUTPUT"
step_end
PART=
printf 'file=%s\n' "$OUTPUT"
