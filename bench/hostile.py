#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Times colo-perf on recordings that somebody may make up, and prints a table for docs/benchmarks.md: of each the
# worse of two commands, in seconds of CPU and in peak memory. With --before another build is measured as well; what takes
# longer than --limit, or more than --most-mib, is stopped. Speed is measured here and tested nowhere.
#
#   make bench-tools
#   bench/hostile.py [--colo-perf build/colo-perf] [--before OTHER] [NAME...]

import argparse
import glob
import os
import resource
import signal
import subprocess
import tempfile
import time

MIB = 1024 * 1024
COMMANDS = (
    ("report", "--json"),
    ("flamegraph", "--phase", "all", "--threads"),
)
# Functions of as many modules as the recording has, so that looking them up is not over at once.
N_MODULES = 40000


def is_program(path):
    return "." not in os.path.basename(path) and os.access(path, os.X_OK)


def parse_arguments():
    parser = argparse.ArgumentParser(description="the time that hostile recordings take")
    parser.add_argument("--colo-perf", default="build/colo-perf")
    parser.add_argument("--before", help="another build, to compare with")
    parser.add_argument("--makers", nargs="*", help="programs that write recordings into a directory",
                        default=sorted(filter(is_program, glob.glob("build/bench/make_hostile*"))))
    parser.add_argument("--limit", type=float, default=60, help="seconds")
    parser.add_argument("--most-mib", type=int, default=4096, help="memory")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these recordings")
    return parser.parse_args()


def write_kallsyms(path):
    with open(path, "w", encoding="ascii") as kallsyms:
        kallsyms.write("ffffffff81000000 T _text\n")
        for i in range(N_MODULES):
            kallsyms.write(f"{0xffffffff81000000 + 16 * i:x} T function_{i}\n")
        for i in range(N_MODULES):
            kallsyms.write(f"{0xffffffffc0000000 + 16 * i:x} t in_module\t[module_{i}]\n")


def run(command, limit, most_mib):
    """Seconds of CPU and peak memory in MiB of a run; of one that was stopped the limit that it reached."""
    def bound_memory():
        resource.setrlimit(resource.RLIMIT_AS, (most_mib * MIB, most_mib * MIB))

    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=bound_memory)
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() - begin > limit:
            child.kill()
            _, _, usage = os.wait4(child.pid, 0)
            return limit, usage.ru_maxrss / 1024
        time.sleep(0.002)
    seconds = usage.ru_utime + usage.ru_stime
    code = os.waitstatus_to_exitcode(status)
    # GLib ends a program that gets no memory.
    if -code in (signal.SIGABRT, signal.SIGTRAP):
        return seconds, most_mib
    if code not in (0, 3):
        raise SystemExit(f"{' '.join(command)}: exit status {code}")
    return seconds, usage.ru_maxrss / 1024


def cell(value, limit, digits):
    return f"over {limit:.0f}" if value >= limit else f"{value:.{digits}f}"


def measure(build, options, recording, arguments):
    runs = [run([build, *words, *options, recording], arguments.limit, arguments.most_mib) for words in COMMANDS]
    seconds, mib = map(max, zip(*runs))
    return [cell(seconds, arguments.limit, 2), cell(mib, arguments.most_mib, 0)]


def main():
    arguments = parse_arguments()
    builds = [build for build in (arguments.before, arguments.colo_perf) if build]
    labels = ["before ", "after "] if arguments.before else [""]

    with tempfile.TemporaryDirectory() as directory:
        kallsyms = os.path.join(directory, "kallsyms")
        write_kallsyms(kallsyms)
        for maker in arguments.makers:
            subprocess.run([maker, directory], check=True)
        titles = [f"{label}{unit}" for label in labels for unit in ("s", "MiB")]
        print(f"| recording | its MiB | {' | '.join(titles)} |")
        print("| --- |" + " --- |" * (len(titles) + 1))
        for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
            name, extension = os.path.splitext(entry.name)
            if extension != ".data" or (arguments.names and name not in arguments.names):
                continue
            # Files of its own stand for those of the machine that recorded; elf-*.data lead to an ELF file.
            symfs = os.path.join(directory, "symfs", name)
            options = ["--kallsyms", kallsyms]
            if name.startswith("elf-"):
                options += ["--symfs", directory, "--inline"]
            elif os.path.isdir(symfs):
                options += ["--symfs", symfs]
            cells = []
            for build in builds:
                cells += measure(build, options, entry.path, arguments)
            print(f"| {name} | {entry.stat().st_size / MIB:.1f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
