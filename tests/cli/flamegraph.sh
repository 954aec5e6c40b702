#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line of `colo-perf flamegraph`: exit statuses, the exact lines on
# stderr, where the output goes. Numbers are for the golden tests, what is drawn
# for flame_svg_browser.py. Prints TAP.
#
#   COLO_PERF=build/colo-perf tests/cli/flamegraph.sh GOLDEN-DIRECTORY
set -euo pipefail

golden=$(realpath -- "${1:-tests/golden}")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
for name in profile primary pair; do
    zstd -q -d "$golden/$name.data.zst" -o "$name.data"
done
mkdir symfs
tar -xf "$golden/symfs.tar.zst" -C symfs
export HOME=/nonexistent
symbols=(--symfs=symfs --kallsyms=symfs/kallsyms)
see="; see colo-perf flamegraph --help"

# --- options

run flamegraph --help
check "--help: names each option" grep -qzP \
    '(?s)Usage:.*--phase=PHASE\|all.*--threads.*--output=FILE.*--folded.*--diff=BASE.*--input=FILE.*--checkpoints=A-B.*--event=EVENT.*--inline.*--symfs=DIR.*--vmlinux=FILE.*--kallsyms=FILE' "$out"
refuses "an unknown phase" 2 \
    "colo-perf flamegraph: --phase ran: there is no such phase; colo-perf report lists them, and \"all\" means each$see" \
    flamegraph --phase ran profile.data
refuses "a phase that only the other side has" 3 \
    "colo-perf flamegraph: profile.data: the primary has no phase flush; the other side has it" \
    flamegraph "${symbols[@]}" --phase flush --role primary profile.data
refuses "a recording with probes alone" 3 \
    "colo-perf flamegraph: primary.data: holds probes but no samples; record with a sampling event too: -e cpu-clock/freq=997,call-graph=fp/" \
    flamegraph primary.data
refuses "an event that is not there" 1 \
    'colo-perf flamegraph: there is no event "cycles" in the recording; perf evlist lists those that there are' \
    flamegraph --event cycles profile.data
run flamegraph --folded --checkpoints 1 --phase net --role primary profile.data
check "a phase without samples: exit status 3" [ "$status" -eq 3 ]
check "a phase without samples: one line that says so" grep -qxE \
    'colo-perf flamegraph: profile\.data: none of its [0-9]+ samples of cpu-clock falls into net of the primary.s 1 checkpoints; --threads shows other threads as well' "$err"
refuses "a base that is not there" 1 \
    "colo-perf flamegraph: missing.data: cannot open it: No such file or directory" \
    flamegraph "${symbols[@]}" --diff missing.data profile.data
refuses "a base without samples" 3 \
    "colo-perf flamegraph: primary.data: holds probes but no samples; record with a sampling event too: -e cpu-clock/freq=997,call-graph=fp/" \
    flamegraph "${symbols[@]}" --role primary --diff primary.data profile.data

# --- choices

sum() {
    awk '{ sum += $NF } END { print sum + 0 }' "$out"
}
runs "the phase decides about the side" flamegraph "${symbols[@]}" --folded --phase flush profile.data
check "... and the secondary's flush is copied there" grep -q ';colo_flush_ram_cache[; ]' "$out"
pid_of() {
    "$colo_perf" report --csv --role "$1" profile.data | awk -F, 'NR == 2 { print $3 }'
}
primary=$(pid_of primary) secondary=$(pid_of secondary)
runs "--pid decides about the side" flamegraph "${symbols[@]}" --folded --pid "$secondary" profile.data
cp "$out" by-pid
run flamegraph "${symbols[@]}" --folded --role secondary profile.data
check "... as --role does" cmp -s "$out" by-pid
# It has other processes, and another QEMU, of which it is said that it is not here.
run flamegraph "${symbols[@]}" --folded --pid "$primary" --diff pair.data profile.data
check "--pid is not asked of the base" [ "$status" -eq 0 ]
refuses "--pid that is not there" 3 \
    "colo-perf flamegraph: profile.data: none of its checkpoints matches the options; without --checkpoints, --skip, --since, --until, --role and --pid the report shows what is there" \
    flamegraph "${symbols[@]}" --pid 1 profile.data
