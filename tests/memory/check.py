#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Memory does not grow with the number of samples: two recordings of the same checkpoints, one with
# ten times the samples of the other, need about as much. Some more is due, as more samples
# see more distinct call chains. Prints TAP.
#
#   tests/memory/check.py COLO_PERF MAKE_RECORDING

import os
import pathlib
import shlex
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "bench"))

from measure import MIB, run  # noqa: E402

SECONDS = 15
FREQUENCIES_HZ = (997, 9970)
COMMANDS = ("report", "report --json", "flamegraph --folded")
MOST_BYTES = 8 * MIB
LEAST_GROWTH_BYTES = 10 * MOST_BYTES  # of the recording: else nothing is shown


def peak(program, command, directory, recording):
    symfs = f"{directory}/symfs"
    return run(f"{program} {command} --symfs {symfs} --kallsyms {symfs}/kallsyms {recording}")[1]


def main():
    program, make = map(shlex.quote, sys.argv[1:])
    failed = 0
    with tempfile.TemporaryDirectory(prefix="colo-perf-memory-") as directory:
        recordings = [f"{directory}/{hz}.data" for hz in FREQUENCIES_HZ]
        for hz, recording in zip(FREQUENCIES_HZ, recordings):
            run(f"{make} --size 1G --seconds {SECONDS} --frequency {hz} --symfs {directory}/symfs {recording}")
        small, large = map(os.path.getsize, recordings)
        for number, command in enumerate(COMMANDS, start=1):
            less, more = (peak(program, command, directory, recording) for recording in recordings)
            good = more - less < MOST_BYTES and large - small > LEAST_GROWTH_BYTES
            failed += not good
            print(f"{'ok' if good else 'not ok'} {number} - {command}: {less / MIB:.1f} MiB for {small / MIB:.0f} MiB, "
                  f"{more / MIB:.1f} MiB for {large / MIB:.0f} MiB")
    print(f"1..{len(COMMANDS)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
