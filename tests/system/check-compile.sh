#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest that compiles, as --profile compile runs it: the compile goes on in COLO, and both sides report the same checkpoints.
# Then what --profile refuses, before anything is built or fetched. Prints TAP.
#
#   tests/system/check-compile.sh QEMU COLO-PERF
set -euo pipefail

# shellcheck source=tap.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/tap.sh"
RUN=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../scripts" && pwd -P)/run.sh
qemu=$1
colo_perf=$2
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# Without samples: what is checked is the pair, and a stripped library would be a reason to warn.
status=0
QEMU=$qemu "$RUN" --profile compile --accel tcg --duration 15 --frequency 0 --output "$work/run" >"$work/run.log" 2>&1 || status=1
result $status "run.sh --profile compile" "$work/run.log"

status=0
"$colo_perf" report --json "$work/run/perf.data" >"$work/report.json" 2>"$work/report.log" || status=1
python3 - "$work/report.json" >>"$work/report.log" 2>&1 <<'END' || status=1
import json, sys
report = json.load(open(sys.argv[1]))
assert not report["warnings"], report["warnings"]
sides = {s["role"]: {c["seq"]: c for c in s["checkpoints"] if c["state"] == "complete"} for s in report["sessions"]}
assert set(sides) == {"primary", "secondary"}, set(sides)
common = set(sides["primary"]) & set(sides["secondary"])
print(*(f"{role}: {len(checkpoints)}" for role, checkpoints in sides.items()), "in common:", len(common))
assert len(common) >= 10
for amount in ["ram_bytes", "normal_pages", "zero_pages", "device_state_bytes", "vmstate_bytes"]:
    both = [(sides["primary"][seq][amount], sides["secondary"][seq][amount]) for seq in common]
    assert all(ours == theirs is not None for ours, theirs in both), (amount, both)
# A compiler at work dirties hundreds of pages between two checkpoints, an idle guest a few dozen.
pages = sum(sides["primary"][seq]["normal_pages"] for seq in common) / len(common)
print(f"{pages:.0f} pages a checkpoint")
assert pages > 100
END
result $status "complete checkpoints without a warning, the amounts of both sides equal" "$work/report.log"

# The first file is compiled before the pair gets into COLO; the pages above are of those after it.
status=0
serial=$work/run/pair/primary.serial
python3 - "$serial" >"$work/serial.log" 2>&1 <<'END' || status=1
import re, sys
text = open(sys.argv[1], encoding="utf-8", errors="replace").read()
print(text)
assert text.count("colo-perf guest ready: compiles Lua with 1 jobs") == 1
assert "failed" not in text
lines = [(int(n), float(s)) for n, s in re.findall(r"^compiled (\d+), at ([\d.]+) s: l\w+\.c\r?$", text, re.M)]
assert [n for n, _ in lines] == list(range(1, len(lines) + 1))
assert [s for _, s in lines] == sorted(s for _, s in lines)
assert len(lines) >= 2
END
result $status "the guest of the primary went on compiling: $(grep -c ^compiled "$serial" 2>/dev/null || true) files in all" "$work/serial.log"

# refuses STATUS MESSAGE ARGUMENT...: one line, and nothing left or begun.
refuses() {
    local expected=$1 message=$2 status=0
    shift 2
    "$@" --output "$work/refused" >"$work/refused.log" 2>&1 || status=$?
    status=$((status != expected))
    grep -qE -- "^run.sh: $message" "$work/refused.log" || status=1
    [[ $(wc -l <"$work/refused.log") == 1 && ! -e $work/refused ]] || status=1
    result $status "refused with status $expected: $(tail -n 1 "$work/refused.log")" "$work/refused.log"
}
refuses 2 "--profile must be default, compile or kernel-build, not 'make-coffee'" "$RUN" --profile make-coffee
refuses 2 "--workload compile needs --memory [0-9]+ or more" "$RUN" --memory 100 --profile compile
refuses 2 "--dirty-rate is for a guest that dirties memory" "$RUN" --profile compile --dirty-rate 10
refuses 1 "two guests of 1048576 MiB, .* need 3146240 MiB of memory" "$RUN" --profile kernel-build --memory 1048576

# As on a machine without KVM, with a /dev of its own that lacks it.
# shellcheck disable=SC2016 # expanded by the inner shell
refuses 1 "--profile kernel-build needs KVM" unshare --mount bash -c '
    mkdir "$0/dev"
    mount -t tmpfs dev "$0/dev"
    cp -a /dev/null /dev/zero /dev/random /dev/urandom /dev/tty /dev/fd /dev/stdin /dev/stdout /dev/stderr "$0/dev"
    mount --bind "$0/dev" /dev
    exec "$@"' "$work" "$RUN" --profile kernel-build --memory 2560

tap_end
