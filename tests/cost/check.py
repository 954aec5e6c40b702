#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a sample and a hit of a probe cost, in instructions, which no other program on the machine changes: of two
# made-up recordings one has more samples, or more hits, and the difference of the instructions divided by that
# of the samples is what one costs. What is done once, as starting the program and reading symbols, drops out.
# Valgrind counts. Prints TAP.
#
#   tests/cost/check.py COLO_PERF MAKE_RECORDING
#
# FIGURES are what was counted, with Debian 12's gcc and -O2. When a change makes something cheaper, or is worth what it
# costs, write down what this prints.

import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FIGURES = {  # instructions for each sample and for each hit
    "report": (1520, 4080),
    "flamegraph --folded": (1130, 3430),
    "flamegraph --folded --phase all --threads": (3470, 6070),
}
MARGIN = 1.15  # of a figure: another compiler, another libc, hashes that differ from run to run

# The same time with few and with many samples; a short and a long time with hardly any.
SAMPLES = (["--seconds=10", "--frequency=997"], ["--seconds=10", "--frequency=3988"])
HITS = (["--seconds=50", "--frequency=2"], ["--seconds=200", "--frequency=2"])

Recording = collections.namedtuple("Recording", "path samples hits")


class Counter:
    def __init__(self, program, make, directory):
        self.program = program
        self.make = make
        self.directory = directory
        self.symbols = [f"--symfs={directory}/symfs", f"--kallsyms={directory}/symfs/kallsyms"]

    def recording(self, options):
        path = f"{self.directory}/{'-'.join(option.split('=')[1] for option in options)}.data"
        subprocess.run([self.make, "--size=1G", f"--symfs={self.directory}/symfs", *options, path], check=True)
        report = subprocess.run([self.program, "report", "--json", *self.symbols, path], check=True,
                                stdout=subprocess.PIPE)
        counts = json.loads(report.stdout)["recordings"][0]
        return Recording(path, counts["samples"] - counts["probe_hits"], counts["probe_hits"])

    def instructions(self, command, recording):
        counts = f"{self.directory}/counts"
        subprocess.run(["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={counts}", self.program,
                        *command.split(), *self.symbols, recording.path], check=True, stdout=subprocess.DEVNULL)
        return int(re.search(r"^totals: (\d+)$", pathlib.Path(counts).read_text(), re.MULTILINE)[1])

    def more(self, command, less, more):
        """What the larger recording has more: instructions, samples, hits."""
        return (self.instructions(command, more) - self.instructions(command, less),
                more.samples - less.samples, more.hits - less.hits)

    def costs(self, command, samples, hits):
        """Instructions for a sample and for a hit, from two pairs of recordings."""
        instructions, n_samples, n_hits = self.more(command, *samples)
        if n_hits:
            raise SystemExit("the recordings with few and with many samples must have the same hits")
        sample = instructions / n_samples
        instructions, n_samples, n_hits = self.more(command, *hits)
        return sample, (instructions - n_samples * sample) / n_hits


def count(program, make):
    with tempfile.TemporaryDirectory(prefix="colo-perf-cost-") as directory:
        counter = Counter(program, make, directory)
        samples, hits = ([counter.recording(options) for options in pair] for pair in (SAMPLES, HITS))
        return [counter.costs(command, samples, hits) for command in FIGURES]


def main():
    names = [f"{command}: a {what}" for command in FIGURES for what in ("sample", "hit")]
    figures = [figure for pair in FIGURES.values() for figure in pair]
    print(f"1..{len(names)}")
    if not shutil.which("valgrind"):
        for number, name in enumerate(names, start=1):
            print(f"ok {number} - {name} # SKIP valgrind is not installed")
        return 0
    failed = 0
    costs = [cost for pair in count(*sys.argv[1:]) for cost in pair]
    for number, (name, cost, figure) in enumerate(zip(names, costs, figures), start=1):
        good = 0 < cost <= figure * MARGIN
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {name}: {cost:.0f} instructions, written down are {figure}, "
              f"allowed {figure * MARGIN:.0f}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
