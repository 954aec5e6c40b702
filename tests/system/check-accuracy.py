#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds colo-perf against the recorder inside QEMU: both measure the same checkpoints.

It runs a pair of a QEMU that has both patches, records it from before COLO begins, and asks
`info-checkpoint` on both sides; then once more after `reset-checkpoint`. Each field must be what
`colo-perf report --info-checkpoint` says of the same checkpoints. It needs root and prints TAP.
--table prints the comparison for docs/benchmarks.md as well, in lines that begin with "|".

usage: check-accuracy.py [--colo-perf PROGRAM] [--checkpoints N] [--table] QEMU
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import typing

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from colo_pair import SIDES, Pair, PairError, recording  # pylint: disable=wrong-import-position
from tap import check, finish  # pylint: disable=wrong-import-position

# The goal: a time is right within a thousandth, or within this for each checkpoint.
SHARE = 0.001
SLACK_NS = 20_000
TIMES = ("tot_time", "avg_time", "init_time", "wait_time", "stat_time", "dev_time", "ram_time",
         "vmstate_time")
EXACT = ("tot_num", "ram_size", "dev_size")
# Both read total-time after a checkpoint, microseconds apart: a millisecond may begin between.
CLOCK_MS = 1
# Between two checkpoints the recorders are asked; a checkpoint is over when nothing has happened
# for so long.
INTERVAL_MS, LONG_MS = 500, 60_000
QUIET_S = 1.5

class Answer(typing.NamedTuple):
    """What the recorders said of the checkpoints first_seq to last_seq."""
    first_seq: int
    last_seq: int
    sides: typing.Dict[str, dict]


def keep_others_away(pair):
    """Real-time priority for both main threads, which those of COLO inherit.

    The recorder reads its clock right behind the probe. A thread that is
    preempted between the two gives that time to a phase in one measure only.
    """
    for side in SIDES:
        try:
            os.sched_setscheduler(pair.pid(side), os.SCHED_FIFO, os.sched_param(1))
        except OSError as error:
            print(f"# no real-time priority for the {side}: {error.strerror}", flush=True)


def set_interval(pair, milliseconds):
    """Asks for a checkpoint as well, at once."""
    pair.qmp("primary", "migrate-set-parameters", {"x-checkpoint-delay": milliseconds})


def between_checkpoints(pair, action):
    """The result of an action during which neither side is in a checkpoint."""
    set_interval(pair, LONG_MS)
    seen = -1
    while seen != (seen := len(pair.events())):
        time.sleep(QUIET_S)
    result = action()
    time.sleep(QUIET_S)
    if len(pair.events()) != seen or not all(pair.qmp(side, "query-status")["running"]
                                             for side in SIDES):
        raise PairError(f"a checkpoint began, although the next one was {LONG_MS} ms away")
    set_interval(pair, INTERVAL_MS)
    return result


def ask(pair):
    return {side: pair.qmp(side, "info-checkpoint") for side in SIDES}


def ask_and_reset(pair):
    said = ask(pair)
    for side in SIDES:
        pair.qmp(side, "reset-checkpoint")
    return said, ask(pair)


def drive(pair, checkpoints):
    """Two answers: of the first checkpoints, and of those after a reset."""
    before = ask(pair)
    check("before COLO no checkpoint is counted, and no mean is given",
          all(said["tot_num"] == 0 and said.get("avg_time") is None for said in before.values()),
          f"{before}")
    keep_others_away(pair)
    pair.open_gate()
    pair.wait_for_pauses("primary", checkpoints)
    said, reset = between_checkpoints(pair, lambda: ask_and_reset(pair))
    yield Answer(1, said["primary"]["tot_num"], said)
    check("after reset-checkpoint the count is 0 and no mean is given",
          all(side["tot_num"] == 0 and side["tot_time"] == 0 and side.get("avg_time") is None
              for side in reset.values()), f"{[side['tot_num'] for side in reset.values()]}")
    first = said["primary"]["tot_num"] + 1
    pair.wait_for_pauses("primary", checkpoints)
    said = between_checkpoints(pair, lambda: ask(pair))
    yield Answer(first, first + said["primary"]["tot_num"] - 1, said)


