#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line of `colo-perf live`: usage, inputs that are refused, and recordings and
# streams of every form, of which it must say at the end what `colo-perf report` says. Live
# processes need root and are in tests/system. Prints TAP.
#
#   COLO_PERF=build/colo-perf tests/cli/live.sh GOLDEN-DIRECTORY
set -euo pipefail

golden=$(realpath -s "$1")
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
make_recordings=$(realpath -s "${MAKE_RECORDINGS:-$(dirname "$colo_perf")/tests/cli/make_recordings}")
make_forms=$(dirname "$(dirname "$make_recordings")")/forms/make_forms
need_program "$make_recordings"
need_program "$make_forms"
"$make_recordings" .

# --- Usage

see="; see colo-perf live --help"
refuses "nothing to watch" 2 "colo-perf live: name processes with -p or --name, or a stream with -i$see" live
refuses "a process and a stream" 2 "colo-perf live: -i and -p or --name: choose one$see" live -i - -p 1
refuses "no number of a process" 2 "colo-perf live: --pid x: expected the number of a process$see" live -p x
refuses "a bare name" 2 "colo-perf live: perf.data: unexpected; a stream is named with -i$see" live perf.data
refuses "--interval 0" 2 "colo-perf live: --interval 0: expected seconds, from 0.01 to 86400$see" live -i - --interval 0
refuses "--interval nan" 2 "colo-perf live: --interval nan: expected seconds, from 0.01 to 86400$see" live -i - --interval nan
refuses "--count -1" 2 "colo-perf live: --count -1: expected a number from 1$see" live -i - --count -1
refuses "--formats without a stream" 2 "colo-perf live: --formats needs -i$see" live -p 1 --formats x
run live --help
check "live --help: names each option" grep -qzP \
    '(?s)Usage:.*--pid=PID.*--name=NAME.*--input=FILE.*--formats=PATH.*--interval=S.*--count=N.*--json' "$out"
check "live --help: exit status 0" [ "$status" -eq 0 ]
run live --version
check "live --version" [ "$(cat "$out")" = "colo-perf 0.1.0" ]
ln -s "$colo_perf" "$work/colo-perf-live"
"$work/colo-perf-live" --version >"$out" 2>"$err" || true
check "colo-perf-live is colo-perf live" [ "$(cat "$out")" = "colo-perf 0.1.0" ]

# --- Inputs that are refused

refuses "no such file" 1 "colo-perf live: none.data: cannot open it: No such file or directory" live -i none.data
: >empty.data
refuses "an empty file" 1 \
    "colo-perf live: empty.data: not a perf.data file: it has 0 bytes; was perf record stopped before it began?" \
    live -i empty.data
run_stdin() {
    status=0
    "$colo_perf" live -i - "${@:2}" >"$out" 2>"$err" < <(cat -- "$1") || status=$?
}
run_stdin empty.data
check "an empty stream" said 1 \
    "colo-perf live: -: not a perf.data file: it has 0 bytes; was perf record stopped before it began?"
run_stdin both.data
check "a file in a pipe" said 1 \
    "colo-perf live: -: it is no stream but a recording in file mode, which cannot be read as it comes: name the file"

# --- What it says at the end

# Not those of the machine that runs this, whatever is registered there.
no_formats=$work/in
# same_as_report FILE REPORT-OF: the last line in $out is what report says, but for what it does not keep; or both refuse.
same_as_report() {
    local status_of_report=0
    "$colo_perf" report --json --formats "$no_formats" "$1" >report.json 2>report.err || status_of_report=$?
    [ "$status" -eq "$status_of_report" ] || return 1
    [ "$status" -eq 0 ] || return 0
    python3 - report.json "$out" <<'END'
import json, sys
report = json.load(open(sys.argv[1]))
lines = [json.loads(line) for line in open(sys.argv[2])]
live = lines.pop()
def statistics(of):
    return [{name: value for name, value in session.items() if name not in ("checkpoints", "profiles", "process", "thread")}
            for session in of["sessions"]]
def warnings(of):
    # live looks at no samples, but those of probes.
    ofsamples = ("no_call_chains", "no_symbols", "samples_without_time", "event_missing", "partial_event", "bad_periods",
                 "not_mapped", "not_mapped_kernel", "generated_code")
    return [w["code"] for w in of["warnings"] if w["code"] not in ofsamples]
assert statistics(live) == statistics(report), (statistics(live), statistics(report))
assert warnings(live) == warnings(report), (warnings(live), warnings(report))
assert all(session["checkpoints"] is None for session in live["sessions"])
assert all(line["id"] in ("primary", "secondary") for line in lines), lines
END
}
for file in *.data; do
    [[ -f $file ]] || continue
    run live -i "$file" --formats "$no_formats" --interval 0.01
    check "live -i $file: as report" same_as_report "$file"
done
for file in pair primary secondary sampled killed profile; do
    zstd -dq "$golden/$file.data.zst" -o "golden-$file.data"
    run live -i "golden-$file.data" --formats "$no_formats"
    check "live of the golden $file: as report" same_as_report "golden-$file.data"
done
mkdir forms
"$make_forms" forms >/dev/null
for file in forms/*/pipe*; do
    run_stdin "$file"
    check "a stream of ${file#forms/}: as report" same_as_report "$file"
    # Bit by bit.
    status=0
    "$colo_perf" live -i - >"$out" 2>"$err" < <(dd if="$file" bs=997 status=none) || status=$?
    check "a stream of ${file#forms/} in small pieces: as report" same_as_report "$file"
done

# A stream that is cut is reported as far as it goes.
whole=$(printf '%s\n' forms/*/pipe* | head -n 1)
head -c $(($(stat -c %s "$whole") * 2 / 3)) "$whole" >cut.data
run_stdin cut.data
check "a stream that is cut: as report" same_as_report cut.data

finish
