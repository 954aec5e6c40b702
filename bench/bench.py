#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures how fast colo-perf reads recordings, beside perf, FlameGraph's stackcollapse-perf.pl and what no reader can
# be faster than, and writes the section of docs/benchmarks.md between its two marks. `make bench` builds what it needs and
# runs it. Which goals are reached is said by goals.py. Speed is measured here and tested nowhere.
#
# Made-up recordings of three sizes: on the small one everything is measured, on the medium one what is done in bearable
# time, on the large one colo-perf alone. All commands run one after the other in each round, so that a change of the
# machine's speed meets all of them. Every file is read once before, so all come from the page cache.
#
#   make bench [STACKCOLLAPSE=FILE] [BENCH_FLAGS="--rounds 1 --sizes 16M,64M,256M --output -"]

import argparse
import collections
import os
import pathlib
import platform
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

from goals import goals
from measure import MIB, run, run_program, version

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/golden/pair.data.zst"
BEGIN_MARK = "<!-- make bench: begin -->\n"
END_MARK = "<!-- make bench: end -->\n"
UNITS = {"K": 1024, "M": MIB, "G": 1024 * MIB}
STARTS_A_ROUND = 40

# Of each: its name here and in goals.py, what the table calls it, and the command; {file} is the recording, {symbols} says
# where the names of its functions are.
COLO_PERF = {
    "report": ("`colo-perf report`", "{colo_perf} report {symbols} {file}"),
    "json": ("`colo-perf report --json`", "{colo_perf} report --json {symbols} {file}"),
    "ram": ("`colo-perf flamegraph --folded`", "{colo_perf} flamegraph --folded {symbols} {file}"),
    "all": ("`colo-perf flamegraph --folded --phase all --threads`",
            "{colo_perf} flamegraph --folded --phase all --threads {symbols} {file}"),
}
LIMITS = {
    "cat": ("`cat`, to /dev/null", "cat {file} >/dev/null"),
    "read": ("each word summed", "{limits} read {file}"),
}
PERF_FUNCTIONS = {
    "perf functions": ("`perf report --stdio --no-children -g none`",
                       "perf report --stdio --no-children -g none {symbols} -i {file}"),
}
PERF = {
    "perf report": ("`perf report --stdio`", "perf report --stdio {symbols} -i {file}"),
    "perf script": ("`perf script`", "perf script {symbols} -i {file}"),
}
COLLAPSE = {
    "collapse": ("`perf script \\| stackcollapse-perf.pl`",
                 "perf script {symbols} -i {file} | perl {stackcollapse}"),
}
UNPACK = {
    "unpack": ("zstd's decompression of its payload", "{limits} unpack {file}"),
}

# unpacked_bytes: what a compressed one has in it, else its size.
Recording = collections.namedtuple("Recording", "name path size_bytes unpacked_bytes symbols commands")


class Results:
    """Seconds and peak memory of each command on each recording, and what was counted in their outputs."""

    def __init__(self):
        self.recordings = {}
        self.runs = collections.defaultdict(list)
        self.starts_s = []
        self.n_checkpoints = {}  # by recording
        self.n_stacks = {}  # by recording and command

    def has(self, recording, command):
        return (recording, command) in self.runs

    def seconds(self, recording, command):
        return [seconds for seconds, _ in self.runs[recording, command]]

    def median_s(self, recording, command):
        return statistics.median(self.seconds(recording, command))

    def peak_bytes(self, recording, command):
        return max(peak for _, peak in self.runs[recording, command])

    def mib(self, recording):
        return self.recordings[recording].unpacked_bytes / MIB

    def mib_per_s(self, recording, command):
        return self.mib(recording) / self.median_s(recording, command)


def size_in_bytes(size):
    try:
        return int(size[:-1]) * UNITS[size[-1]] if size[-1:] in UNITS else int(size)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{size}: expected a size such as 64M") from None


def a_size(text):
    size_in_bytes(text)
    return text


def three_sizes(text):
    sizes = text.split(",")
    if len(sizes) != 3 or sorted(sizes, key=size_in_bytes) != sizes:
        raise argparse.ArgumentTypeError(f"{text}: expected three sizes, the smallest first")
    return sizes


def count(text):
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text}: expected a number above 0")
    return int(text)


