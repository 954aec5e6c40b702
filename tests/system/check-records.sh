#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Other ways to record the same pair: a recording for each side, and plain perf
# with a global -F; then pairs that lose a side, and run.sh that is interrupted.
# After all of it the machine is as it was. Prints TAP.
#
#   tests/system/check-records.sh QEMU COLO-PERF
set -euo pipefail

# shellcheck source=tap.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/tap.sh"
SCRIPTS=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../scripts" && pwd -P)
qemu=$1
colo_perf=$2
work=$(mktemp -d)
pair_pid=

stop_pair() {
    [[ -n $pair_pid ]] || return 0
    kill -TERM "$pair_pid" 2>/dev/null || true
    wait "$pair_pid" 2>/dev/null || true
    pair_pid=
}
trap 'stop_pair; rm -rf -- "$work"' EXIT

# What must be the same afterwards: probes, mounts, QEMUs.
machine_state() {
    cat /sys/kernel/tracing/uprobe_events 2>/dev/null || true
    awk '{ print $2, $3 }' /proc/mounts
    for exe in /proc/[0-9]*/exe; do
        [[ ! $exe -ef $qemu ]] || echo "running: $exe"
    done
}

start_pair() {
    rm -f -- "$work/pair/pair.env"
    "$SCRIPTS/start-pair.sh" --qemu "$qemu" --accel tcg --run-dir "$work/pair" >/dev/null 2>"$work/pair.log" &
    pair_pid=$!
    for ((i = 0; i < 1800; i++)); do
        if grep -qs '^state=colo' "$work/pair/pair.env"; then
            primary=$(sed -n 's/^primary_pid=//p' "$work/pair/pair.env")
            secondary=$(sed -n 's/^secondary_pid=//p' "$work/pair/pair.env")
            return 0
        fi
        kill -0 "$pair_pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "not ok 1 - no pair" && sed 's/^/# /' "$work/pair.log"
    exit 1
}

# members FILE PYTHON-EXPRESSION: of the report's JSON, called r
member() {
    "$colo_perf" report --json "$1" 2>>"$work/report.log" |
        python3 -c "import json, sys; r = json.load(sys.stdin); print($2)"
}

mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
machine_state >"$work/before"
start_pair

# Two recordings at the same time, one of each side, as on two hosts; the probes are shared.
"$SCRIPTS/record.sh" --quiet -p "$primary" -d 6 -o "$work/primary.data" >/dev/null 2>"$work/p.log" &
first=$!
"$SCRIPTS/record.sh" --quiet -p "$secondary" -d 6 -o "$work/secondary.data" >/dev/null 2>"$work/s.log" &
second=$!
status=0
wait "$first" || status=1
result $status "record.sh records the primary alone" "$work/p.log"
status=0
wait "$second" || status=1
result $status "record.sh records the secondary alone at the same time" "$work/s.log"
status=0
"$colo_perf" report --json "$work/primary.data" "$work/secondary.data" >"$work/both.json" 2>"$work/report.log" || status=1
python3 - "$work/both.json" >>"$work/report.log" 2>&1 <<'END' || status=1
import json, sys
report = json.load(open(sys.argv[1]))
sides = [(s["role"], s["recording"]) for s in report["sessions"]]
seqs = [{c["seq"] for c in s["checkpoints"] if c["state"] == "complete"} for s in report["sessions"]]
print(sides, seqs)
assert sides == [("primary", 0), ("secondary", 1)]
assert len(seqs[0] & seqs[1]) >= 5
END
result $status "both files are reported together, the numbers of the checkpoints match" "$work/report.log"

# perf by hand, and the trap of -F. The probes are registered as the README says.
perf --buildid-dir "$work/buildid" buildid-cache --add "$qemu" >"$work/perf.log" 2>&1
perf --buildid-dir "$work/buildid" probe -q 'sdt_qemu:*' >>"$work/perf.log" 2>&1
status=0
perf record -e 'sdt_qemu:*' -p "$primary,$secondary" -o "$work/plain.data" -- sleep 5 >>"$work/perf.log" 2>&1 || status=1
[[ $(member "$work/plain.data" 'len(r["sessions"]), len(r["warnings"])') == "2 0" ]] || status=1
member "$work/plain.data" '[w["message"] for w in r["warnings"]]' >>"$work/perf.log"
result $status "what perf record by hand gives is reported" "$work/perf.log"
status=0
perf record -F 99 -e 'sdt_qemu:*' -p "$primary,$secondary" -o "$work/sampled.data" -- sleep 5 >>"$work/perf.log" 2>&1 || status=1
"$colo_perf" report "$work/sampled.data" >"$work/sampled.txt" 2>>"$work/perf.log" || status=1
head -n 1 "$work/sampled.txt" | grep -q '^warning: .* probes were sampled, not counted' || status=1
result $status "a global -F is reported with exit status 0 and the warning first" "$work/perf.log"
perf probe -q -d 'sdt_qemu:*' >>"$work/perf.log" 2>&1

# record_death VICTIM FILE: records both sides, in the middle of which one is killed; sets status. start-pair.sh stands
# still meanwhile, as it would stop the other side at once.
record_death() {
    local recorder
    "$SCRIPTS/record.sh" --quiet -p "$primary" -p "$secondary" -o "$2" >/dev/null 2>"$work/death.log" &
    recorder=$!
    sleep 6
    kill -STOP "$pair_pid"
    kill -KILL "$1"
    sleep 3
    kill -TERM "$recorder" 2>/dev/null || true
    kill -CONT "$pair_pid"
    status=0
    wait "$recorder" || status=1
    [[ $(member "$2" '[s["states"]["complete"] >= 3 for s in r["sessions"]]') == "[True, True]" ]] || status=1
    [[ $(member "$2" '[w["code"] for w in r["warnings"]]') == "[]" ]] || status=1
    member "$2" '[s["states"] for s in r["sessions"]], r["warnings"]' >>"$work/death.log"
}

# A QEMU that dies in the middle of a recording.
record_death "$primary" "$work/killed.data"
result $status "a recording in which the primary is killed is reported without a warning" "$work/death.log"
status=0
wait "$pair_pid" || status=$?
pair_pid=
grep -q "of the primary (pid $primary) was killed by SIGKILL" "$work/pair.log" || status=0
result $((status != 1)) "start-pair.sh says so in one line and ends with status 1" "$work/pair.log"

# The same with the secondary: the primary gives up a checkpoint, which then is none that counts.
start_pair
record_death "$secondary" "$work/given-up.data"
[[ $(member "$work/given-up.data" 'r["sessions"][0]["states"]["aborted"]') == 1 ]] || status=1
result $status "when the secondary is killed, the primary's checkpoint is aborted" "$work/death.log"
wait "$pair_pid" || true
pair_pid=

# Ctrl-C in the middle of it all.
# A shell's background job ignores SIGINT unless told otherwise.
QEMU=$qemu env --default-signal=INT "$SCRIPTS/run.sh" --accel tcg --output "$work/run" >"$work/run.out" 2>"$work/run.log" &
first=$!
for ((i = 0; i < 1200; i++)); do
    ! grep -q 'recording checkpoints' "$work/run.log" 2>/dev/null || break
    sleep 0.1
done
sleep 3
kill -INT "$first"
status=0
wait "$first" || status=$?
result $((status != 130)) "run.sh that is interrupted ends with status 130" "$work/run.log"

machine_state >"$work/after"
status=0
diff "$work/before" "$work/after" >"$work/diff" || status=1
result $status "nothing is left registered, mounted or running" "$work/diff"

tap_end
