#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the probes cost: the pauses of a COLO guest and the work that it gets done, with QEMU as Debian has it, with probes
# that nobody records, with probes that are recorded, with samples as well, and with the recorder inside QEMU. Nothing that
# is measured comes from a probe: a pause is from QMP's STOP to its RESUME, work is what the guest counts itself.
# Prints tables for docs/benchmarks.md. Speed is measured here and tested nowhere.
#
#   bench/overhead.py [--rounds N] [--checkpoints N] [--dirty-rate MIB] [--no-work]
#
# What recording adds to a checkpoint is the same number of hits, however much RAM it moves: a guest that does nothing
# (--dirty-rate 0 --no-work) shows it with the least noise.
#
# In each round every QEMU is started anew, in an order that moves on from round to round. Within a pair of the probes, blocks
# of a few checkpoints with and without a recording alternate, so that a change of the machine's speed meets all of them.

import argparse
import collections
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from measure import machine

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))
from colo_pair import Pair, PairError, build_qemu, recording  # pylint: disable=wrong-import-position

BLOCKS = 5
# After a start, of the pair or of a recording, the first checkpoints are not like the others.
SETTLE = 3
WORK_REPORT_MS = 20
NETWORK = "COLO_OVERHEAD_NETWORK"  # In the environment: "own" in the namespace

# `record` holds the frequency and what else `colo-perf record` is given; None: nobody records.
Condition = collections.namedtuple("Condition", "name text variant record base")
CONDITIONS = (
    Condition("plain", "QEMU without patches", "plain", None, None),
    Condition("idle", "probes, nobody records", "probes", None, "plain"),
    Condition("recorded", "`record --all-cpus`, probes", "probes", (0, "--all-cpus"), "idle"),
    Condition("processes", "`record`, probes", "probes", (0,), "idle"),
    Condition("sampled", "`record --all-cpus`, probes, 997 samples/s", "probes", (997, "--all-cpus"), "idle"),
    Condition("both", "`record`, probes, 997 samples/s", "probes", (997,), "idle"),
    Condition("recorder", "recorder inside QEMU", "recorder", None, "plain"),
)
VARIANTS = ("plain", "probes", "recorder")

# Student's t for a two-sided interval of 95 %, by degrees of freedom; beyond the last one that of the normal distribution.
T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
        2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)
NORMAL_95 = 1.960