runs "both usual names of an event" flamegraph "${symbols[@]}" --folded --event cpu-clock profile.data
by_usual_name=$(sum)
run flamegraph "${symbols[@]}" --folded --event cpu-clock/freq=997,call-graph=fp/ profile.data
check "... are the same event" [ "$(sum)" = "$by_usual_name" ]
run flamegraph "${symbols[@]}" --folded --phase all --role secondary profile.data
check "--phase all: the phases are at the root" grep -qE '^(ram|flush|dev|wait);' "$out"
all=$(sum) parts=0
for phase in stop reply ram vmstate received flush dev block net resume loaded other wait; do
    run flamegraph "${symbols[@]}" --folded --phase "$phase" --role secondary profile.data
    case $status in
        0) parts=$((parts + $(sum))) ;;
        3) ;;
        *) result "--phase $phase" 1 ;;
    esac
done
check "--phase all: the sum of the phases" [ "$all" = "$parts" ]
run flamegraph "${symbols[@]}" --folded --threads --phase dev --role secondary profile.data
check "--threads: the threads are at the root" grep -q '^COLO incoming;' "$out"
check "--threads: others too" grep -q '^CPU 0/TCG;' "$out"

# --- where it goes

svg() {
    grep -q '<svg' "$1" && tail -n 1 "$1" | grep -q '</svg>'
}
runs "-o FILE: nothing on stdout" flamegraph "${symbols[@]}" --folded -o - profile.data
run flamegraph "${symbols[@]}" -o ram.svg profile.data
check "-o FILE: quiet" said 0 ""
check "-o FILE: a whole SVG" svg ram.svg
run flamegraph "${symbols[@]}" profile.data
check "without -o: the same on stdout" cmp -s ram.svg "$out"
cp ram.svg before.svg
run flamegraph "${symbols[@]}" --phase ran -o ram.svg profile.data
check "a failure leaves the old file as it was" cmp -s ram.svg before.svg
run flamegraph "${symbols[@]}" -o missing/ram.svg profile.data
check "a directory that is not there: exit status 1" [ "$status" -eq 1 ]
check "a directory that is not there: one line" [ "$(wc -l <"$err")" -eq 1 ]
ln -s target.svg link.svg
run flamegraph "${symbols[@]}" -o link.svg profile.data
check "a link is followed, not replaced" [ -L link.svg ]
check "... and what it points to is written" svg target.svg
if [ -w /dev/full ]; then
    refuses "a full disk" 1 "colo-perf flamegraph: cannot write /dev/full: No space left on device" \
        flamegraph "${symbols[@]}" -o /dev/full profile.data
    status=0
    "$colo_perf" flamegraph "${symbols[@]}" profile.data >/dev/full 2>"$err" || status=$?
    : >"$out"
    check "a full disk behind stdout" said 1 \
        "colo-perf flamegraph: cannot write to standard output: No space left on device"
else
    skip "a full disk" "there is no /dev/full"
fi
status=0
script -qec "$colo_perf flamegraph ${symbols[*]} profile.data" /dev/null >"$out" 2>"$err" </dev/null || status=$?
check "a terminal is not for SVG: exit status 2" [ "$status" -eq 2 ]
check "a terminal is not for SVG: one line" grep -q "give a file with -o FILE" "$out"

cp profile.data recording.data
refuses "-o on the recording itself" 2 \
    "colo-perf flamegraph: -o recording.data is the recording; give another file" \
    flamegraph "${symbols[@]}" -o recording.data recording.data
check "... which is left as it was" cmp -s profile.data recording.data
refuses "-o without a name" 2 "colo-perf flamegraph: -o needs the name of a file$see" \
    flamegraph -o '' profile.data
