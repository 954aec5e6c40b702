#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks the profiles of a recorded pair against perf's own stacks and names.

perf decodes the samples and names the frames, this script puts them into the
phases; colo-perf must count the same samples in each, with the same names. Then
it takes QEMU's file away, changes or strips it: no name may be wrong.

It takes what scripts/run.sh left in its output directory, on the machine that recorded
it, with the QEMU that was recorded. It records nothing and prints TAP.

usage: check-profile.py [--colo-perf PROGRAM] DIRECTORY
"""

import argparse
import bisect
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import typing
import xml.etree.ElementTree

sys.dont_write_bytecode = True
from elf_file import build_id_of, inlined_at  # pylint: disable=wrong-import-position
import perf_script  # pylint: disable=wrong-import-position
from tap import check, finish  # pylint: disable=wrong-import-position

PHASES = {
    "primary": ["request", "stop", "block", "dev", "ram", "vmstate", "received", "net", "loaded",
                "resume"],
    "secondary": ["stop", "reply", "ram", "vmstate", "received", "flush", "dev", "block", "net",
                  "resume", "loaded"],
}
ROLES = {1: "primary", 2: "secondary"}
# What has to be on the stack most of the time, in QEMU 7.2: (role, phase, functions).
HOT = [
    ("primary", "ram", ["ram_save_complete", "ram_find_and_save_block"]),
    ("primary", "ram", ["qemu_savevm_live_state", "qemu_savevm_state_complete_precopy"]),
    ("secondary", "ram", ["qemu_loadvm_state_main"]),
    ("secondary", "ram", ["ram_load", "ram_load_precopy"]),
    # memcpy() has no frame of its own, so its caller (colo_flush_ram_cache) is not in the chain.
    ("secondary", "flush", ["colo_flush_ram_cache", "colo_process_incoming_thread"]),
]
HOT_SHARE = 0.8
NAMED_SHARE = 0.95
SAME_NAME_SHARE = 0.99
NO_DATA, USAGE = 3, 2  # exit statuses
CUT = "[cut off]"

# --- What perf says: windows of the phases, and the samples in them ---

class Window(typing.NamedTuple):
    begin_ns: int
    end_ns: int
    role: str
    part: str
    pid: int
    tid: int  # of the thread that runs the loop


def sessions_of(hits):
    """[(role, pid, tid, {seq: {phase: [begin, end]}}, {seq: ret})], one for each colo_init."""
    sessions, current = [], {}
    for hit in hits:
        phase, _, edge = hit.probe.removeprefix("colo_").rpartition("_")
        if edge not in ("begin", "end"):
            continue  # trigger, exit, counters
        key = (hit.pid, hit.arguments[0])
        if key not in current or hit.probe == "colo_init_begin":
            current[key] = (ROLES[hit.arguments[0]], hit.pid, hit.tid,
                            collections.defaultdict(dict), {})
            sessions.append(current[key])
        if phase == "init":
            continue
        _, _, _, spans, rets = current[key]
        spans[hit.arguments[1]].setdefault(phase, {})[edge] = hit.time_ns
        if (phase, edge) == ("checkpoint", "end"):
            rets[hit.arguments[1]] = hit.arguments[2]
    return sessions


def other_of(spans, phases):
    """What of a checkpoint lies in none of its phases: [(begin, end)]."""
    whole = spans["checkpoint"]
    gaps, reached = [], whole["begin"]
    for span in sorted((spans[phase] for phase in phases), key=lambda span: span["begin"]):
        gaps.append((reached, span["begin"]))
        reached = max(reached, span["end"])
    gaps.append((reached, whole["end"]))
    return gaps


def windows_of(hits):
    """The windows of complete checkpoints, in the order of time within each process."""
    windows = []
    for role, pid, tid, checkpoints, rets in sessions_of(hits):
        for seq, spans in checkpoints.items():
            whole = {phase: span for phase, span in spans.items() if len(span) == 2}
            if "checkpoint" not in whole or rets[seq] != 0:
                continue
            parts = [(phase, whole[phase]["begin"], whole[phase]["end"])
                     for phase in PHASES[role] + ["wait"] if phase in whole]
            if set(PHASES[role]) <= set(whole):
                parts += [("other", begin, end) for begin, end in other_of(whole, PHASES[role])]
            windows += [Window(begin, end, role, part, pid, tid)
                        for part, begin, end in parts if begin < end]
    return sorted(windows, key=lambda window: (window.pid, window.begin_ns))


class Truth:
    """Which samples are in which part, as perf and the probes tell it."""

    def __init__(self, recording):
        self.hits, self.samples = perf_script.read(recording)
        self.windows = windows_of(self.hits)
        self.threads = {(window.role, window.tid) for window in self.windows}
        self.in_part = collections.defaultdict(list)  # (role, part) to [(sample, is the loop's)]
        begins = [(window.pid, window.begin_ns) for window in self.windows]
        for sample in self.samples:
            at = bisect.bisect_right(begins, (sample.pid, sample.time_ns)) - 1
            window = self.windows[at] if at >= 0 else None
            if window and window.pid == sample.pid and sample.time_ns < window.end_ns:
                self.in_part[window.role, window.part].append((sample, sample.tid == window.tid))

    def overlapping(self):
        return [(one, next_one) for one, next_one in zip(self.windows, self.windows[1:])
                if one.pid == next_one.pid and one.end_ns > next_one.begin_ns]

    def of_loop(self, role, part):
        return [sample for sample, is_loop in self.in_part[role, part] if is_loop]

    def of_all(self, role, part):
        return [sample for sample, _ in self.in_part[role, part]]


def parts_of(role):
    return PHASES[role] + ["wait", "other"]


# --- What colo-perf says ---

class ColoPerf:
    def __init__(self, program, recording, work):
        self.program, self.recording = program, recording
        # Without perf's cache of binaries, which is in the home directory.
        self.homeless = dict(os.environ, HOME=str(work / "home"))
        (work / "home").mkdir()

    def run(self, *arguments, homeless=False):
        return subprocess.run([self.program, *arguments, self.recording], encoding="utf-8",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              env=self.homeless if homeless else None)

    def report(self, *options, homeless=False):
        answer = self.run("report", "--json", *options, homeless=homeless)
        answer.check_returncode()
        return json.loads(answer.stdout)

    def folded(self, role, part, *options):
        """Counter of stacks, tuples of names from the outermost on. No samples is an answer."""
        answer = self.run("flamegraph", "--folded", "--role", role, "--phase", part, *options)
        if answer.returncode not in (0, NO_DATA):
            answer.check_returncode()
        return parse_folded(answer.stdout)


def parse_folded(text):
    stacks = collections.Counter()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        stacks[tuple(stack.split(";"))] += int(count)
    return stacks


def by_group(stacks, depth):
    """Counter of the first `depth` names of the stacks."""
    groups = collections.Counter()
    for stack, count in stacks.items():
        groups[stack[:depth]] += count
    return groups


def folded_name(name):
    return name.replace(";", ":")


# --- Counts ---

def check_counts(truth, colo_perf, role):
    loop = {part: len(truth.of_loop(role, part)) for part in parts_of(role)}
    ours = {part: colo_perf.folded(role, part).total() for part in parts_of(role)}
    check(f"{role}: perf has as many samples of the COLO thread in each of {len(ours)} parts",
          ours == loop and loop["ram"] > 0, f"{ours}" + ("" if ours == loop else f", perf {loop}"))

    ours = by_group(colo_perf.folded(role, "all"), 1)
    wanted = collections.Counter({(part,): count for part, count in loop.items()})
    check(f"{role}: --phase all has the same samples, each below its phase", ours == wanted,
          f"{ours.total()}, perf {wanted.total()}")


def check_threads(truth, colo_perf, role):
    wanted = collections.Counter((part, folded_name(sample.comm)) for part in parts_of(role)
                                 for sample in truth.of_all(role, part))
    ours = by_group(colo_perf.folded(role, "all", "--threads"), 2)
    check(f"{role}: --phase all --threads has perf's samples of each thread in each part",
          ours == wanted and len({comm for _, comm in wanted}) > 1,
          f"{ours.total()}, perf {wanted.total()}, differing {list((ours - wanted).items())[:3]}")
    ours = {part: by_group(colo_perf.folded(role, part, "--threads"), 1)
            for part in parts_of(role)}
    wrong = [part for part in parts_of(role) for wants in
             [collections.Counter((folded_name(s.comm),) for s in truth.of_all(role, part))]
             if ours[part] != wants]
    check(f"{role}: --threads has perf's samples of each thread in each phase alone", not wrong,
          f"{sum(threads.total() for threads in ours.values())}, differing: {wrong}")


# --- Report ---

def check_report(truth, found):
    """The members that count samples, and the times that follow from them."""
    samples = found["samples"]
    inside = sum(len(pairs) for pairs in truth.in_part.values())
    check("the report has perf's number of samples, and of those in no part",
          (samples["total"], samples["outside"]) ==
          (len(truth.samples), len(truth.samples) - inside),
          f"{samples['total']}, outside {samples['outside']}")
    for session in found["sessions"]:
        check_profiles(truth, session)


def check_profiles(truth, session):
    role, wrong = session["role"], []
    for profile in session["profiles"]:
        part = profile["phase"]
        loop = truth.of_loop(role, part)
        threads = collections.Counter(sample.tid for sample, is_loop in truth.in_part[role, part]
                                      if not is_loop)
        windows = [window for window in truth.windows if (window.role, window.part) == (role, part)]
        wanted = (len(loop), sum(sample.period for sample in loop),
                  sum(window.end_ns - window.begin_ns for window in windows), threads)
        ours = (profile["samples"], profile["on_cpu_ns"], profile["wall_ns"],
                collections.Counter({thread["tid"]: thread["samples"]
                                     for thread in profile["other_threads"]}))
        if ours != wanted:
            wrong.append((part, ours, wanted))
    names = sorted(profile["phase"] for profile in session["profiles"])
    check(f"{role}: samples, time on CPU, time and threads of each part of the report are perf's",
          not wrong and names == sorted(parts_of(role)), f"{len(names)} parts, differing {wrong}")


def check_functions(colo_perf, session, part):
    """The report's functions are those of the flame graph."""
    role = session["role"]
    own, total = collections.Counter(), collections.Counter()
    for stack, count in colo_perf.folded(role, part).items():
        own[stack[-1]] += count
        for name in set(stack):
            total[name] += count
    functions = [profile["functions"] for profile in session["profiles"]
                 if profile["phase"] == part][0]
    times = collections.Counter(folded_name(function["name"]) for function in functions)
    # A name that two modules have is one name in the graph.
    wrong = [function["name"] for function in functions for name in [folded_name(function["name"])]
             if times[name] == 1 and (function["self"], function["total"]) !=
             (own[name], total[name])]
    check(f"{role}: self and total of each function of {part} follow from the stacks",
          not wrong and set(times) == set(total), f"{len(functions)} functions, differing {wrong}")


