# SPDX-License-Identifier: GPL-2.0-or-later
#
# The goals of colo-perf's speed and memory, as a table of what is compared with what. A goal whose
# figures were not measured is neither met nor missed. bench.py measures and prints.

import collections
import statistics

from measure import MIB

# Memory beyond the fixed part: a checkpoint keeps its hits and durations, a stack its frames and counts.
FIXED_MIB = 64
CHECKPOINT_BYTES = 2 * 1024
STACK_BYTES = 1024
# Of the seconds a MiB takes on a larger recording to those on a smaller one: 1 is linear, less is start-up that the smaller one
# has to bear with fewer MiB.
MOST_GROWTH = 1.25
START_MS = 20

Goal = collections.namedtuple("Goal", "text reached verdict")

NAMES = {"report": "`report`", "ram": "folded stacks of `ram`", "all": "folded stacks of all phases, by thread"}


def at_least(text, reached, least, unit):
    return Goal(text, f"{reached:.{0 if reached >= 100 else 2}f}{unit}", "yes" if reached >= least else "no")


def at_most(text, reached, most, unit, digits=1):
    return Goal(text, f"{reached:.{digits}f}{unit}", "yes" if reached <= most else "no")


def at_size(results, recording):
    return f"{results.mib(recording):.0f} MiB"


def speed_goals(results):
    size = at_size(results, "medium")
    yield at_least(f"`report` reads 1024 MiB/s, at {size}", results.mib_per_s("medium", "report"), 1024, " MiB/s")
    yield at_least(f"folded stacks of `ram`: 500 MiB/s, at {size}", results.mib_per_s("medium", "ram"), 500, " MiB/s")


# What colo-perf is compared with: on which recording, colo-perf's command, the other, how the goal is said, and how many times as
# fast as the other colo-perf should be.
RATIOS = (
    ("medium", "report", "cat", "`report`: a tenth of `cat`'s speed", 0.1),
    ("small", "report", "perf report", "`report`: 10 times `perf report --stdio`", 10),
    ("small", "report", "perf functions", "`report`: 10 times `perf report` without children and call graph", 10),
    ("medium", "report", "perf functions", "`report`: 10 times `perf report` without children and call graph", 10),
    ("small", "ram", "collapse", "folded stacks of `ram`: 100 times `perf script \\| stackcollapse-perf.pl`", 100),
    ("small", "all", "collapse",
     "folded stacks of all phases, by thread: 100 times `perf script \\| stackcollapse-perf.pl`", 100),
    ("compressed", "report", "unpack", "`report` of a compressed recording: half of zstd's own speed", 0.5),
    ("compressed", "ram", "unpack", "folded stacks of `ram` of a compressed recording: half of zstd's own speed", 0.5),
)


def ratio_goals(results):
    for recording, command, other, text, least in RATIOS:
        text = f"{text}, at {at_size(results, recording)}"
        if results.has(recording, other):
            ratio = results.median_s(recording, other) / results.median_s(recording, command)
            yield at_least(text, ratio, least, " times")
        else:
            yield Goal(text, "not measured", "not measured")


def memory_goals(results):
    """Of the large recording: FIXED_MIB and what its checkpoints and distinct stacks explain."""
    n_checkpoints = results.n_checkpoints["large"]
    for command, stacks_of in (("report", "ram"), ("ram", "ram"), ("all", "all")):
        n_stacks = results.n_stacks["large", stacks_of]
        most = FIXED_MIB + (n_checkpoints * CHECKPOINT_BYTES + n_stacks * STACK_BYTES) / MIB
        yield at_most(f"{NAMES[command]}, at {at_size(results, 'large')}: {FIXED_MIB} MiB, {CHECKPOINT_BYTES} bytes for each of "
                      f"{n_checkpoints} checkpoints and {STACK_BYTES} for each of {n_stacks} stacks make {most:.0f} MiB",
                      results.peak_bytes("large", command) / MIB, most, " MiB", 0)


def linearity_goals(results):
    for command, name in NAMES.items():
        for smaller, larger in (("small", "medium"), ("medium", "large")):
            growth = results.mib_per_s(smaller, command) / results.mib_per_s(larger, command)
            yield at_most(f"{name}: a MiB of {at_size(results, larger)} takes at most {MOST_GROWTH} times as long as one of "
                          f"{at_size(results, smaller)}", growth, MOST_GROWTH, " times", 2)


def goals(results):
    yield from speed_goals(results)
    yield from ratio_goals(results)
    yield from memory_goals(results)
    yield from linearity_goals(results)
    yield at_most(f"`report` of a small recording takes less than {START_MS} ms", 1000 * statistics.median(results.starts_s),
                  START_MS, " ms")