class SerialLog(threading.Thread):
    """The guest's count of its work, each line with the time at which it came."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.lines = []
        self.ended = threading.Event()

    def run(self):
        with open(self.path, encoding="utf-8", errors="replace") as file:
            rest = ""
            while not self.ended.wait(0.002):
                rest += file.read()
                *whole, rest = rest.split("\n")
                now_us = time.time_ns() // 1000
                self.lines += [(now_us, int(line.split()[1])) for line in whole if line.startswith("work ")]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def at(self, time_us):
        """The work done at a time: that of the last line before it."""
        return next((work for stamp, work in reversed(self.lines) if stamp <= time_us), None)


def measure(pair, serial, checkpoints):
    """A block: its pauses in ms, and the work done per second from the first RESUME to the last, None if not counted."""
    # One more, as what is counted lies between two of them.
    pauses = pair.wait_for_pauses("primary", SETTLE + checkpoints + 1)[SETTLE:]
    first, last = pauses[0][1], pauses[-1][1]
    lengths = [(end - begin) / 1000 for begin, end in pauses[1:]]
    if not serial.lines:
        return lengths, None
    # The guest prints from time to time only; while it stands still nothing is done.
    return lengths, (serial.at(last) - serial.at(first)) / (last - first) * 1e6


def measure_variant(variant, qemu, number, arguments, blocks):
    """Adds the blocks of every condition that this QEMU can show."""
    conditions = [condition for condition in CONDITIONS if condition.variant == variant]
    checkpoints = -(-arguments.checkpoints // BLOCKS)
    with tempfile.TemporaryDirectory(prefix="colo-overhead.") as directory, \
            Pair(qemu, directory, "--accel", "tcg", "--interval", arguments.interval, "--dirty-rate", arguments.dirty_rate,
                 "--guest-args", f"colo.work_report_ms={0 if arguments.no_work else WORK_REPORT_MS}") as pair, \
            SerialLog(pathlib.Path(directory) / "primary.serial") as serial:
        # The first one finds cold caches and is thrown away.
        measure(pair, serial, 2 * SETTLE)
        for block in range(BLOCKS):
            turn = (number + block) % len(conditions)
            for condition in conditions[turn:] + conditions[:turn]:
                with contextlib.ExitStack() as stack:
                    if condition.record is not None:
                        stack.enter_context(recording(pair, f"{directory}/perf.data", *condition.record))
                    measured = measure(pair, serial, checkpoints)
                blocks[condition.name].append(measured)
                work = f"  {measured[1]:8.0f} units/s" if measured[1] else ""
                print(f"   {condition.name:10} {statistics.mean(measured[0]):8.3f} ms{work}", file=sys.stderr)


def interval(values):
    """The mean of the values and the half width of its 95 % confidence interval."""
    freedom = len(values) - 1
    t = T_95[freedom - 1] if freedom <= len(T_95) else NORMAL_95
    return statistics.mean(values), t * statistics.stdev(values) / len(values) ** 0.5


def differences(blocks, condition, figure):
    """What a condition adds to its base, one value for each pair of blocks that were measured together.

    Blocks of one QEMU were measured side by side; those of two QEMUs belong to
    the same round only, so there the rounds are compared.
    """
    ours, bases = ([figure(block) for block in blocks[name]] for name in (condition.name, condition.base))
    if next(base for base in CONDITIONS if base.name == condition.base).variant != condition.variant:
        ours, bases = ([statistics.mean(values[i:i + BLOCKS]) for i in range(0, len(values), BLOCKS)]
                       for values in (ours, bases))
    return [our - base for our, base in zip(ours, bases)]


def table(blocks):
    figures = [("pause, ms", lambda block: statistics.mean(block[0]))]
    if all(block[1] for measured in blocks.values() for block in measured):
        figures.append(("guest's work, units/s", lambda block: block[1]))
    for title, figure in figures:
        print(f"\n| {title} | blocks | mean | median | against | difference | in % |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for condition in CONDITIONS:
            values = [figure(block) for block in blocks[condition.name]]
            line = f"| {condition.text} | {len(values)} | {statistics.mean(values):.3f} | {statistics.median(values):.3f} |"
            if condition.base:
                mean, half = interval(differences(blocks, condition, figure))
                base = statistics.mean(figure(block) for block in blocks[condition.base])
                line += f" {condition.base} | {mean:+.3f} ± {half:.3f} | {mean / base:+.2%} ± {half / base:.2%} |"
            else:
                line += " | | |"
            print(line)


def parse_arguments():
    parser = argparse.ArgumentParser(description="what the probes cost")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--checkpoints", type=int, default=100, help="of each condition in each round")
    parser.add_argument("--interval", type=int, default=100, help="milliseconds between checkpoints")
    parser.add_argument("--dirty-rate", type=int, default=200, help="MiB that the guest dirties each second")
    parser.add_argument("--no-work", action="store_true", help="the guest sleeps instead of computing")
    parser.add_argument("--save", metavar="FILE", help="keep every pause, as JSON")
    arguments = parser.parse_args()
    if arguments.rounds < 2 or arguments.checkpoints < BLOCKS:
        parser.error(f"at least 2 rounds of {BLOCKS} checkpoints are needed")
    return arguments


def enter_own_network():
    """Starts anew in a network namespace of its own, where TCP acknowledges at once: its delays are the largest noise."""
    os.environ[NETWORK] = "own"
    os.execvp("unshare", ["unshare", "--net", "sh", "-c",
                          "ip link set lo up && ip route change table local local 127.0.0.1 dev lo quickack 1 && "
                          "exec \"$@\"", "-", sys.executable, *sys.argv])


def main():
    arguments = parse_arguments()
    if os.geteuid() != 0:
        raise SystemExit("recording needs root, and so does this: run it as root")
    # Fetching what QEMU is built from needs the real network.
    if os.environ.get(NETWORK) != "own":
        for variant in VARIANTS:
            build_qemu(variant)
        subprocess.run([SCRIPTS / "make-guest.sh"], check=True, stdout=subprocess.DEVNULL)
        enter_own_network()
    qemus = {variant: build_qemu(variant) for variant in VARIANTS}
    blocks = collections.defaultdict(list)
    for number in range(arguments.rounds):
        turn = number % len(VARIANTS)
        for variant in VARIANTS[turn:] + VARIANTS[:turn]:
            print(f"== round {number + 1} of {arguments.rounds}: {variant}", file=sys.stderr)
            measure_variant(variant, qemus[variant], number, arguments, blocks)
    if arguments.save:
        pathlib.Path(arguments.save).write_text(json.dumps(blocks), encoding="utf-8")
    print(f"{machine('perf')}; TCG; the guest dirties {arguments.dirty_rate} MiB/s, a checkpoint each {arguments.interval} ms; "
          f"{arguments.rounds} rounds of {arguments.checkpoints} checkpoints, interleaved; intervals of 95 %")
    table(blocks)


if __name__ == "__main__":
    try:
        main()
    except PairError as problem:
        raise SystemExit(f"overhead.py: {problem}") from problem