def check_time(truth):
    """A thread is on one CPU at a time, so its samples cannot stand for more than the time."""
    wall_ns = truth.samples[-1].time_ns - truth.samples[0].time_ns
    longest_ns = max(sample.period for sample in truth.samples)
    for role, tid in sorted(truth.threads):
        on_cpu_ns = sum(sample.period for sample in truth.samples if sample.tid == tid)
        # perf has an event for each thread and CPU, each of which may be a period ahead.
        check(f"{role}: the COLO thread is not longer on CPU than the recording lasts",
              0 < on_cpu_ns <= wall_ns + os.cpu_count() * longest_ns,
              f"{on_cpu_ns / 1e9:.3f} of {wall_ns / 1e9:.3f} s")


# --- Names ---

def is_return_address(frames, i):
    """Whether frame i (0 is the innermost) is one: not where the kernel was entered from."""
    return i > 0 and (is_kernel(frames[i]) or not is_kernel(frames[i - 1]))


def is_kernel(frame):
    return frame.address >= 1 << 63


def nameless(frames, i):
    """How colo-perf writes the address of frame i when it has no name for it."""
    frame = frames[i]
    if not frame.dso.startswith("/"):
        return "[unknown]"
    address = frame.address - is_return_address(frames, i)
    return f"[{pathlib.PurePath(frame.dso).name}+{address:#x}]"


