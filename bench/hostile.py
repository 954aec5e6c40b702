#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Times colo-perf on the recordings of bench/make_hostile.c, each made up of far too much of
# one thing, and prints a table for docs/benchmarks.md. With --before another build is timed as
# well; what takes longer than --limit is stopped. Speed is measured here and tested nowhere.
#
#   make build/bench/make_hostile
#   bench/hostile.py [--colo-perf build/colo-perf] [--before OTHER] [NAME...]

import argparse
import os
import subprocess
import tempfile
import time

MIB = 1024 * 1024
COMMANDS = (
    ("report --json", ("report", "--json")),
    ("flamegraph", ("flamegraph", "--phase", "all", "--threads")),
)
# Functions of as many modules as the recording has, so that looking them up is not over at once.
N_MODULES = 40000


def parse_arguments():
    parser = argparse.ArgumentParser(description="the time that hostile recordings take")
    parser.add_argument("--colo-perf", default="build/colo-perf")
    parser.add_argument("--before", help="another build, to compare with")
    parser.add_argument("--make-hostile", default="build/bench/make_hostile")
    parser.add_argument("--limit", type=float, default=60, help="seconds")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these recordings")
    return parser.parse_args()


def write_kallsyms(path):
    with open(path, "w", encoding="ascii") as kallsyms:
        kallsyms.write("ffffffff81000000 T _text\n")
        for i in range(N_MODULES):
            kallsyms.write(f"{0xffffffff81000000 + 16 * i:x} T function_{i}\n")
        for i in range(N_MODULES):
            kallsyms.write(f"{0xffffffffc0000000 + 16 * i:x} t in_module\t[module_{i}]\n")


def run(command, limit):
    """What the table says of a run, as text: seconds, and the peak memory in MiB."""
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        seconds = time.monotonic() - begin
        if pid:
            break
        if seconds > limit:
            child.kill()
            _, _, usage = os.wait4(child.pid, 0)
            return f"over {limit:.0f}", f"{usage.ru_maxrss / 1024:.0f}"
        time.sleep(0.002)
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        raise SystemExit(f"{' '.join(command)}: exit status {os.waitstatus_to_exitcode(status)}")
    return f"{seconds:.2f}", f"{usage.ru_maxrss / 1024:.0f}"


def main():
    arguments = parse_arguments()
    builds = [build for build in (arguments.before, arguments.colo_perf) if build]
    labels = ["before ", "after "] if arguments.before else [""]

    with tempfile.TemporaryDirectory() as directory:
        kallsyms = os.path.join(directory, "kallsyms")
        write_kallsyms(kallsyms)
        subprocess.run([arguments.make_hostile, directory], check=True)
        titles = [f"`{title}` {label}{unit}" for title, _ in COMMANDS for label in labels for unit in ("s", "MiB")]
        print(f"| recording | MiB | {' | '.join(titles)} |")
        print("| --- |" + " --- |" * (len(titles) + 1))
        for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
            name, extension = os.path.splitext(entry.name)
            if extension != ".data" or (arguments.names and name not in arguments.names):
                continue
            # The ELF file that the samples lead to.
            elf = ["--symfs", directory, "--inline"] if name.startswith("elf-") else []
            cells = []
            for _, words in COMMANDS:
                for build in builds:
                    cells += run([build, *words, "--kallsyms", kallsyms, *elf, entry.path], arguments.limit)
            print(f"| {name} | {entry.stat().st_size / MIB:.1f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
