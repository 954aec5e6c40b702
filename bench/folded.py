#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Times the way from a recording to folded stacks: colo-perf, perf script, and
# perf script piped into FlameGraph's stackcollapse-perf.pl, one after the other in each
# round, so that a change of the machine's speed meets all of them. Prints a
# table for docs/benchmarks.md. Speed is measured here and tested nowhere.
#
#   bench/folded.py --colo-perf build/colo-perf [--stackcollapse FILE] [--rounds N] RECORDING

import argparse
import os
import shlex
import statistics

from measure import MIB, machine, run


def parse_arguments():
    parser = argparse.ArgumentParser(description="from a recording to folded stacks")
    parser.add_argument("--colo-perf", default="build/colo-perf")
    parser.add_argument("--stackcollapse", help="FlameGraph's stackcollapse-perf.pl")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("recording")
    return parser.parse_args()


def commands(arguments):
    recording = shlex.quote(arguments.recording)
    program = shlex.quote(arguments.colo_perf)
    yield "`colo-perf flamegraph --folded`", f"{program} flamegraph --folded {recording}"
    yield "the same, all phases and threads", f"{program} flamegraph --folded --phase all --threads {recording}"
    yield "`colo-perf report`", f"{program} report {recording}"
    yield "`perf script`", f"perf script -i {recording}"
    if arguments.stackcollapse:
        yield ("`perf script \\| stackcollapse-perf.pl`",
               f"perf script -i {recording} | perl {shlex.quote(arguments.stackcollapse)}")


def main():
    arguments = parse_arguments()
    size = os.path.getsize(arguments.recording)
    todo = list(commands(arguments))
    with open(arguments.recording, "rb") as recording:
        while recording.read(MIB):
            pass
    rounds = [[run(command) for _, command in todo] for _ in range(arguments.rounds)]

    print(f"{os.path.basename(arguments.recording)}: {size / MIB:.0f} MiB, warm; "
          f"{machine('perf', arguments.colo_perf)}; {arguments.rounds} rounds, interleaved\n")
    print("| command | median s | min to max s | MiB/s | peak MiB | times colo-perf's |")
    print("| --- | --- | --- | --- | --- | --- |")
    base = statistics.median(one[0][0] for one in rounds)
    for i, (name, _) in enumerate(todo):
        seconds = [one[i][0] for one in rounds]
        memory = max(one[i][1] for one in rounds)
        median = statistics.median(seconds)
        print(f"| {name} | {median:.2f} | {min(seconds):.2f} to {max(seconds):.2f} | {size / MIB / median:.0f} | "
              f"{memory / MIB:.0f} | {median / base:.1f} |")


if __name__ == "__main__":
    main()