# The first byte of a function, seen as a return address: in a program it is that of a call at the
# end of the function before it. In the kernel it was interrupted there, or jumped to.
SAME, PERF_NAMELESS, LAST_CALL, FIRST_BYTE, NAMELESS, WRONG = (
    "same", "perf has no name", "behind a function's last call",
    "at the first byte of a function of the kernel", "no name", "wrong")


def compare_frame(ours, frames, i):
    """The class of a frame of ours and perf's frame at the same place."""
    frame = frames[i]
    if ours == folded_name(frame.name):
        return SAME
    if frame.offset == 0 and is_return_address(frames, i):
        return FIRST_BYTE if is_kernel(frame) else LAST_CALL
    if frame.offset >= 0:
        return NAMELESS if ours == nameless(frames, i) else WRONG
    # perf invents /tmp/perf-PID.map for memory without a file.
    no_file = frame.dso.endswith(".map") and ours == "[anon]"
    return PERF_NAMELESS if no_file or ours == nameless(frames, i) else WRONG


def first_bytes(frames):
    """How many frames but the innermost are at the first byte of their function."""
    return sum(frame.offset == 0 for frame in frames[1:])


def compare_stacks(ours, frames):
    """Counter of (class, our name, perf's name) of two stacks with as many frames."""
    found = collections.Counter()
    for i, frame in enumerate(frames):
        name = ours[len(ours) - 1 - i]
        found[compare_frame(name, frames, i), name, frame.name] += 1
    return found