status=0
script -qec "$colo_perf flamegraph ${symbols[*]} -o - profile.data" /dev/null >"$out" 2>"$err" </dev/null || status=$?
check "-o - is standard output too" [ "$status" -eq 2 ]
echo precious >target.svg
ln -s target.svg full.svg
run flamegraph "${symbols[@]}" -o full.svg profile.data
check "a link to a file: the file is replaced" svg target.svg
check "... and the link is one" [ -L full.svg ]

# --- symbols

for option in symfs vmlinux kallsyms; do
    refuses "--$option that is not there" 1 \
        "colo-perf flamegraph: cannot read \"missing\", which should have symbols: No such file or directory" \
        flamegraph "--$option=missing" profile.data
done

mkdir empty
run flamegraph --symfs=empty --kallsyms=symfs/kallsyms --folded --role primary profile.data
check "without the binary: done" [ "$status" -eq 0 ]
check "without the binary: a warning with the path" grep -q \
    '^warning: profile.data: functions of qemu-system-x86_64 have no name, in [0-9]* samples: ' "$err"
check "without the binary: offsets instead of names" grep -q '\[qemu-system-x86_64+0x[0-9a-f]*\]' "$out"
mkdir -p other
cp -r symfs/. other/
qemu=$(find other -name qemu-system-x86_64)
python3 - "$qemu" <<'END'
import sys

data = bytearray(open(sys.argv[1], "rb").read())
note = data.index(b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0")
data[note + 16] ^= 1
open(sys.argv[1], "wb").write(data)
END
run flamegraph --symfs=other --kallsyms=symfs/kallsyms --folded --role primary profile.data
check "another build-id: a warning" grep -q 'functions of qemu-system-x86_64 have no name.*build-id' "$err"
no_name_of_qemu() {
    ! grep -q 'ram_save\|migration_thread' "$out"
}
check "another build-id: not one name of it" no_name_of_qemu

# --- inlined functions and debug files that are not there

lacks() {
    ! grep -q -- "$1" "$2"
}
run flamegraph "${symbols[@]}" --inline --folded --role primary profile.data
check "--inline without DWARF: a warning that says what to do" grep -q \
    '^warning: profile.data: inlined functions of qemu-system-x86_64 may be missing: symfs/.* has no debug information .*build it with -g$' "$err"
check "--inline with kallsyms: likewise" grep -q \
    '^warning: profile.data: inlined functions of \[kernel.kallsyms\] may be missing: .*--vmlinux FILE' "$err"
run flamegraph "${symbols[@]}" --folded --role primary profile.data
check "without --inline: none" lacks 'inlined functions' "$err"

# A server that takes the connection and never answers.
python3 -c '
import socket, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
time.sleep(300)
' >port &
server=$!
until [ -s port ]; do
    sleep 0.05
done
cp -r symfs stripped
strip "$(find stripped -name qemu-system-x86_64)"
export DEBUGINFOD_URLS DEBUGINFOD_TIMEOUT=2 DEBUGINFOD_CACHE_PATH=$work/debuginfod
DEBUGINFOD_URLS=http://127.0.0.1:$(<port)/
run flamegraph --symfs=stripped --kallsyms=symfs/kallsyms --folded --role primary profile.data
check "a debuginfod server that does not answer: done" [ "$status" -eq 0 ]
check "... one line while it waits" [ "$(grep -cxF \
    "colo-perf flamegraph: waiting for DEBUGINFOD_URLS ($DEBUGINFOD_URLS) to answer, for 2 s at the most; --no-debuginfod does not ask" "$err")" -eq 1 ]
check "... and what came of it" grep -q \
    '^warning: .* functions of qemu-system-x86_64 have no name, .* did not answer within 2 s' "$err"
run flamegraph --no-debuginfod --symfs=stripped --kallsyms=symfs/kallsyms --folded --role primary profile.data
check "--no-debuginfod: done" [ "$status" -eq 0 ]
check "--no-debuginfod: nobody is asked" lacks 'DEBUGINFOD_URLS' "$err"
unset DEBUGINFOD_URLS DEBUGINFOD_TIMEOUT DEBUGINFOD_CACHE_PATH
kill "$server"

finish
