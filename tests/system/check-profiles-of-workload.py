#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks profiles of a program that is known: which functions, threads, files had the CPU when.

colo-workload hits QEMU's probes and works as it is told to, perf records it, and
colo-perf's profiles of its ram phase must be what it did: deep stacks, libraries that
take each other's place, children, threads, inlined functions, stripped and replaced files.
Beside that each profile is held against perf's own names and numbers.

It needs root, gcc and sys/sdt.h. It registers probes of its own, takes them back, and
prints TAP.

usage: check-profiles-of-workload.py [--colo-perf PROGRAM]
"""

import argparse
import collections
import concurrent.futures
import math
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True
from elf_file import build_id_of, inlined_at, symbols_of  # pylint: disable=wrong-import-position
from workload_record import (  # pylint: disable=wrong-import-position
    Case, ColoPerf, Probes, Programs, RATE, Recorder, STACKS, of_others, of_process, run)
from tap import check, finish  # pylint: disable=wrong-import-position

CHECKPOINTS = 20
RAM_US = 30000  # dlopen() of a library may take more than one of these milliseconds
COPY_SHARE = 0.7  # of the modes that have two functions
MAX_STACK = 127  # kernel.perf_event_max_stack
SAME_NAME_SHARE = 0.99
# What page faults, opening libraries and looking at the clock may take of a share.
OVERHEAD = 0.06
AT_ONCE = 8  # recordings: they wait more than they work
CUT = "[cut off]"
# What may be on the stack of the loop, from the start of the thread on.
START = ("start_thread", "run_colo_thread", "run_loop", "workload_run_checkpoints")

def count_with(stacks, name):
    """Samples with the name anywhere in the stack."""
    return sum(count for stack, count in stacks.items() if name in stack)


def names_in(stacks):
    return {name for stack in stacks for name in stack}


def without_cut(stacks):
    whole = collections.Counter()
    for stack, count in stacks.items():
        whole[stack[1:] if stack[0] == CUT else stack] += count
    return whole


# --- Statistics ---

def tolerance(share, n):
    """Five standard errors of a share of n samples, and what else there is."""
    return 5 * math.sqrt(share * (1 - share) / max(1, n)) + OVERHEAD


def check_share(name, stacks, function, share):
    n = stacks.total()
    found = count_with(stacks, function) / max(1, n)
    check(f"{name}: {function}() has {share:.0%} of the samples",
          n > 0 and abs(found - share) <= tolerance(share, n),
          f"{found:.1%} of {n}, allowed +-{tolerance(share, n):.1%}")


def is_nearly(part, whole):
    """All but what an interrupt at the wrong moment may spoil."""
    return whole > 0 and part >= SAME_NAME_SHARE * whole


def is_most(part, whole):
    """All but what the program does beside its work."""
    return whole > 0 and part >= (1 - OVERHEAD) * whole


# --- Against perf ---

NO_CALLER = 2**64 - 1  # what perf's unwinder shows where the copy of a stack ends


def perf_stacks(samples):
    stacks = collections.Counter()
    for sample in samples:
        stacks[tuple(frame.name.replace(";", ":") for frame in sample.frames[::-1]
                     if frame.address != NO_CALLER)] += 1
    return stacks


def without_vdso(stacks, samples):
    """Both without the stacks in the vDSO, from which perf 6.1 does not unwind."""
    return (collections.Counter({stack: count for stack, count in stacks.items()
                                 if not any(name.startswith("__vdso") for name in stack)}),
            [sample for sample in samples
             if not any(frame.dso == "[vdso]" for frame in sample.frames)])


def by_place(stacks):
    """Counter of (number of frames, place, name)."""
    places = collections.Counter()
    for stack, count in stacks.items():
        for place, name in enumerate(stack):
            places[len(stack), place, name] += count
    return places


def same_names(ours, theirs):
    """(frames with perf's name, frames that perf has a name for)."""
    same = ours & theirs
    frames = sum(len(stack) * count for stack, count in same.items())
    left, wanted = by_place(ours - theirs), by_place(theirs - ours)
    named = collections.Counter({place: count for place, count in wanted.items()
                                 if place[2] != "[unknown]"})
    return frames + (left & named).total(), frames + named.total()


def check_against_perf(recording, stacks, names=True):
    """Number and names of the samples in ram."""
    samples = recording.in_ram()
    least = CHECKPOINTS * 5  # a noisy machine may lose some of them
    check(f"{recording.case.name}: the folded lines add up to perf's samples in the ram phase",
          stacks.total() == len(samples) >= least, f"{stacks.total()}, perf {len(samples)}")
    if names:
        if recording.case.event == STACKS:
            stacks, samples = without_vdso(stacks, samples)
        same, total = same_names(without_cut(stacks), perf_stacks(samples))
        check(f"{recording.case.name}: the names are perf's", is_nearly(same, total),
              f"{same} of {total} frames")


def check_report(recording, colo_perf, warnings=()):
    """Complete checkpoints, no other warnings; the ram profile, which is perf's in numbers."""
    report, session, ram = colo_perf.ram_report(recording)
    # How many stacks lead to where nothing is mapped, as a frame is half made, is chance, and so is what the kernel
    # throttles on a busy machine: perf has the same samples.
    codes = [warning["code"] for warning in report["warnings"] if warning["code"] not in ("not_mapped", "throttled")]
    n = int(recording.case.arguments[1])
    complete = session["states"]["complete"]
    check(f"{recording.case.name}: {n} complete checkpoints, "
          f"{'no warning' if not warnings else 'warnings: ' + ' '.join(warnings)}",
          complete == n == len(recording.windows) and codes == list(warnings),
          f"{complete}, {report['warnings']}")
    return ram


def check_all(recording, colo_perf, names=True, warnings=()):
    """The checks that every recording has to pass: (the answer, the report's ram profile)."""
    answer = colo_perf.ram(recording)
    check_against_perf(recording, answer.stacks, names)
    return answer, check_report(recording, colo_perf, warnings)


# --- The cases: known functions ---

def mode(name, *arguments):
    """What colo-workload is called with."""
    return [name, str(CHECKPOINTS), str(RAM_US), *(str(argument) for argument in arguments)]


def mix():
    return mode("mix")


def check_mix(recording, colo_perf):
    name = recording.case.name
    answer, ram = check_all(recording, colo_perf)
    check_share(name, answer.stacks, "hot_copy", COPY_SHARE)
    check_share(name, answer.stacks, "hot_scan", 1 - COPY_SHARE)
    check(f"{name}: the function that works in the dev phase is not in ram",
          "hot_device" not in names_in(answer.stacks)
          and "hot_device" in {frame.name for sample in recording.samples
                               for frame in sample.frames})
    wall_ns = sum(end.time_ns - begin.time_ns for begin, end in recording.windows.values())
    check(f"{name}: the phase's wall time is the time between the probes, CPU time what was spent",
          ram["wall_ns"] == wall_ns
          and abs(ram["on_cpu_ns"] / (CHECKPOINTS * RAM_US * 1000) - 1) < 0.3,
          f"{ram['wall_ns']}, {wall_ns} ns, on CPU {ram['on_cpu_ns']} ns")


def function_of(ram, name):
    return [function for function in ram["functions"] if function["name"] == name][0]


def check_recursion(recording, colo_perf, depth):
    name = recording.case.name
    answer, ram = check_all(recording, colo_perf)
    whole = count_whole(answer.stacks, depth)
    check(f"{name}: stacks are whole, and none is said to be cut",
          is_nearly(whole, answer.stacks.total()) and CUT not in names_in(answer.stacks)
          and ram["cut_samples"] == 0 and "% of the call chains" not in colo_perf.text(recording),
          f"{whole} of {answer.stacks.total()} have {depth} times recurse(), "
          f"cut_samples {ram['cut_samples']}")
    recurse = function_of(ram, "recurse")
    check(f"{name}: a function that calls itself counts once in a sample",
          recurse["total"] == count_with(answer.stacks, "recurse") <= answer.stacks.total()
          and recurse["self"] <= recurse["total"], f"{recurse}")


def count_whole(stacks, depth):
    """Samples whose stack goes from the start of the thread to the end of the recursion."""
    return sum(count for stack, count in stacks.items()
               if stack[:len(START)] == START and stack.count("recurse") == depth)


def check_cut(recording, colo_perf, max_stack):
    name = recording.case.name
    answer, ram = check_all(recording, colo_perf)
    total = answer.stacks.total()
    cut = sum(count for stack, count in answer.stacks.items() if stack[0] == CUT)
    check(f"{name}: the stacks hang at {CUT}", is_nearly(cut, total), f"{cut} of {total}")
    check(f"{name}: the report counts them, and its text says so",
          ram["cut_samples"] == cut and re.search(
              rf"\n  {100 * cut / total:.1f}% of the call chains ",
              colo_perf.text(recording)), f"cut_samples {ram['cut_samples']}")
    lengths = {len(stack) - 1 for stack in answer.stacks if stack[0] == CUT}
    innermost = count_with(answer.stacks, "hot_copy")
    outermost = count_with(answer.stacks, START[0])
    check(f"{name}: these have {max_stack} frames, the innermost ones",
          lengths == {max_stack} and is_most(innermost, total) and outermost <= total - cut,
          f"{lengths}, {innermost} of {total} with the innermost, {outermost} the outermost")


def check_single(recording, colo_perf):
    name = recording.case.name
    answer, _ = check_all(recording, colo_perf, warnings=["no_call_chains"])
    check(f"{name}: stacks of one frame, and a warning",
          {len(stack) for stack in answer.stacks} == {1} and len(answer.warnings) == 1
          and "carry no call chains" in answer.warnings[0], f"{answer.warnings}")
    check_share(name, answer.stacks, "hot_copy", COPY_SHARE)
    check_share(name, answer.stacks, "hot_scan", 1 - COPY_SHARE)


# --- Libraries ---

def check_libraries(recording, colo_perf):
    name = recording.case.name
    answer, _ = check_all(recording, colo_perf)
    places = collections.defaultdict(set)
    for line in recording.output.splitlines():
        function, address = line.split()
        places[function].add(address)
    check(f"{name}: both functions were at the same address",
          places["work_in_a"] & places["work_in_b"], f"{dict(places)}")
    check_share(name, answer.stacks, "work_in_a", COPY_SHARE)
    check_share(name, answer.stacks, "work_in_b", 1 - COPY_SHARE)
    theirs = perf_stacks(recording.in_ram())
    wanted = [count_with(theirs, function) for function in ("work_in_a", "work_in_b")]
    ours = [count_with(answer.stacks, function) for function in ("work_in_a", "work_in_b")]
    check(f"{name}: each sample has the name of the library that was there", ours == wanted,
          f"{ours}, perf {wanted}")


def check_replaced_library(recording, colo_perf):
    """In the first half the path was another file than after the recording."""
    name = recording.case.name
    answer = colo_perf.ram(recording)
    check_against_perf(recording, answer.stacks, names=False)
    samples = recording.in_ram(after_seq=CHECKPOINTS // 2)
    found = count_with(answer.stacks, "work_in_new")
    nameless = sum(count for stack, count in answer.stacks.items()
                   if any(re.match(r"\[replaced\.so\+0x", frame) for frame in stack))
    first = answer.stacks.total() - len(samples)
    check(f"{name}: the file that is there now names its own samples alone",
          "work_in_old" not in names_in(answer.stacks) and is_most(found, len(samples))
          and found <= len(samples),
          f"{found}, the second half has {len(samples)}")
    check(f"{name}: those in the file that is gone have no name, and a warning says why",
          is_most(nameless, first) and nameless <= first
          and [line for line in answer.warnings if "replaced.so have no name" in line],
          f"{nameless} of {first}: {answer.warnings}")


# --- Processes and threads ---

def check_child(recording, colo_perf, function):
    name = recording.case.name
    answer, _ = check_all(recording, colo_perf)
    samples = perf_stacks(recording.in_ram(of_others))
    check(f"{name}: a child works in {function}() meanwhile", count_with(samples, function) > 0,
          f"perf has {count_with(samples, function)} samples of it")
    threads = colo_perf.ram(recording, "--threads").stacks
    wanted = len(recording.in_ram(of_process))
    check(f"{name}: it is neither in the thread's profile nor in the process's",
          function not in names_in(answer.stacks) | names_in(threads)
          and threads.total() == wanted, f"{threads.total()} in all threads, perf {wanted}")
    copies = count_with(answer.stacks, "hot_copy")
    check(f"{name}: the parent's samples are its own", copies >= 0.8 * answer.stacks.total(),
          f"hot_copy() has {copies} of {answer.stacks.total()}")


def check_grandchild(recording, colo_perf):
    name = recording.case.name
    answer, _ = check_all(recording, colo_perf)
    check_share(name, answer.stacks, "hot_copy", COPY_SHARE)
    check_share(name, answer.stacks, "hot_scan", 1 - COPY_SHARE)
    _, session, _ = colo_perf.ram_report(recording)
    names = (session["process"], session["thread"])
    check(f"{name}: it has the name that its parents had",
          {session["pid"]} == recording.pids and names == ("colo-workload", "colo-workload"),
          f"{names}")


def check_threads(recording, colo_perf):
    name = recording.case.name
    _, ram = check_all(recording, colo_perf)
    answer = colo_perf.ram(recording, "--threads")
    ours = collections.Counter()
    for stack, count in answer.stacks.items():
        ours[stack[0]] += count
    wanted = collections.Counter(sample.comm.replace(";", ":")
                                 for sample in recording.in_ram(of_process))
    check(f"{name}: --threads has perf's samples of each thread at the root", ours == wanted,
          f"{dict(ours)}, perf {dict(wanted)}")
    check(f"{name}: a thread that was renamed meanwhile has both names",
          {"live_migration", "helper-one", "helper:before", "helper:after"} <= set(ours))
    roots = {root: {stack[-1] for stack in answer.stacks if stack[0] == root and
                    stack[-1].startswith("hot_")} for root in ours}
    check(f"{name}: each thread has its own functions",
          roots["live_migration"] == {"hot_copy"}
          and roots["helper-one"] == roots["helper:after"] == {"hot_helper"}, f"{roots}")
    tids = collections.Counter(sample.tid for sample in recording.in_ram(of_process)
                               if sample.tid not in {begin.tid for begin, _ in
                                                     recording.windows.values()})
    listed = collections.Counter()
    for thread in ram["other_threads"]:
        listed[thread["tid"]] += thread["samples"]
    check(f"{name}: the report has the samples of each other thread", listed == tids,
          f"{dict(listed)}, perf {dict(tids)}")


# --- Inlined functions ---

def lookups(sample, file):
    """{i: the place in the file at which frame i is looked up}: where the call was."""
    return {i: frame.address - (i > 0) for i, frame in enumerate(sample.frames)
            if frame.dso == str(file)}


def inlines_of(samples, files):
    """{(sample, i): inlined functions at its frame i}, by addr2line."""
    inlines = {}
    for file in files:
        offsets = {(sample, i): offset for sample in samples
                   for i, offset in lookups(sample, file).items()}
        inlined = inlined_at(file, sorted(set(offsets.values())))
        inlines.update({frame: inlined[offset] for frame, offset in offsets.items()})
    return inlines


def with_inlines(sample, inlines):
    stack = []
    for i, frame in reversed(list(enumerate(sample.frames))):
        stack.append(frame.name)
        stack += [f"{name}_[i]" for name in inlines.get((sample, i), [])]
    return tuple(stack)


def check_inlines(recording, colo_perf, probes):
    name, program = recording.case.name, recording.case.program
    plain, _ = check_all(recording, colo_perf)
    answer = colo_perf.ram(recording, "--inline")
    both = ("hot_inlining", "inlined_outer_[i]", "inlined_inner_[i]", "turn_[i]")
    found = sum(count for stack, count in answer.stacks.items() if stack[-len(both):] == both)
    check(f"{name}: the inlined functions are there, in their order",
          is_most(found, answer.stacks.total()), f"{found} of {answer.stacks.total()}")
    stripped = collections.Counter()
    for stack, count in answer.stacks.items():
        stripped[tuple(name for name in stack if not name.endswith("_[i]"))] += count
    check(f"{name}: without them it is the plain graph", stripped == plain.stacks)
    samples = recording.in_ram()
    inlines = inlines_of(samples, [program, probes])
    wanted = collections.Counter(with_inlines(sample, inlines) for sample in samples)
    # libc may have a debug file on this machine; its frames are few.
    same = (answer.stacks & wanted).total()
    check(f"{name}: they are addr2line's", is_most(same, len(samples)) and any(inlines.values()),
          f"{same} of {len(samples)} samples")


# --- Unwound stacks ---

THREAD = (re.compile(r"(__)?clone3?"), START)
MAIN = (re.compile(r"_start"), ("main", "run_in_grandchild", "run_loop",
                                "workload_run_checkpoints"))


def check_whole(name, stacks, start, end):
    """From where the thread was started to the function in which it is, without a gap."""
    outermost, calls = start
    calls += end
    total = stacks.total()
    whole = sum(count for stack, count in stacks.items() if outermost.fullmatch(stack[0])
                and any(stack[i:i + len(calls)] == calls for i in range(len(stack))))
    check(f"{name}: stacks go from the start of the thread to {end[-1]}() without a gap",
          is_nearly(whole, total),
          f"{whole} of {total}, outermost: {sorted({stack[0] for stack in stacks})}")


def check_unwound(recording, colo_perf, start, *end):
    name = recording.case.name
    answer, ram = check_all(recording, colo_perf)
    check_whole(name, answer.stacks, start, end)
    check(f"{name}: none is cut", ram["cut_samples"] == 0 and CUT not in names_in(answer.stacks))
    return answer


def check_unwound_mix(recording, colo_perf, start):
    name = recording.case.name
    answer = check_unwound(recording, colo_perf, start, "ram_mix")
    check_share(name, answer.stacks, "hot_copy", COPY_SHARE)
    check_share(name, answer.stacks, "hot_scan", 1 - COPY_SHARE)
    known = {*start[1], "ram_mix", "hot_copy", "hot_scan", "start_thread"}
    others = collections.Counter()
    for stack, count in answer.stacks.items():
        if stack[-1].startswith("hot_"):
            others.update({name: count for name in set(stack[1:]) - known
                           if not name.startswith("__libc_start")})
    check(f"{name}: no other function is on the way there", not others, f"{dict(others)}")


def check_unwound_clock(recording, colo_perf):
    name = recording.case.name
    answer = check_unwound(recording, colo_perf, THREAD, "ram_clock", "hot_clock")
    clocks = sum(count for stack, count in answer.stacks.items()
                 if "__vdso_clock_gettime" in stack)
    check(f"{name}: most are in the vDSO", clocks > 0.5 * answer.stacks.total(),
          f"{clocks} of {answer.stacks.total()}")


def check_unwound_cut(recording, colo_perf, depth):
    """The copy of the stack has 8 KiB, in which there is room for 7 frames of 1 KiB."""
    name = recording.case.name
    answer, ram = check_all(recording, colo_perf)
    total = answer.stacks.total()
    cut = sum(count for stack, count in answer.stacks.items() if stack[0] == CUT)
    check(f"{name}: the stacks hang at {CUT}, as the report says",
          is_most(cut, total) and ram["cut_samples"] == cut, f"{cut} of {total}")
    depths = collections.Counter(stack.count("recurse_with_room")
                                 for stack in answer.stacks.elements())
    check(f"{name}: they have the frames of which the stack was copied",
          is_most(sum(count for found, count in depths.items() if 6 <= found <= 8), total)
          and max(depths) < depth, f"{dict(depths)}")
    names = names_in(stack for stack in answer.stacks if "recurse_with_room" in stack
                     and stack[-1] == "hot_copy")
    check(f"{name}: and no others", names == {CUT, "recurse_with_room", "hot_copy"}, f"{names}")


# --- Files ---

MODULE = "colo-workload"
OWN_NAMES = {"hot_copy", "hot_scan", "ram_mix", "run_loop", "run_colo_thread", "hot_device", "main"}


def own_names(stacks):
    return sorted(names_in(stacks) & OWN_NAMES)


def warning_of(answer):
    """The warning that the program's functions have no name; more than one is none."""
    found = [line for line in answer.warnings
             if re.search(rf" functions of {MODULE} have no name", line)]
    return found[0] if len(found) == 1 else ""


def with_names(stacks, original):
    """The stacks with the names that the original has at [colo-workload+0xOFFSET]."""
    symbols = symbols_of(original)

    def name_of(frame):
        match = re.fullmatch(rf"\[{MODULE}\+0x([0-9a-f]+)\]", frame)
        offset = int(match.group(1), 16) if match else -1
        return ([name for begin, end, name in symbols if begin <= offset < end] + [frame])[0]

    named = collections.Counter()
    for stack, count in stacks.items():
        named[tuple(name_of(frame) for frame in stack)] += count
    return named


def check_names(name, answer, wanted):
    """All names of the program's functions are there: the stacks are these."""
    check(f"{name}: functions have their names", answer.stacks == wanted
          and not warning_of(answer), f"{own_names(answer.stacks)} {answer.warnings}")


def check_no_names(name, answer, wanted, *reasons, allowed=()):
    """No name but the allowed ones, the same samples, and one warning with the reasons."""
    warning = warning_of(answer)
    check(f"{name}: functions have no name but {list(allowed)}, a warning says why",
          own_names(answer.stacks) == list(allowed)
          and answer.stacks.total() == wanted.total() > 0 and warning
          and all(reason in warning for reason in reasons),
          f"{own_names(answer.stacks)}, {answer.stacks.total()}: {warning}")


def check_stripped(recording, colo_perf, original, programs):
    """Stripped when it was recorded; debug files come and go."""
    program = recording.case.program
    answer, _ = check_all(recording, colo_perf, names=False, warnings=["no_symbols"])
    wanted = with_names(answer.stacks, original)
    check_no_names("stripped", answer, wanted, "is stripped")
    said = int(re.search(r" in (\d+) samples", warning_of(answer)).group(1))
    tids = {begin.tid for begin, _ in recording.windows.values()}
    least, most = (sum(sample.tid in tids and any(frame.dso == str(program)
                                                  for frame in sample.frames)
                       for sample in samples)
                   for samples in (recording.in_ram(), recording.samples))
    check("stripped: the warning counts samples, of all phases", least <= said <= most,
          f"{said}, perf {least} in ram and {most} in all")
    check_share("stripped, by the offsets", wanted, "hot_copy", COPY_SHARE)
    check_share("stripped, by the offsets", wanted, "hot_scan", 1 - COPY_SHARE)

    debug = program.with_name("colo-workload.debug")
    run("objcopy", "--only-keep-debug", original, debug)
    run("objcopy", f"--add-gnu-debuglink={debug}", program)
    check_names("debug file beside the program", colo_perf.ram(recording), wanted)
    (program.parent / ".debug").mkdir()
    hidden = debug.rename(program.parent / ".debug" / debug.name)
    check_names("debug file in .debug", colo_perf.ram(recording), wanted)
    run("objcopy", "--only-keep-debug", programs.rebuilt, debug)
    moved = hidden.rename(debug.with_suffix(".moved"))
    check_no_names("debug file of another build", colo_perf.ram(recording), wanted, "is stripped")

    symfs = programs.directory / "symfs"
    build_id = build_id_of(program)
    copy = symfs / str(program).lstrip("/")
    by_id = symfs / "usr/lib/debug/.build-id" / build_id[:2] / f"{build_id[2:]}.debug"
    copy.parent.mkdir(parents=True)
    by_id.parent.mkdir(parents=True)
    run("strip", "-o", copy, original)
    answer = colo_perf.ram(recording, "--symfs", str(symfs))
    check_no_names("--symfs without a debug file", answer, wanted, "is stripped")
    moved.rename(by_id)
    answer = colo_perf.ram(recording, "--symfs", str(symfs))
    # What lies in libraries has no name, as they are not below it.
    named = collections.Counter(stack[-1] for stack in answer.stacks.elements())
    plain = collections.Counter(stack[-1] for stack in wanted.elements())
    check("--symfs with a debug file by build-id: functions have their names",
          not warning_of(answer) and all(named[function] == plain[function] > 0
                                         for function in ("hot_copy", "hot_scan")),
          f"{own_names(answer.stacks)} {warning_of(answer)}")


def check_exporting(recording, colo_perf, original):
    answer, _ = check_all(recording, colo_perf, names=False, warnings=["no_symbols"])
    wanted = with_names(answer.stacks, original)
    dynamic = run("nm", "-D", "--defined-only", original).splitlines()
    exported = sorted({line.split()[-1] for line in dynamic} & set(own_names(wanted)))
    check_no_names("stripped, with exported functions", answer, wanted, "is stripped",
                   "only the functions that it exports", allowed=["hot_copy"])
    check("stripped, with exported functions: exactly these have names",
          exported == ["hot_copy"] and count_with(answer.stacks, "hot_copy") ==
          count_with(wanted, "hot_copy"), f"{exported}")
    check_share("stripped, with exported functions", answer.stacks, "hot_copy", COPY_SHARE)


def replace(path, by):
    """Another file takes the path, as when a program is installed anew."""
    shutil.copy(by, f"{path}.new")
    os.rename(f"{path}.new", path)


def check_replaced(recording, colo_perf, programs):
    """The program is replaced, then removed; perf has kept a copy of it at home, or not."""
    program, name, home = recording.case.program, recording.case.name, recording.home
    answer, _ = check_all(recording, colo_perf)
    wanted = answer.stacks
    kept = sorted(home.glob(f".debug/.build-id/{build_id_of(program)[:2]}/*/elf"))
    keeps = "-N" not in recording.case.options
    check(f"{name}: perf has kept {'a copy' if keeps else 'no copy'} of the program",
          bool(kept) == keeps, f"{kept}")

    ids = build_id_of(program), build_id_of(programs.rebuilt)
    replace(program, programs.rebuilt)
    check_no_names(f"{name}, replaced", colo_perf.ram(recording), wanted, *ids)
    if keeps:
        check_names(f"{name}, replaced, with perf's copy", colo_perf.ram(recording, home=home),
                    wanted)
    program.unlink()
    check_no_names(f"{name}, removed", colo_perf.ram(recording), wanted, str(program))
    if keeps:
        check_names(f"{name}, removed, with perf's copy", colo_perf.ram(recording, home=home),
                    wanted)


def check_short_id(recording, colo_perf, programs):
    """A build-id of 16 bytes, where most have 20."""
    program, name = recording.case.program, recording.case.name
    answer = colo_perf.ram(recording)
    check_against_perf(recording, answer.stacks)
    ids = build_id_of(program), build_id_of(programs.rebuilt)
    replace(program, programs.rebuilt)
    check_no_names(f"{name}, replaced", colo_perf.ram(recording), answer.stacks, *ids)


def check_inode(recording, colo_perf, original):
    """No build-id was recorded: the file is known by its inode, the kernel and the vDSO are not."""
    program, name = recording.case.program, recording.case.name
    answer = colo_perf.ram(recording)
    wanted = answer.stacks
    check_against_perf(recording, wanted, names=False)
    check(f"{name}: no warning of the program", MODULE not in " ".join(
        line.split(": functions of ")[-1] for line in answer.warnings), f"{answer.warnings}")
    check_share(name, wanted, "hot_copy", COPY_SHARE)
    check_share(name, wanted, "hot_scan", 1 - COPY_SHARE)
    replace(program, original)
    check_no_names(f"{name}, a copy at the same path", colo_perf.ram(recording), wanted,
                   "cannot tell", "inode")
    program.unlink()
    check_no_names(f"{name}, removed", colo_perf.ram(recording), wanted, str(program))


def check_changed(recording, colo_perf):
    program, name = recording.case.program, recording.case.name
    answer, _ = check_all(recording, colo_perf)
    wanted = answer.stacks
    later = os.stat(recording.path).st_mtime + 5
    os.utime(program, (later, later))
    check_no_names(f"{name}, changed since", colo_perf.ram(recording), wanted, "cannot tell",
                   "changed since")
    symfs = program.parent / "symfs"
    copy = symfs / str(program).lstrip("/")
    copy.parent.mkdir(parents=True)
    shutil.copy(program, copy)
    answer = colo_perf.ram(recording, "--symfs", str(symfs))
    check(f"{name}, --symfs vouches for it: functions have their names",
          not warning_of(answer) and count_with(answer.stacks, "hot_copy") ==
          count_with(wanted, "hot_copy") > 0, f"{warning_of(answer)}")


# --- All of it ---

def cases_of(programs):
    """[(case, what is checked of it)], of those that may be recorded at the same time."""
    a = programs.library("a", "work_in_a")
    b = programs.library("b", "work_in_b")
    plain, frameless = programs.plain, programs.frameless

    def replaced_library(name):
        old = programs.library(f"{name}-old", "work_in_old")
        path = old.parent / name / "replaced.so"
        path.parent.mkdir()
        old.rename(path)
        new = programs.library(f"{name}-new", "work_in_new")
        return mode("replaced-library", path, "work_in_old", new, "work_in_new")

    return [
        (Case("mix", plain, mix()), check_mix),
        (Case("recursion", plain, mode("recurse", 20)),
         lambda recording, colo_perf: check_recursion(recording, colo_perf, 20)),
        (Case("deep-recursion", plain, mode("recurse", 200)),
         lambda recording, colo_perf: check_cut(recording, colo_perf, MAX_STACK)),
        (Case("recursion-max-stack-16", plain, mode("recurse", 20),
              event=f"cpu-clock/freq={RATE},call-graph=fp,max-stack=16/"),
         lambda recording, colo_perf: check_cut(recording, colo_perf, 16)),
        (Case("recursion-max-stack-64", plain, mode("recurse", 20),
              event=f"cpu-clock/freq={RATE},call-graph=fp,max-stack=64/"),
         lambda recording, colo_perf: check_recursion(recording, colo_perf, 20)),
        (Case("no-chains", plain, mix(), event=f"cpu-clock/freq={RATE}/"), check_single),
        (Case("libraries", plain, mode("libraries", a, "work_in_a", b, "work_in_b")),
         check_libraries),
        (Case("replaced-library", plain, replaced_library("by-inode")), check_replaced_library),
        (Case("replaced-library-build-id", plain, replaced_library("by-build-id"),
              options=("-N", "--buildid-mmap")), check_replaced_library),
        (Case("fork", plain, mode("fork")),
         lambda recording, colo_perf: check_child(recording, colo_perf, "hot_child")),
        (Case("exec", plain, mode("exec")),
         lambda recording, colo_perf: check_child(recording, colo_perf, "hot_executed")),
        (Case("grandchild", plain, mode("grandchild")), check_grandchild),
        (Case("threads", plain, mode("threads")), check_threads),
        (Case("inline", plain, mode("inline")),
         lambda recording, colo_perf: check_inlines(recording, colo_perf, programs.probes)),
        (Case("dwarf", frameless, mix(), event=STACKS),
         lambda recording, colo_perf: check_unwound_mix(recording, colo_perf, THREAD)),
        (Case("dwarf-grandchild", frameless, mode("grandchild"), event=STACKS),
         lambda recording, colo_perf: check_unwound_mix(recording, colo_perf, MAIN)),
        (Case("dwarf-vdso", frameless, mode("clock"), event=STACKS), check_unwound_clock),
        (Case("dwarf-deep", frameless, mode("room", 20), event=STACKS),
         lambda recording, colo_perf: check_unwound_cut(recording, colo_perf, 20)),
        (Case("stripped", programs.stripped("stripped", plain), mix()),
         lambda recording, colo_perf: check_stripped(recording, colo_perf, plain, programs)),
        (Case("exporting", programs.stripped("stripped-exporting", programs.exporting), mix()),
         lambda recording, colo_perf: check_exporting(recording, colo_perf, programs.exporting)),
        (Case("kept-copy", programs.copy("kept-copy", plain), mix(), options=()),
         lambda recording, colo_perf: check_replaced(recording, colo_perf, programs)),
        (Case("no-copy", programs.copy("no-copy", plain), mix()),
         lambda recording, colo_perf: check_replaced(recording, colo_perf, programs)),
        (Case("no-build-ids", programs.copy("no-build-ids", plain), mix(), options=("-B",)),
         lambda recording, colo_perf: check_inode(recording, colo_perf, plain)),
        (Case("short-build-id", programs.copy("short-table", programs.short_id), mix()),
         lambda recording, colo_perf: check_short_id(recording, colo_perf, programs)),
        (Case("short-build-id-mmap", programs.copy("short-mmap", programs.short_id), mix(),
              options=("-N", "--buildid-mmap")),
         lambda recording, colo_perf: check_short_id(recording, colo_perf, programs)),
        (Case("without-build-id", programs.copy("without-build-id", programs.without_id), mix()),
         check_changed),
    ]


def attached_cases_of(programs):
    """Likewise, of a process that runs already, recorded by colo-perf record."""
    return [
        (Case("attached", programs.whole, mix()), check_mix),
        (Case("attached-grandchild", programs.whole, mode("grandchild")), check_grandchild),
    ]


def record_all(recorder, programs):
    """[(case, its recording, what is checked of it)]; a recording is a future that is done."""
    pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
    try:
        pending = [(case, pool.submit(record, case), checks)
                   for record, cases in ((recorder.attach, attached_cases_of(programs)),
                                         (recorder.record, cases_of(programs)))
                   for case, checks in cases]
        concurrent.futures.wait([recording for _, recording, _ in pending])
        # It would see the others.
        alone = Case("system-wide", programs.plain, mix(), options=("-N", "-a"))
        return pending + [(alone, pool.submit(recorder.record, alone), check_mix)]
    finally:
        # Those that run have the probes open.
        pool.shutdown(cancel_futures=sys.exc_info()[0] is not None)


def check_case(case, pending, checks, colo_perf):
    try:
        checks(pending.result(), colo_perf)
    except Exception as error:  # pylint: disable=broad-except
        # The other cases are to be heard as well.
        traceback.print_exc(file=sys.stderr)
        check(f"{case.name}: can be recorded and checked", False, f"{type(error).__name__}")


def stop(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--colo-perf", default="build/colo-perf")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)

    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory).resolve()
        home = work / "home"
        home.mkdir()
        # Neither perf nor colo-perf may find a copy or a debug file that is not ours.
        os.environ["HOME"] = str(home)
        os.environ["TMPDIR"] = str(work)
        os.environ.pop("DEBUGINFOD_URLS", None)
        programs = Programs(work)
        colo_perf = ColoPerf(arguments.colo_perf, home)
        with Probes(programs.probes, work) as probes:
            cases = record_all(Recorder(probes, work), programs)
        check("nothing of ours is left registered", not probes.left, f"{probes.left}")
        for case, pending, checks in cases:
            check_case(case, pending, checks, colo_perf)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