def cost(found):
    """What must not be counts first, then what differs at all."""
    return (sum(count for (kind, _, _), count in found.items() if kind == WRONG),
            sum(count for (kind, _, _), count in found.items() if kind != SAME))


def without_cut(stack):
    return stack[1:] if stack[0] == CUT else stack


class Comparison:
    """Pairs our stacks with perf's: first those with the same names, then those closest to it.

    Ours do not say which sample they are of, so a stack that differs is compared
    with the one that is left over and differs least.
    """

    def __init__(self, ours, samples, name_of):
        self.frames = collections.Counter()  # by (class, our name, perf's name)
        self.left = []  # stacks of ours that nothing of perf's has the length of
        # perf drops a chain as a whole when an address in it looks like a context mark.
        self.dropped = sum(not sample.frames for sample in samples)
        by_names = collections.defaultdict(list)
        for sample in samples:
            names = tuple(folded_name(name_of(sample.frames, i))
                          for i in range(len(sample.frames)))
            if names:
                by_names[names[::-1]].append(sample.frames)
        # Those that ours may name otherwise come last, so that they are left for them.
        for stacks in by_names.values():
            stacks.sort(key=first_bytes, reverse=True)
        rest = collections.Counter()
        for stack, count in ours.items():
            stack = without_cut(stack)
            for _ in range(count):
                if by_names.get(stack):
                    self.frames.update(compare_stacks(stack, by_names[stack].pop()))
                else:
                    rest[stack] += 1
        over = collections.defaultdict(list)
        for stacks in by_names.values():
            for frames in stacks:
                over[len(frames)].append(frames)
        for stack in rest.elements():
            self.pair(stack, over[len(stack)])
        self.unmatched = sum(len(stacks) for stacks in over.values())

    def is_whole(self):
        """Whether each stack of ours was compared with one of perf's."""
        return self.frames and not self.unmatched and len(self.left) == self.dropped

    def pair(self, stack, candidates):
        if not candidates:
            self.left.append(stack)
            return
        found = [(compare_stacks(stack, frames), at) for at, frames in enumerate(candidates)]
        best, at = min(found, key=lambda entry: cost(entry[0]))
        candidates.pop(at)
        self.frames.update(best)

    def count(self, *kinds):
        return sum(count for (kind, _, _), count in self.frames.items() if kind in kinds)

    def examples(self, *kinds):
        return [f"{count} {ours} (perf: {theirs})" for (kind, ours, theirs), count
                in self.frames.most_common() if kind in kinds][:5]


