#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Other ways to record the same pair: a recording for each side, and plain perf
# with a global -F; then a pair that loses a side, and run.sh that is interrupted.
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

# What must be the same afterwards: this QEMU's probes, mounts, QEMUs.
machine_state() {
    grep -F " $qemu:" /sys/kernel/tracing/uprobe_events 2>/dev/null || true
    awk '{ print $2, $3 }' /proc/mounts
    for exe in /proc/[0-9]*/exe; do
        [[ ! $exe -ef $qemu ]] || echo "running: $exe"
    done
}

# The places where the probes of this QEMU are registered: "NAME PATH:OFFSET ARGUMENTS"; a name may be name_1.
registered_sites() {
    awk -v start="$qemu:" 'index($2, start) == 1 && sub("^p:sdt_qemu/", "", $1) { sub("_[0-9]+$", "", $1); print }' \
        /sys/kernel/tracing/uprobe_events | sort -u
}

# registered_events [FILE]: the names of what is registered, of this file alone.
registered_events() {
    awk -v start="${1:+$1:}" 'index($2, start) == 1 && sub("^p:sdt_qemu/", "", $1) { print $1 }' \
        /sys/kernel/tracing/uprobe_events | sort -u
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
"$colo_perf" record --quiet -p "$primary" -d 6 -o "$work/primary.data" >"$work/p.out" 2>"$work/p.log" &
first=$!
"$colo_perf" record --quiet -p "$secondary" -d 6 -o "$work/secondary.data" >/dev/null 2>"$work/s.log" &
second=$!
for ((i = 0; i < 300; i++)); do
    ! grep -qs state=recording "$work/p.out" || break
    sleep 0.1
done
registered_sites >"$work/sites"
status=0
wait "$first" || status=1
result $status "colo-perf record records the primary alone" "$work/p.log"
status=0
wait "$second" || status=1
result $status "colo-perf record records the secondary alone at the same time" "$work/s.log"
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

# perf by hand, and the trap of -F: with 'sdt_qemu:*', as check-readme.py has the commands that README.md tells.
perf --buildid-dir "$work/buildid" buildid-cache --add "$qemu" >"$work/perf.log" 2>&1
# Somebody else may have the same names: -f makes it name_1 then, and only these are recorded.
registered_events "$qemu" >"$work/events.before"
perf --buildid-dir "$work/buildid" probe -q -f 'sdt_qemu:*' >>"$work/perf.log" 2>&1
mapfile -t events < <(registered_events "$qemu" | comm -13 "$work/events.before" -)
select=(-e 'sdt_qemu:*')
[[ $(registered_events | wc -l) -eq ${#events[@]} ]] || select=("${events[@]/#/-esdt_qemu:}")
status=0
registered_sites | diff "$work/sites" - >"$work/sites.diff" || status=1
[[ $(wc -l <"$work/sites") -ge 60 ]] || status=1
result $status "colo-perf record registers what perf probe does" "$work/sites.diff"
# Both at the same time: what record reports is what plain perf's recording gives.
"$colo_perf" record --quiet -F 0 -p "$primary,$secondary" -d 7 -o "$work/beside.data" >/dev/null 2>"$work/beside.log" &
first=$!
status=0
perf record "${select[@]}" -p "$primary,$secondary" -o "$work/plain.data" -- sleep 5 >>"$work/perf.log" 2>&1 || status=1
[[ $(member "$work/plain.data" 'len(r["sessions"]), len(r["warnings"])') == "2 0" ]] || status=1
member "$work/plain.data" '[w["message"] for w in r["warnings"]]' >>"$work/perf.log"
result $status "what perf record by hand gives is reported" "$work/perf.log"
status=0
wait "$first" || status=1
"$colo_perf" report --json "$work/plain.data" >"$work/plain.json" 2>>"$work/beside.log" || status=1
"$colo_perf" report --json "$work/beside.data" >"$work/beside.json" 2>>"$work/beside.log" || status=1
python3 - "$work/plain.json" "$work/beside.json" >>"$work/beside.log" 2>&1 <<'END' || status=1
import json, statistics, sys
sides = []
for path in sys.argv[1:]:
    report = json.load(open(path))
    assert report["warnings"] == [], report["warnings"]
    sides.append({s["role"]: {c["seq"]: c for c in s["checkpoints"] if c["state"] == "complete"}
                  for s in report["sessions"]})

def duration_ns(checkpoint):
    window = checkpoint["phases"]["checkpoint"]
    return window["end_ns"] - window["begin_ns"]

for role in ("primary", "secondary"):
    plain, ours = (one[role] for one in sides)
    both = sorted(set(plain) & set(ours))
    # All that lies between the first and the last that both saw.
    assert len(both) >= 5 and both == list(range(both[0], both[-1] + 1)), both
    # The kernel looks at the clock for each of both perfs.
    apart = [abs(duration_ns(plain[seq]) - duration_ns(ours[seq])) for seq in both]
    print(role, len(both), "checkpoints, durations apart by", statistics.median(apart), max(apart))
    assert statistics.median(apart) < 20000
END
result $status "record and plain perf at the same time have the same checkpoints" "$work/beside.log"
status=0
perf record -F 99 "${select[@]}" -p "$primary,$secondary" -o "$work/sampled.data" -- sleep 5 >>"$work/perf.log" 2>&1 || status=1
"$colo_perf" report "$work/sampled.data" >"$work/sampled.txt" 2>>"$work/perf.log" || status=1
head -n 1 "$work/sampled.txt" | grep -q '^warning: .* probes were sampled, not counted' || status=1
result $status "a global -F is reported with exit status 0 and the warning first" "$work/perf.log"
perf probe -q "${events[@]/#/-dsdt_qemu:}" >>"$work/perf.log" 2>&1

# Without --keep-survivor a pair ends with the first of its sides; check-failover.py has the others.
kill -KILL "$primary"
status=0
wait "$pair_pid" || status=$?
pair_pid=
grep -q "of the primary (pid $primary) was killed by SIGKILL" "$work/pair.log" || status=0
result $((status != 1)) "start-pair.sh says in one line who was killed and ends with status 1" "$work/pair.log"

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
