#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How colo-perf ends when something stands in its way: FIFOs that nobody writes, terminals and
# readers that are gone or take nothing, closed standard streams, limits on the size of files. What
# needs root is in tests/system/check-ends.py. Prints TAP.
#
#   COLO_PERF=build/colo-perf tests/cli/ends.sh GOLDEN-DIRECTORY
set -euo pipefail

golden=$(realpath -s "$1")
here=$(dirname -- "$(realpath -- "${BASH_SOURCE[0]}")")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
make_recordings=$(realpath -s "${MAKE_RECORDINGS:-$(dirname "$colo_perf")/tests/cli/make_recordings}")
need_program "$make_recordings"
zstd -dq "$golden/profile.data.zst" -o profile.data
export HOME=/nonexistent
patience=30 # seconds, after which what does not end is stopped and has failed

# bounded [ARG...]: run, but it ends.
bounded() {
    status=0
    timeout -k 1 "$patience" "$colo_perf" "$@" >"$out" 2>"$err" </dev/null || status=$?
}
one_line() {
    [ "$status" -eq "$1" ] && [ "$(wc -l <"$err")" -eq 1 ] && grep -q "$2" "$err"
}

# --- A recording that is a directory, with something else for its files

mkdir fifo.threads
mkfifo fifo.threads/data
bounded report fifo.threads
check "a FIFO called data in a directory" said 1 \
    "colo-perf report: fifo.threads: data: it is no regular file"
bounded live -i fifo.threads
check "live: the same" said 1 "colo-perf live: fifo.threads: data: it is no regular file"
mkdir device.threads
ln -s /dev/zero device.threads/data
bounded report device.threads
check "a device called data in a directory" said 1 \
    "colo-perf report: device.threads: data: it is no regular file"

# --- Formats that could not be read twice

mkfifo formats.fifo
"$make_recordings" .
for command in "report" "live -i"; do
    # shellcheck disable=SC2086 # two words
    bounded $command killed.data --formats formats.fifo
    check "$command --formats FIFO" one_line 1 "in --formats formats.fifo: it is no regular file"
done
mkdir -p formats.dir/sdt_qemu/colo_ram_begin
mkfifo formats.dir/sdt_qemu/colo_ram_begin/format
bounded report killed.data --formats formats.dir
check "a FIFO in a directory of formats" one_line 1 "there are no formats of sdt_qemu"

# --- Standard streams that are closed

"$colo_perf" report profile.data >expected.txt 2>/dev/null
"$colo_perf" flamegraph --folded profile.data >expected.folded 2>/dev/null
cp profile.data before.data
status=0
"$colo_perf" flamegraph --folded -o closed.folded profile.data <&- >&- 2>&- || status=$?
check "flamegraph -o with all of them closed: done" [ "$status" -eq 0 ]
check "... the file is right" cmp -s expected.folded closed.folded
check "... and the recording is as it was" cmp -s profile.data before.data
status=0
"$colo_perf" report profile.data >"$out" <&- 2>&- || status=$?
check "report without standard input and error" cmp -s expected.txt "$out"
# shellcheck disable=SC2094 # what is read is not what is written
"$colo_perf" report - <profile.data 2>&- | sed 's/^-$/profile.data/' >"$out" || status=$?
check "report - without standard error: as many lines" \
    [ "$(wc -l <"$out")" -eq "$(wc -l <expected.txt)" ]
status=0
"$colo_perf" report - >"$out" 2>"$err" <&- || status=$?
check "report - without standard input: one line" one_line 1 "colo-perf report: -: "

# --- Limits on the size of files

limited() {
    status=0
    (ulimit -f 8 && exec "$colo_perf" "$@") >"$out" 2>"$err" <pipe.data || status=$?
}
mkfifo pipe.data
cat profile.data >pipe.data 2>/dev/null &
limited report -
check "a pipe's spool beyond ulimit -f: one line" said 1 \
    "colo-perf report: -: cannot keep what comes from the pipe in a temporary file: File too large (the shell's ulimit -f is the limit); set TMPDIR to a directory with room for it"
echo old >limited.svg
exec 8<>pipe.data
limited flamegraph -o limited.svg profile.data
exec 8<&-
check "an SVG beyond it: status 1" [ "$status" -eq 1 ]
check "... with one line about it" [ "$(grep -v '^warning: ' "$err")" = \
    "colo-perf flamegraph: cannot write limited.svg: File too large (the shell's ulimit -f is the limit)" ]
check "... the old file is kept, and no part" [ "$(cat limited.svg; ls -- *.part.* 2>/dev/null)" = old ]
status=0
(ulimit -f 1 && exec "$colo_perf" report --json profile.data) >large.json 2>"$err" || status=$?
: >"$out"
check "standard output beyond it: one line" said 1 \
    "colo-perf report: cannot write to standard output: File too large (the shell's ulimit -f is the limit)"

# --- Streams without a writer, terminals and readers that are gone

"$here/live_ends.py" "$colo_perf" "$work" >"$work/live.tap" 2>&1 || true
while IFS= read -r line; do
    case $line in
        ok*) result "${line#* - }" 0 ;;
        "not ok"*) status=; : >"$out"; : >"$err"; result "${line#* - }" 1 ;;
        1..*) ends=yes ;;
        *) echo "# $line" ;;
    esac
done <"$work/live.tap"
check "live_ends.py came to its end" [ "${ends-}" = yes ]

finish