def perf_name(frames, i):
    return frames[i].name


def check_names(truth, colo_perf, role, part):
    comparison = Comparison(colo_perf.folded(role, part), truth.of_loop(role, part), perf_name)
    total = comparison.frames.total()
    share = comparison.count(SAME) / total if total else 0
    for kind in (PERF_NAMELESS, LAST_CALL, FIRST_BYTE, NAMELESS, WRONG):
        if comparison.count(kind):
            print(f"# {role}, {part}: {comparison.count(kind)} frames, {kind}: "
                  f"{'; '.join(comparison.examples(kind))}")
    unexplained = comparison.count(FIRST_BYTE, NAMELESS, WRONG)
    check(f"{role}: the stacks of {part} are perf's, name by name",
          comparison.is_whole() and (not unexplained or share >= SAME_NAME_SHARE),
          f"{share:.3%} of {total} frames have perf's name, {unexplained} others are unexplained, "
          f"{len(comparison.left)} stacks are not perf's, of {comparison.dropped} perf has none")


def check_named(colo_perf, role):
    frames = collections.Counter()
    for stack, count in colo_perf.folded(role, "ram").items():
        for name in stack:
            frames[name.startswith("[")] += count
    share = frames[False] / max(1, frames.total())
    check(f"{role}: more than {NAMED_SHARE:.0%} of the frames of ram have names",
          share > NAMED_SHARE, f"{share:.3%} of {frames.total()}")


def check_hot(colo_perf, role, part, functions):
    """Parts of a function that the compiler split off (.part.0) count as it."""
    stacks = colo_perf.folded(role, part)
    hot = sum(count for stack, count in stacks.items()
              if {name.split(".")[0] for name in stack} & set(functions))
    share = hot / max(1, stacks.total())
    check(f"{role}: {' or '.join(functions)} is on the stack in {part}", share > HOT_SHARE,
          f"{share:.1%} of {stacks.total()} samples")


def check_inlines(colo_perf, role):
    plain = colo_perf.folded(role, "ram")
    stripped, inlined = collections.Counter(), 0
    for stack, count in colo_perf.folded(role, "ram", "--inline").items():
        stripped[tuple(name for name in stack if not name.endswith("_[i]"))] += count
        inlined += count * any(name.endswith("_[i]") for name in stack)
    check(f"{role}: --inline shows inlined functions, and without them it is the plain graph",
          inlined > 0 and stripped == plain,
          f"{inlined} of {plain.total()} samples are in or below one")


def lookups(frames, path):
    """{i: offset in the file that frame i is looked up at}, of those in it."""
    return {i: frame.address - is_return_address(frames, i)
            for i, frame in enumerate(frames) if frame.dso == path}


def with_inlines(frames, path, inlined):
    stack, offsets = [], lookups(frames, path)
    for i in reversed(range(len(frames))):
        stack.append(folded_name(frames[i].name))
        if i in offsets:
            stack += [f"{folded_name(name)}_[i]" for name in inlined[offsets[i]]]
    return tuple(stack)


def without_inlines_of_others(stack, functions):
    """The stack without what was inlined into other functions than these."""
    kept, into = [], None
    for name in stack:
        inlined = name.endswith("_[i]")
        into = into if inlined else name
        if not inlined or into in functions:
            kept.append(name)
    return tuple(kept)


def check_inlined_names(truth, colo_perf, role):
    """Of QEMU alone: the files with the DWARF of libraries may be here or not."""
    qemu, samples = qemu_of(truth), truth.of_loop(role, "ram")
    offsets = {offset for sample in samples for offset in lookups(sample.frames, qemu).values()}
    functions = {folded_name(frame.name) for sample in samples for frame in sample.frames
                 if frame.dso == qemu}
    inlined = inlined_at(qemu, sorted(offsets))
    wanted = collections.Counter(with_inlines(sample.frames, qemu, inlined) for sample in samples)
    ours = collections.Counter()
    for stack, count in colo_perf.folded(role, "ram", "--inline").items():
        ours[without_inlines_of_others(stack, functions)] += count
    same = (ours & wanted).total()
    check(f"{role}: the functions that --inline shows in QEMU are those of addr2line",
          same >= SAME_NAME_SHARE * len(samples) and any(inlined.values()),
          f"{same} of {len(samples)} samples, at {len(offsets)} addresses")


