#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Time and peak memory of colo-perf on recordings of several sizes, one after the other. They are
# made by build/bench/make_recording (make bench-tools) in a directory of the user's, and removed
# afterwards, also after Ctrl-C. Prints a table for docs/benchmarks.md.
#
#   bench/memory.py [--directory DIR] [--sizes 64M,1G,4G] [--make-options="--compress"]

import argparse
import os
import shlex
import shutil
import signal
import sys
import tempfile

from measure import MIB, machine, run

COMMANDS = ["report", "report --json", "flamegraph --folded", "flamegraph --folded --phase all --threads"]
UNITS = {"K": 1024, "M": MIB, "G": 1024 * MIB}


def parse_arguments():
    parser = argparse.ArgumentParser(description="memory of colo-perf by the size of the recording")
    parser.add_argument("--colo-perf", default="build/colo-perf")
    parser.add_argument("--make-recording", default="build/bench/make_recording")
    parser.add_argument("--make-options", default="", help="more options of make_recording")
    parser.add_argument("--directory", help="where there is room for the largest of them (default: that for temporary "
                        "files)")
    parser.add_argument("--sizes", default="64M,1G,4G", help="one after the other (default 64M,1G,4G)")
    parser.add_argument("--limit", type=int, default=128, help="MiB; more is a failure (default 128)")
    return parser.parse_args()


def size_in_bytes(size):
    return int(size[:-1]) * UNITS[size[-1]] if size[-1] in UNITS else int(size)


def check_room(directory, sizes):
    needed = max(map(size_in_bytes, sizes)) + 64 * MIB
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise SystemExit(f"{directory}: {needed / MIB:.0f} MiB are needed, {free / MIB:.0f} MiB are free; give another "
                         "--directory")


def measure(arguments, directory, size):
    """A row of the table for each command; the largest peak in bytes."""
    program, make = shlex.quote(arguments.colo_perf), shlex.quote(arguments.make_recording)
    recording, symfs = f"{directory}/perf.data", f"{directory}/symfs"
    run(f"{make} --size {size} --symfs {shlex.quote(symfs)} {arguments.make_options} {shlex.quote(recording)}")
    size_bytes = os.path.getsize(recording)
    peaks = []
    for command in COMMANDS:
        seconds, peak = run(f"{program} {command} --symfs {shlex.quote(symfs)} --kallsyms {shlex.quote(symfs)}/kallsyms "
                            f"{shlex.quote(recording)}")
        print(f"| {size_bytes / MIB:.0f} MiB | `colo-perf {command}` | {seconds:.2f} | "
              f"{size_bytes / MIB / seconds:.0f} | {peak / MIB:.0f} |", flush=True)
        peaks.append(peak)
    os.remove(recording)
    return max(peaks)


def main():
    arguments = parse_arguments()
    sizes = arguments.sizes.split(",")
    # So that the recordings are removed then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    check_room(arguments.directory or tempfile.gettempdir(), sizes)
    print(f"{machine(arguments.colo_perf)}\n")
    print("| recording | command | s | MiB/s | peak MiB |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="colo-perf-", dir=arguments.directory) as directory:
        peak = max(measure(arguments, directory, size) for size in sizes)
    if peak > arguments.limit * MIB:
        raise SystemExit(f"the peak is {peak / MIB:.0f} MiB, more than {arguments.limit} MiB")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
