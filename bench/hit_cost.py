#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a recording adds to a hit of a probe and to a switch between two threads of the process that
is recorded: a small program with QEMU's probes, with and without `colo-perf record` and `colo-perf live`.

Each round runs every way once. It needs root, gcc and sys/sdt.h, and prints a table for
docs/benchmarks.md.

usage: hit_cost.py [--colo-perf PROGRAM] [--rounds N]
"""

import argparse
import contextlib
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "system"
sys.path.insert(0, str(TESTS))
from measure import machine  # pylint: disable=wrong-import-position
from workload_record import CC, PROBES, extract_header, run  # pylint: disable=wrong-import-position

WAYS = (
    ("nobody looks", None),
    ("`live`", ("live",)),
    ("`record --all-cpus -F 0`", ("record", "--all-cpus", "-F", "0")),
    ("`record -F 0`", ("record", "-F", "0")),
    ("`record --all-cpus`", ("record", "--all-cpus")),
    ("`record`", ("record",)),
)
TIMEOUT_S = 30


def build(work):
    extract_header(work)
    program = work / "hit-cost"
    run(*CC, *PROBES, f"-I{work}", f"-I{TESTS}", ROOT / "bench" / "hit-cost.c", TESTS / "workload-probes.c", "-o", program)
    return program


@contextlib.contextmanager
def watching(colo_perf, way, pid, work):
    """colo-perf, which has begun to watch the process; it ends with it."""
    options = ["-m", "16M", "-o", work / "perf.data"] if way[0] == "record" else []
    log = work / "log"
    with open(log, "wb") as output, \
            subprocess.Popen([colo_perf, *way, *options, "-p", str(pid)], stdout=output, stderr=output) as child:
        deadline = time.monotonic() + TIMEOUT_S
        while not any(word in log.read_text(encoding="utf-8") for word in ("state=recording", "watching")):
            if child.poll() is not None or time.monotonic() > deadline:
                child.kill()
                raise SystemExit(f"hit_cost.py: {way[0]} did not begin: {log.read_text(encoding='utf-8').strip()}")
            time.sleep(0.01)
        yield
    said = log.read_text(encoding="utf-8")
    # What was lost would have cost more.
    if child.returncode or not ("nothing lost" in said or '"lost_probe_hits":0' in said):
        raise SystemExit(f"hit_cost.py: {way[0]} ended with status {child.returncode}: {said.strip()[-300:]}")


def measure(program, colo_perf, way, work):
    """(ns of a checkpoint, ns of a round trip)"""
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        with watching(colo_perf, way, child.pid, work) if way else contextlib.nullcontext():
            values = dict(line.split("=") for line in child.communicate("go\n")[0].splitlines())
    return int(values["checkpoint_ns"]), int(values["round_trip_ns"])


def hits_of_checkpoint(colo_perf, work):
    """How many there are in each, by the last recording."""
    report = json.loads(run(colo_perf, "report", "--json", work / "perf.data"))
    return round(report["recordings"][0]["probe_hits"] / report["sessions"][0]["states"]["complete"])


def main():
    parser = argparse.ArgumentParser(description="what a recording costs a hit and a switch")
    parser.add_argument("--colo-perf", type=pathlib.Path, default=ROOT / "build" / "colo-perf")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hit-cost.") as directory:
        work = pathlib.Path(directory)
        program = build(work)
        rounds = [[measure(program, arguments.colo_perf, way, work) for _, way in WAYS] for _ in range(arguments.rounds)]
        hits = hits_of_checkpoint(arguments.colo_perf, work)
    print(f"{machine('perf')}; {arguments.rounds} rounds, interleaved, medians; {hits} hits a checkpoint\n")
    print("| | a hit, ns | a round trip of two threads, us | min to max |")
    print("| --- | --- | --- | --- |")
    base = statistics.median(one[0][0] for one in rounds)
    for i, (name, _) in enumerate(WAYS):
        hit = (statistics.median(one[i][0] for one in rounds) - base) / hits
        trips = [one[i][1] / 1000 for one in rounds]
        print(f"| {name} | {hit:.0f} | {statistics.median(trips):.1f} | {min(trips):.1f} to {max(trips):.1f} |")


if __name__ == "__main__":
    main()
