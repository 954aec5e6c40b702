# SPDX-License-Identifier: GPL-2.0-or-later
"""Probe hits and samples as perf decodes them, from what `perf script` prints.

Shared by tests that hold colo-perf against perf; it shares nothing with src/.
What the hits and the samples mean is not decided here.

    live_migration 812/815 71.012345678:    1003009 cpu-clock/freq=997,call-graph=fp/:
            ffffffff8141 finish_task_switch.isra.0+0x93 ([kernel.kallsyms])
                   fc366 ppoll+0xa6 (/usr/lib/x86_64-linux-gnu/libc.so.6)
    COLO incoming 812/816 71.012345678: sdt_qemu:colo_ram_begin: (5566) arg1=2 arg2=7
"""

import functools
import re
import subprocess
import typing


class Frame(typing.NamedTuple):
    """An address of a call chain and the name that perf found for it."""
    address: int  # an offset in the file; of the kernel, the address itself
    name: str  # "[unknown]": none
    offset: int  # of the address in the function; -1: no function
    dso: str  # path, "[kernel.kallsyms]", "[vdso]" or "[unknown]"


class Hit(typing.NamedTuple):
    time_ns: int
    pid: int
    tid: int
    probe: str  # "colo_ram_begin"
    arguments: typing.List[int]


class Sample(typing.NamedTuple):
    time_ns: int
    pid: int
    tid: int
    comm: str
    period: int
    frames: typing.Tuple[Frame, ...]  # the innermost first


# The name of the thread may hold anything: it ends where "pid/tid time:" begins.
HEAD = re.compile(r"^\s*(\S.*?)\s+(-?\d+)/(-?\d+)\s+(\d+)\.(\d{9}):\s+(.*)$")
HIT = re.compile(r"^sdt_qemu:(colo_\w+?)(?:_\d+)?:\s(.*)$")
SAMPLE = re.compile(r"^(\d+)\s+(\S+?):\s*$")
FRAME = re.compile(r"^\s+([0-9a-f]+) (.+?)(?:\+0x([0-9a-f]+))? \((.*)\)$")
ARGUMENT = re.compile(r"\barg\d+=(\S+)")

SAMPLE_FIELDS = "comm,pid,tid,time,period,event,ip,sym,symoff,dso"
COMMAND = ["perf", "script", "--ns", "--no-inline", "-F", "trace:comm,pid,tid,time,event,trace",
           "-F", f"hw:{SAMPLE_FIELDS}", "-F", f"sw:{SAMPLE_FIELDS}"]


@functools.lru_cache(maxsize=None)  # The same lines come over and over.
def parse_frame(line):
    match = FRAME.match(line)
    if not match:
        raise ValueError(f"no frame: {line}")
    address, name, offset, dso = match.groups()
    return Frame(int(address, 16), name, int(offset, 16) if offset else -1, dso)


def parse_event(lines):
    """The hit or the sample of one event's lines; None for an event that is neither."""
    match = HEAD.match(lines[0])
    if not match:
        raise ValueError(f"no event: {lines[0]}")
    comm, pid, tid, seconds, nanoseconds, rest = match.groups()
    time_ns = int(seconds) * 10**9 + int(nanoseconds)
    hit, sample = HIT.match(rest), SAMPLE.match(rest)
    if hit:
        # Base 0: perf prints decimal numbers for s32, s64, u64, and 0x... for x64.
        arguments = [int(value, 0) for value in ARGUMENT.findall(hit.group(2))]
        return Hit(time_ns, int(pid), int(tid), hit.group(1), arguments)
    if sample:
        return Sample(time_ns, int(pid), int(tid), comm, int(sample.group(1)),
                      tuple(parse_frame(line) for line in lines[1:]))
    return None


def events_of(lines):
    """Yields the lines of each event: what stands at the left or is padded, then its frames."""
    event = []
    for line in lines:
        line = line.rstrip("\n")
        if not line or HEAD.match(line):
            if event:
                yield event
            event = [line] if line else []
        elif event:
            event.append(line)
        else:
            raise ValueError(f"belongs to no event: {line}")
    if event:
        yield event


def read(recording):
    """([Hit], [Sample]) of a recording, each in the order of time."""
    hits, samples = [], []
    with subprocess.Popen(COMMAND + ["-i", recording], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, encoding="utf-8") as perf:
        for lines in events_of(perf.stdout):
            event = parse_event(lines)
            if isinstance(event, Hit):
                hits.append(event)
            elif event:
                samples.append(event)
    if perf.returncode:
        raise subprocess.CalledProcessError(perf.returncode, COMMAND)
    return hits, samples
