#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Numbers that would be wrong without a word: checkpoints that are not in the recording, hits that are in it twice,
# sums that do not fit. Prints TAP.
#
#   COLO_PERF=build/colo-perf tests/cli/numbers.sh
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
make_recordings=$(realpath -s "${MAKE_RECORDINGS:-$(dirname "$colo_perf")/tests/cli/make_recordings}")
need_program "$make_recordings"
"$make_recordings" .

# holds EXPRESSION: true of the JSON in $out, which is called `report`.
holds() {
    [ "$status" -eq 0 ] && python3 -c 'import json, sys
report = json.load(open(sys.argv[1]))
session = report["sessions"][0]
recording = report["recordings"][0]
codes = [warning["code"] for warning in report["warnings"]]
sys.exit(not eval(sys.argv[2]))' "$out" "$1"
}

# warns NAME LINE: the first line of the report.
warns() {
    check "$1" test "$(head -n 1 "$out")" = "warning: $2"
}

# --- Checkpoints that are not there

run report gap.data
warns "missing checkpoints are said first" \
    "primary, pid 101: 3 checkpoints of this session are not in the recording (seq 4 to 6): their hits are lost, and no number knows of them"
run report --json gap.data
check "missing checkpoints in JSON" holds 'session["anomalies"]["missing_checkpoints"] == 3 and session["states"]["complete"] == 7 and codes == ["missing_checkpoints"]'
run report --json primary.data
check "none is missing" holds 'session["anomalies"]["missing_checkpoints"] == 0 and not codes'

# --- Hits that are there twice

run report twice.data
warns "hits that come twice are said first" \
    "twice.data: 123 of 246 probe hits were recorded again through another event of the same probe and count once: the probes are registered twice (see perf probe -l), or two -e name them"
# What follows the lines about the file.
sed '1,/probe hits, 0/d' "$out" >twice.text
run report primary.data
check "the rest is as if they came once" cmp twice.text <(sed '1,/probe hits/d' "$out")
run report --csv twice.data
cp "$out" twice.csv
run report --csv primary.data
check "and so is each checkpoint" cmp twice.csv "$out"
run report --json twice.data
check "hits that come twice in JSON" holds 'recording["duplicate_hits"] == 123 and recording["probe_hits"] == 246 and codes == ["duplicate_hits"]'

# --- Numbers that do not fit

largest=9223372036854775807
run report longest-times.data
warns "lost events beyond 2^64 stop there" \
    "longest-times.data: perf lost 18446744073709551615 events as its buffer was full; probe hits may be among them. Record with a larger buffer (-m)"
check "totals beyond 2^63 are warned of" grep -qxF "warning: primary, pid 101: the total of checkpoint, loaded, pause is larger than the $largest that is shown: durations of months, or amounts of pebibytes, are damage" "$out"
run report --json longest-times.data
check "in JSON: sums stop" holds "session['recorder']['tot_time'] == session['phases'][0]['total_ns'] == $largest"
check "in JSON: means do not" holds 'session["recorder"]["avg_time"] == sum(
    one["phases"]["checkpoint"]["end_ns"] - one["phases"]["checkpoint"]["begin_ns"] for one in session["checkpoints"]) // 1100'
check "in JSON: nothing is negative" sh -c "! grep -q ': -' '$out'"
check "in JSON: counts beyond 2^63" holds 'recording["lost_records"] == 2**64 - 1 and session["recorder"]["info"]["ram"]["transferred"] == 2**64 - 1 and session["recorder"]["info"]["ram"]["normal-bytes"] == 2**64 - 1'
check "in JSON: times beyond 2^63" holds 'session["checkpoints"][-1]["phases"]["loaded"]["end_ns"] > 2**63'
run report --csv longest-times.data
check "in CSV: nothing is negative" sh -c "! grep -q ',-' '$out'"
run report --info-checkpoint longest-times.data
check "the recorder's answer: nothing is negative" sh -c "! grep -q ':-' '$out'"

finish