# --- Files that are not there, or not the recorded ones ---

def user_files(truth):
    return sorted({frame.dso for sample in truth.samples for frame in sample.frames
                   if frame.dso.startswith("/") and os.path.isfile(frame.dso)})


def qemu_of(truth):
    return [path for path in user_files(truth) if "qemu-system" in path][0]


def copy_to(symfs, path):
    copy = symfs / path.lstrip("/")
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, copy)
    return copy


def change_build_id(path):
    """Changes a bit of it, in the file alone. Returns the new one."""
    build_id = bytes.fromhex(build_id_of(path))
    other = bytes([build_id[0] ^ 1]) + build_id[1:]
    content = path.read_bytes()
    note = b"\3\0\0\0GNU\0"  # type and name, then the build-id
    path.write_bytes(content.replace(note + build_id, note + other))
    return build_id_of(path)


def check_symfs(truth, colo_perf, symfs, what):
    """(comparison, stderr) of the ram phase of both roles with this --symfs."""
    frames, whole, problems, same_sums = collections.Counter(), True, "", True
    for role in PHASES:
        samples = truth.of_loop(role, "ram")
        answer = colo_perf.run("flamegraph", "--folded", "--role", role, "--symfs", str(symfs),
                               homeless=True)
        stacks = parse_folded(answer.stdout)
        comparison = Comparison(stacks, samples, lambda frames, i: frames[i].name
                                if is_kernel(frames[i]) else nameless(frames, i))
        frames += comparison.frames
        whole = whole and comparison.is_whole()
        problems += answer.stderr
        same_sums = same_sums and not answer.returncode and stacks.total() == len(samples)
    check(f"{what}: exit status 0 and all samples are there", same_sums)
    wrong = [key for key in frames if key[0] == WRONG]
    check(f"{what}: each name is perf's", whole and not wrong,
          f"{frames.total()} frames, not perf's: {wrong[:3]}")
    return frames, problems


def is_name(name):
    return not name.startswith("[")


def qemu_names(truth, frames, qemu):
    """Which functions of QEMU are shown, as perf knows them."""
    of_qemu = {frame.name for sample in truth.samples for frame in sample.frames
               if frame.dso == qemu}
    return sorted({ours for (_, ours, theirs) in frames if is_name(ours) and theirs in of_qemu})


def samples_in(truth, path):
    """How many samples of the COLO threads, in all parts, have a frame in the file."""
    return sum(any(frame.dso == path for frame in sample.frames)
               for role in PHASES for part in parts_of(role)
               for sample in truth.of_loop(role, part))


def warning_of(problems, module):
    for line in problems.splitlines():
        if re.match(rf"warning: .*\b{re.escape(module)} have no name\b", line):
            return line
    return ""


