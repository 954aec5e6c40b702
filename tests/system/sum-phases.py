#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sums the phases of COLO's checkpoints from what `perf script` prints.

An independent check of colo-perf: perf decodes the recording, this script
pairs begin with end. It shares nothing with src/, and knows only the totals
of completed checkpoints, which must agree with colo-perf's to the nanosecond.
It is meant for recordings that lost nothing: it looks for no hit that is missing.

usage: perf script -F comm,pid,tid,time,event,trace --ns -i FILE | sum-phases.py

A line of it:  COLO incoming  812/815  71.012345678: sdt_qemu:colo_ram_begin: (5566) arg1=2 arg2=7
"""

import json
import re
import sys

# The name of the thread may hold anything: it ends where "pid/tid time:" begins.
LINE = re.compile(r"\s(-?\d+)/-?\d+\s+(\d+)\.(\d{9}):\s+sdt_qemu:(colo_\w+?)(?:_\d+)?:\s(.*)$")
ARGUMENT = re.compile(r"\barg(\d+)=(\S+)")


def read_hits(lines):
    """Yields (time in ns, pid, probe, [arguments]) in the order of the lines."""
    for line in lines:
        match = LINE.search(line)
        if not match:
            if "sdt_qemu:colo_" in line:
                sys.exit(f"sum-phases: cannot read this line: {line.rstrip()}")
            continue
        pid, seconds, nanoseconds, probe, rest = match.groups()
        # Base 0: perf prints decimal numbers for s32, s64, u64, and 0x... for x64.
        arguments = [int(value, 0) for _, value in ARGUMENT.findall(rest)]
        yield int(seconds) * 10**9 + int(nanoseconds), int(pid), probe, arguments


def new_side():
    return {"completed": 0, "aborted": 0, "checkpoint_ns": 0, "init_ns": None, "phases": {}}


def add_phase(side, phase, duration_ns):
    total = side["phases"].setdefault(phase, {"total_ns": 0, "count": 0})
    total["total_ns"] += duration_ns
    total["count"] += 1


def sum_phases(hits):
    """Returns {"pid/role": sums}. Equal times keep the order of perf script."""
    sides = {}
    begun = {}  # by pid/role: {(seq, phase): time of the begin}
    ended = {}  # by pid/role: {seq: [(phase, duration)]} of checkpoints that are not over yet
    for time_ns, pid, probe, arguments in hits:
        phase, _, edge = probe.removeprefix("colo_").rpartition("_")
        if edge not in ("begin", "end"):
            continue  # trigger, exit, counters
        name = f"{pid}/{arguments[0]}"
        side = sides.setdefault(name, new_side())
        if probe == "colo_init_begin" or name not in begun:
            begun[name], ended[name] = {}, {}  # a session begins, and seq at 1
        seq = 0 if phase == "init" else arguments[1]
        if edge == "begin":
            begun[name][seq, phase] = time_ns
            continue

        begin_ns = begun[name].pop((seq, phase), None)
        if phase == "checkpoint":
            parts = ended[name].pop(seq, [])
            if begin_ns is not None and arguments[2] == 0:
                side["completed"] += 1
                side["checkpoint_ns"] += time_ns - begin_ns
                for part, part_ns in parts:
                    add_phase(side, part, part_ns)
            elif begin_ns is not None:
                side["aborted"] += 1
        elif begin_ns is not None and phase == "init":
            side["init_ns"] = (side["init_ns"] or 0) + time_ns - begin_ns
        elif begin_ns is not None:
            ended[name].setdefault(seq, []).append((phase, time_ns - begin_ns))
    return sides


def main():
    json.dump(sum_phases(read_hits(sys.stdin)), sys.stdout, indent=2, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