def reported(program, file, answer):
    """The same checkpoints in the words of colo-perf."""
    lines = subprocess.run([program, "report", "--info-checkpoint", "--checkpoints",
                            f"{answer.first_seq}-{answer.last_seq}", file],
                           check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return {found["id"]: found["return"] for found in map(json.loads, lines.splitlines())}


def allowed_ns(field, value, number):
    """How far apart the two may be: totals are over all checkpoints, the rest is of one."""
    return max(SHARE * value, SLACK_NS * (number if field == "tot_time" else 1))


def check_times(label, theirs, ours, table):
    wrong = []
    for field in TIMES:
        allowed = allowed_ns(field, theirs[field], theirs["tot_num"])
        difference = ours[field] - theirs[field]
        if abs(difference) > allowed:
            wrong.append((field, theirs[field], ours[field]))
        table.append(f"| {label} | {field} | {theirs[field]:,} ns | {ours[field]:,} ns | "
                     f"{difference:+,} ns | {difference / theirs[field]:+.4%} | {allowed:,.0f} ns |")
    check(f"{label}: each of {len(TIMES)} times is within 0.1 % or 20 us a checkpoint", not wrong,
          f"{wrong}")


def check_exact(label, theirs, ours, table):
    for field in EXACT:
        table.append(f"| {label} | {field} | {theirs[field]:,} | {ours[field]:,} | "
                     f"{ours[field] - theirs[field]:+,} | | 0 |")
    wrong = [(field, theirs[field], ours[field]) for field in EXACT if theirs[field] != ours[field]]
    check(f"{label}: counts and sizes are equal", not wrong and theirs["tot_num"] > 0, f"{wrong}")


def flat(info):
    return {**{name: value for name, value in info.items() if name != "ram"},
            **{f"ram.{name}": value for name, value in info.get("ram", {}).items()}}


def check_info(label, theirs, ours, table):
    theirs, ours = flat(theirs["info"]), flat(ours["info"])
    late = theirs.pop("total-time", 0) - ours.pop("total-time", 0)
    wrong = []
    for name in sorted(set(theirs) | set(ours)):
        mine, other = ours.get(name), theirs.get(name)
        # Probes carry integers: mbps comes as bits a second.
        same = abs(mine - other) < 1e-6 if isinstance(other, float) else mine == other
        if not same:
            wrong.append((name, other, mine))
    table.append(f"| {label} | info | {len(theirs)} members | {len(ours)} members | "
                 f"{len(wrong)} differ | | 0 |")
    check(f"{label}: info has the same {len(theirs)} members with the same values",
          not wrong and "status" in theirs, f"{wrong}")
    check(f"{label}: info's clock is that of the last checkpoint", 0 <= late <= CLOCK_MS,
          f"{late} ms apart")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--colo-perf", default="build/colo-perf")
    parser.add_argument("--checkpoints", type=int, default=20)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("qemu", type=pathlib.Path)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="colo-accuracy.") as work:
        file = f"{work}/perf.data"
        with Pair(arguments.qemu, work, "--accel", "tcg", "--interval", INTERVAL_MS,
                  gate=True) as pair:
            with recording(pair, file):
                answers = list(drive(pair, arguments.checkpoints))
        table = []
        for part, answer in zip(("", " after a reset"), answers):
            ours = reported(arguments.colo_perf, file, answer)
            for side in SIDES:
                label, theirs = f"{side}{part}", answer.sides[side]
                check_exact(label, theirs, ours[side], table)
                check_times(label, theirs, ours[side], table)
                check_info(label, theirs, ours[side], table)
    status = finish()
    if arguments.table:
        print("\n| side | field | recorder in QEMU | colo-perf | difference | in % | allowed |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        print("\n".join(table))
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PairError as problem:
        sys.exit(f"check-accuracy.py: {problem}")