def check_files(truth, colo_perf, work):
    files = user_files(truth)
    qemu = qemu_of(truth)
    module = pathlib.PurePath(qemu).name

    (work / "empty").mkdir()
    frames, problems = check_symfs(truth, colo_perf, work / "empty", "no file")
    check("no file: no function of QEMU has a name, a warning says so",
          not qemu_names(truth, frames, qemu) and warning_of(problems, module),
          warning_of(problems, module))
    unresolved = {file["path"]: file for file in colo_perf.report(
        "--symfs", str(work / "empty"), homeless=True)["samples"]["unresolved"]}
    said = tuple(unresolved.get(qemu, {}).get(member) for member in ("state", "samples"))
    check("no file: the report says so, and counts the samples that are in the file",
          said == ("no_file", samples_in(truth, qemu)), f"{said}, perf {samples_in(truth, qemu)}")

    copy = copy_to(work / "other", qemu)
    recorded, other = build_id_of(qemu), change_build_id(copy)
    frames, problems = check_symfs(truth, colo_perf, work / "other", "another build-id")
    warning = warning_of(problems, module)
    check("another build-id: no function of QEMU has a name, a warning names both build-ids",
          not qemu_names(truth, frames, qemu) and recorded != other
          and recorded in warning and other in warning, warning)

    for path in files:
        copy = copy_to(work / "stripped", path)
        subprocess.run(["strip", copy], check=True)
    frames, problems = check_symfs(truth, colo_perf, work / "stripped", "stripped")
    # The stubs of what it imports are named by its relocations, which strip leaves.
    named = {name for name in qemu_names(truth, frames, qemu) if not name.endswith("@plt")}
    check("stripped: QEMU's functions have no names but exported and imported ones, a warning says so",
          "is stripped" in warning_of(problems, module) and named <= exported(qemu),
          f"named: {sorted(named)}")
    # Those that they export, and all of them where a debug file is installed.
    libraries = sorted({ours for (kind, ours, theirs) in frames if kind == SAME and is_name(ours)}
                       & {frame.name for sample in truth.samples for frame in sample.frames
                          if frame.dso in files and frame.dso != qemu})
    check("stripped: functions of libraries have names", libraries,
          f"{len(libraries)}: {', '.join(libraries[:3])}, ...")


def exported(path):
    lines = subprocess.run(["nm", "-D", "--defined-only", path], stdout=subprocess.PIPE,
                           encoding="utf-8", check=True).stdout.splitlines()
    return {line.split()[-1].split("@")[0] for line in lines}


# --- Drawing ---

def check_drawing(truth, colo_perf, work, role):
    path = work / f"{role}.svg"
    answer = colo_perf.run("flamegraph", "--role", role, "--phase", "ram", "-o", str(path))
    checkpoints = sum((window.role, window.part) == (role, "ram") for window in truth.windows)
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
        title = root.findtext("{http://www.w3.org/2000/svg}title") or ""
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        title = f"{error}"
    check(f"{role}: the SVG is XML, and its title says role, phase and number of checkpoints",
          answer.returncode == 0 and re.search(
              rf"\b{role}\b.*\bram\b.*\b{checkpoints} checkpoints\b", title), title)


def check_refusal(colo_perf, status, *arguments):
    answer = colo_perf.run("flamegraph", *arguments)
    check(f"flamegraph {' '.join(arguments)}: exit status {status}, one line",
          answer.returncode == status and not answer.stdout
          and len(answer.stderr.splitlines()) == 1, f"{answer.returncode}, {answer.stderr.strip()}")


# --- All of it ---

def check_role(truth, colo_perf, role):
    check_counts(truth, colo_perf, role)
    check_threads(truth, colo_perf, role)
    for part in ("ram", "flush") if role == "secondary" else ("ram",):
        check_names(truth, colo_perf, role, part)
    check_named(colo_perf, role)
    check_inlines(colo_perf, role)
    check_inlined_names(truth, colo_perf, role)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--colo-perf", default="build/colo-perf")
    parser.add_argument("directory", type=pathlib.Path)
    arguments = parser.parse_args()

    recording = str(arguments.directory / "perf.data")
    truth = Truth(recording)
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        colo_perf = ColoPerf(arguments.colo_perf, recording, work)
        found = colo_perf.report()
        check("the parts of both sides lie one behind the other",
              {role for role, _ in truth.threads} == set(PHASES) and not truth.overlapping(),
              f"{len(truth.windows)} windows, overlapping: {truth.overlapping()[:2]}")
        check_report(truth, found)
        check_time(truth)
        for role in PHASES:
            check_role(truth, colo_perf, role)
            check_drawing(truth, colo_perf, work, role)
        for session in found["sessions"]:
            check_functions(colo_perf, session, "ram")
        for role, part, functions in HOT:
            check_hot(colo_perf, role, part, functions)
        check_files(truth, colo_perf, work)
        check_refusal(colo_perf, USAGE, "--folded", "--phase", "nothing")
        check_refusal(colo_perf, NO_DATA, "--folded", "--phase", "flush", "--role", "primary")
    return finish()


if __name__ == "__main__":
    sys.exit(main())