def parse_arguments():
    parser = argparse.ArgumentParser(description="the speed of colo-perf", prog="bench.py")
    parser.add_argument("--build", default="build", help="where colo-perf and the tools are (default build)")
    parser.add_argument("--compiler", default="gcc", help="that built it, to name its version")
    parser.add_argument("--stackcollapse", help="FlameGraph's stackcollapse-perf.pl")
    parser.add_argument("--rounds", type=count, default=5)
    parser.add_argument("--sizes", type=three_sizes, default="64M,1G,4G", help="(default 64M,1G,4G)")
    parser.add_argument("--compressed", type=a_size, default="128M", help="size of the compressed recording (default 128M)")
    parser.add_argument("--recording", help="one of yours, to be measured as well")
    parser.add_argument("--directory", help="where the recordings are made, and removed (default: BUILD/bench)")
    parser.add_argument("--output", default=str(ROOT / "docs/benchmarks.md"),
                        help="the file with the two marks; - prints (default docs/benchmarks.md)")
    arguments = parser.parse_args()
    arguments.directory = arguments.directory or f"{arguments.build}/bench"
    return arguments


def check(arguments):
    """Everything that can be missing, before the work begins."""
    for program, package in (("perf", "linux-perf"), ("zstd", "zstd"), (arguments.compiler, arguments.compiler)):
        if not shutil.which(program):
            raise SystemExit(f"bench.py: {program} is missing; it is in Debian's package {package}")
    if not arguments.stackcollapse:
        print("bench.py: without STACKCOLLAPSE=FILE (FlameGraph's stackcollapse-perf.pl) nothing is compared with it",
              file=sys.stderr)
    for path in (arguments.stackcollapse, arguments.recording, arguments.directory):
        if path and not os.path.exists(path):
            raise SystemExit(f"bench.py: {path}: not there")
    # Up to a buffer of each CPU more than was asked for.
    needed = sum(map(size_in_bytes, [*arguments.sizes, arguments.compressed])) + 128 * MIB
    free = shutil.disk_usage(arguments.directory).free
    if free < needed:
        raise SystemExit(f"bench.py: {arguments.directory}: {needed / MIB:.0f} MiB are needed, {free / MIB:.0f} MiB are "
                         "free; give another --directory")
    if arguments.output != "-":
        split_at_marks(arguments.output)


def split_at_marks(path):
    """What stands before and behind the section in the file."""
    before, begin, rest = pathlib.Path(path).read_text(encoding="utf-8").partition(BEGIN_MARK)
    _, end, behind = rest.partition(END_MARK)
    if not begin or not end:
        raise SystemExit(f"bench.py: {path}: the lines {BEGIN_MARK.strip()} and {END_MARK.strip()} are missing")
    return before, behind


def count_unpacked(arguments, path):
    return int(subprocess.run([f"{arguments.build}/bench/limits", "unpack", path], check=True, text=True,
                              stdout=subprocess.PIPE).stdout)


def make_recordings(arguments, directory):
    make = shlex.quote(f"{arguments.build}/bench/make_recording")
    symfs = shlex.quote(f"{directory}/symfs")
    symbols = f"--symfs {symfs} --kallsyms {symfs}/kallsyms"
    collapse = COLLAPSE if arguments.stackcollapse else {}
    small, medium, large = arguments.sizes
    todo = (("small", small, "", {**COLO_PERF, **PERF_FUNCTIONS, **PERF, **collapse, **LIMITS}),
            ("medium", medium, "", {**COLO_PERF, **PERF_FUNCTIONS, **LIMITS}),
            ("large", large, "", {**COLO_PERF, **LIMITS}),
            ("compressed", arguments.compressed, "--compress", {**COLO_PERF, **UNPACK}))
    for name, size, options, commands in todo:
        path = f"{directory}/{name}.data"
        run(f"{make} --size {size} --symfs {symfs} {options} {shlex.quote(path)}")
        size_bytes = os.path.getsize(path)
        unpacked_bytes = count_unpacked(arguments, path) if "unpack" in commands else size_bytes
        yield Recording(name, path, size_bytes, unpacked_bytes, symbols, commands)
    if arguments.recording:
        size_bytes = os.path.getsize(arguments.recording)
        yield Recording("given", arguments.recording, size_bytes, size_bytes, "",
                        {**COLO_PERF, **PERF_FUNCTIONS, **PERF, **collapse, **LIMITS})


