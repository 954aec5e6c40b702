#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Memory is bounded by the size of a recording, and by what is new in it, when it is compressed: the same record
# millions of times, and records that differ in one number. The checkpoint in front of them is reported as if it
# stood alone, and what was left out is said. Prints TAP.
#
#   tests/memory/check-hostile.py COLO_PERF MAKE_HOSTILE_PACKED

import json
import pathlib
import resource
import subprocess
import sys
import tempfile

MIB = 1024 * 1024
MOST_BYTES = 512 * MIB  # of address space, which is more than what is used of it

# The recordings of bench/make_hostile_packed.c, and the warnings that must be among those given.
CASES = {
    "packed-comm": ["damaged"],
    "packed-comms-at-once": ["damaged", "left_out"],
    "packed-fork": ["damaged"],
    "packed-mapping": ["damaged"],
    "packed-trigger": ["damaged", "left_out"],
    "packed-init": ["damaged", "left_out"],
    "packed-inits": ["left_out"],
    "packed-checkpoint": ["damaged", "left_out"],
    "packed-checkpoints": ["left_out"],
    "packed-forks": [],
    "packed-threads": [],
}
# Hits behind the checkpoint change what it is.
OTHER_CHECKPOINTS = {"packed-init", "packed-inits", "packed-checkpoint", "packed-checkpoints"}
SIZE_MOST_MIB = 10


# Without samples there is no graph; the report is the last.
COMMANDS = ((("flamegraph", "--phase", "all", "--threads"), (0, 3)), (("report", "--json"), (0,)))


def last_line(text):
    return (text.decode(errors="replace").split("\n\n")[-1].splitlines() or [""])[-1]


def bound_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


def check(program, recording, name, codes):
    """What is wrong with the report, or None."""
    size_mib = recording.stat().st_size / MIB
    for words, statuses in COMMANDS:
        run = subprocess.run([program, *words, recording], preexec_fn=bound_memory, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, check=False)
        if run.returncode not in statuses:
            return f"{words[0]}: status {run.returncode} with {MOST_BYTES / MIB:.0f} MiB: {last_line(run.stderr)}"
    report = json.loads(run.stdout)
    found = {warning["code"] for warning in report["warnings"]}
    if size_mib > SIZE_MOST_MIB:
        return f"it has {size_mib:.0f} MiB"
    if not found.issuperset(codes):
        return f"warnings: {sorted(found)}, expected {codes}"
    if name not in OTHER_CHECKPOINTS:
        checkpoints = report["sessions"][0]["checkpoints"]
        if [(c["seq"], c["state"]) for c in checkpoints] != [(1, "complete")]:
            return f"its checkpoints: {[(c['seq'], c['state']) for c in checkpoints[:5]]}"
    return None


def main():
    program, make = sys.argv[1:]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="colo-perf-hostile-") as directory:
        subprocess.run([make, directory, *CASES], check=True)
        for number, (name, codes) in enumerate(CASES.items(), start=1):
            wrong = check(program, pathlib.Path(directory, f"{name}.data"), name, codes)
            failed += wrong is not None
            print(f"{'not ok' if wrong else 'ok'} {number} - {name}: {wrong or 'bounded, and said'}", flush=True)
    print(f"1..{len(CASES)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