def command_line(arguments, recording, command):
    return command.format(colo_perf=shlex.quote(f"{arguments.build}/colo-perf"),
                          limits=shlex.quote(f"{arguments.build}/bench/limits"),
                          stackcollapse=shlex.quote(arguments.stackcollapse or ""),
                          symbols=recording.symbols, file=shlex.quote(recording.path))


def measure_round(arguments, results, start):
    for recording in results.recordings.values():
        run(f"cat {shlex.quote(recording.path)} >/dev/null")
        for name, (_, command) in recording.commands.items():
            results.runs[recording.name, name].append(run(command_line(arguments, recording, command)))
    results.starts_s += [run_program(start)[0] for _ in range(STARTS_A_ROUND)]


def count_lines(arguments, recording, command):
    line = command_line(arguments, recording, command)
    return int(subprocess.run(["bash", "-c", f"{line} | wc -l"], check=True, text=True,
                              stdout=subprocess.PIPE).stdout)


def count_contents(arguments, results):
    """What the memory that is allowed depends on."""
    for name in ("small", "medium", "large"):
        recording = results.recordings[name]
        # A line for each, and one of names.
        results.n_checkpoints[name] = count_lines(arguments, recording, "{colo_perf} report --csv {symbols} {file}") - 1
        for command in ("ram", "all"):
            results.n_stacks[name, command] = count_lines(arguments, recording, COLO_PERF[command][1])


def measure(arguments):
    results = Results()
    with tempfile.TemporaryDirectory(prefix="recordings-", dir=arguments.directory) as directory:
        golden = f"{directory}/golden.data"
        start = [f"{arguments.build}/colo-perf", "report", golden]
        run(f"zstd -qdo {shlex.quote(golden)} {shlex.quote(str(GOLDEN))}")
        print("bench.py: makes the recordings", file=sys.stderr)
        for recording in make_recordings(arguments, directory):
            results.recordings[recording.name] = recording
        count_contents(arguments, results)
        for number in range(arguments.rounds):
            print(f"bench.py: round {number + 1} of {arguments.rounds}", file=sys.stderr)
            measure_round(arguments, results, start)
    return results


def machine_lines(arguments):
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        models = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / UNITS["G"]
    zstd = version("zstd").partition("64-bit) ")[2].partition(",")[0]
    compiler = version(arguments.compiler).splitlines()[0]
    yield f"{os.cpu_count()} CPUs ({models[0] if models else platform.machine()}), {memory:.0f} GiB, " \
          f"Linux {platform.release()};"
    yield f"{version(f'{arguments.build}/colo-perf')}, {compiler}; {version('perf')}, zstd {zstd};"
    yield f"rounds: {arguments.rounds}, interleaved, from the page cache."


def table_lines(results):
    yield "| recording | command | median s | min to max s | MiB/s | peak MiB |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for recording in results.recordings.values():
        kind = {"compressed": f", compressed to {recording.size_bytes / MIB:.0f}",
                "given": f", {os.path.basename(recording.path)}"}.get(recording.name, "")
        for name, (text, _) in recording.commands.items():
            seconds = results.seconds(recording.name, name)
            yield (f"| {results.mib(recording.name):.0f} MiB{kind} | {text} | {statistics.median(seconds):.3f} | "
                   f"{min(seconds):.3f} to {max(seconds):.3f} | {results.mib_per_s(recording.name, name):.0f} | "
                   f"{results.peak_bytes(recording.name, name) / MIB:.0f} |")


def section(arguments, results):
    starts_ms = [1000 * start for start in results.starts_s]
    lines = [*machine_lines(arguments), "", *table_lines(results), "",
             f"`colo-perf report` of `{GOLDEN.relative_to(ROOT)}`, unpacked, from its start to its end: median "
             f"{statistics.median(starts_ms):.1f} ms, {min(starts_ms):.1f} to {max(starts_ms):.1f} ms "
             f"({len(starts_ms)} runs).", "",
             "| goal | reached | met |", "| --- | --- | --- |",
             *(f"| {goal.text} | {goal.reached} | {goal.verdict} |" for goal in goals(results))]
    return "\n".join(lines) + "\n"


def main():
    arguments = parse_arguments()
    # So that the recordings are removed then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    check(arguments)
    text = section(arguments, measure(arguments))
    print(text, end="")
    if arguments.output != "-":
        before, behind = split_at_marks(arguments.output)
        pathlib.Path(arguments.output).write_text(f"{before}{BEGIN_MARK}\n{text}\n{END_MARK}{behind}", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
